"""What is counted of runs and their calls agrees with the runs themselves, whatever breaks."""

from __future__ import annotations

import pytest

from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import lifecycle
from kingsync.watch import catalog, tallies
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.watch.conftest import Counted


def test_an_export_counts_its_end_its_records_and_each_call(
    stocked: None, outsmart: OutSmartSandbox, king: KingSandbox, counted: Counted
) -> None:
    for _each in range(3):
        scenario.work_order(outsmart)
    scenario.work_order(outsmart, Materials=[scenario.material("UNKNOWN")], Workperiods=[])

    run = scenario.export()

    assert counted.of(catalog.RUNS, kind="export", outcome="partly", mode="write") == 1
    assert counted.of(catalog.RUN_SECONDS, kind="export", mode="write") == 1
    for outcome, number in run.counts().items():
        assert counted.of(catalog.RECORDS, kind="export", outcome=outcome, mode="write") == number, outcome
    made = scenario.calls(king).count("Order_Toevoegen")
    assert made == 3
    assert counted.of(catalog.CALLS, system="king", operation="Order_Toevoegen", outcome="ok") == made
    assert counted.of(catalog.CALL_SECONDS, system="king", operation="Order_Toevoegen") == made


def test_each_failing_try_of_a_call_is_counted_by_its_reason(
    stocked: None, outsmart: OutSmartSandbox, counted: Counted
) -> None:
    outsmart.token = "another"

    run = scenario.export()

    assert run.status == "failed"
    failed = [series for series in tallies.tallies.take() if '"outcome":"authentication"' in series[1]]
    assert len(failed) == 1
    assert '"system":"outsmart"' in failed[0][1]


def test_a_dry_run_is_counted_apart(stocked: None, outsmart: OutSmartSandbox, counted: Counted) -> None:
    scenario.work_order(outsmart)

    scenario.export(dry_run=True)

    assert counted.of(catalog.RUNS, kind="export", outcome="succeeded", mode="dry") == 1
    assert counted.of(catalog.RECORDS, kind="export", outcome="read", mode="dry") == 1
    assert counted.of(catalog.RUNS, kind="export", outcome="succeeded", mode="write") == 0


def test_what_was_read_and_not_finished_counts_as_failed(
    stocked: None, outsmart: OutSmartSandbox, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = factories.run(Tenant.objects.get(), status=RunStatus.QUEUED)
    with lifecycle.claimed(run.pk, slice_seconds=60) as claim:
        assert claim
        claim.count("read", 5)
        claim.count("created", 3)
        lifecycle.finish(claim)

    assert SyncRun.objects.get(pk=run.pk).failed_count == 2
    assert counted.of(catalog.RECORDS, kind="export", outcome="failed", mode="write") == 2


def test_runs_that_end_without_a_worker_are_counted_too(tenant: Tenant, counted: Counted) -> None:
    factories.settings(tenant)
    waiting = factories.run(tenant, RunKind.EXPORT, status=RunStatus.QUEUED)
    factories.run(tenant, RunKind.IMPORT, status=RunStatus.RUNNING)

    lifecycle.request_cancel(waiting)
    lifecycle.request_cancel(waiting)
    lifecycle.interrupt_dead(RunKind.IMPORT)

    assert counted.of(catalog.RUNS, kind="export", outcome="cancelled", mode="write") == 1
    assert counted.of(catalog.RUNS, kind="import", outcome="failed", mode="write") == 1


def test_an_export_goes_well_although_nothing_can_be_counted(
    stocked: None, outsmart: OutSmartSandbox, king: KingSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario.work_order(outsmart)

    def broken(*_args: object) -> None:
        raise RuntimeError("a bug in what watches")

    monkeypatch.setattr(tallies, "_series", broken)

    run = scenario.export()

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 1, "created": 1})
    assert len(scenario.orders(king)) == 1
