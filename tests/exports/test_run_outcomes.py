"""An export keeps how it ended each work order: as many of each outcome as it counts."""

from __future__ import annotations

from collections import Counter

import pytest

from kingsync import worker
from kingsync.models.runs import NEW_PROBLEM, STILL_WAITING, RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import lifecycle
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    factories.settings(tenant)


def kept(run: SyncRun) -> dict[str, int]:
    return dict(Counter(outcome for outcome, _ in run.ended()))


def counted(run: SyncRun) -> dict[str, int]:
    return {name: number for name, number in scenario.counts(run).items() if name != "read"}


def test_each_work_order_is_kept_with_its_outcome(outsmart: OutSmartSandbox) -> None:
    good = scenario.work_order(outsmart)
    bad = scenario.work_order(outsmart, CustomerDebtorNrInvoice="999")

    run = scenario.export()

    assert set(run.ended()) == {("created", good), ("rejected", bad)}
    assert kept(run) == counted(run)


def test_work_order_that_ends_the_run_is_kept_as_failed(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    for _ in range(3):
        scenario.work_order(outsmart)
    king.faults.add(Fault(kind="unauthorized", operation="Order_Toevoegen"))

    run = scenario.export()

    assert run.status == RunStatus.FAILED
    assert kept(run) == counted(run) == {"failed": 1}
    assert (run.progress_total, run.read_count) == (3, 1)


def test_outcomes_go_on_in_the_next_slice(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    for _ in range(3):
        scenario.work_order(outsmart)
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.COMMAND).run

    while SyncRun.objects.get(pk=run.pk).is_open:
        worker.work_slice(run.pk, slice_seconds=0.0)

    run.refresh_from_db()
    assert kept(run) == counted(run) == {"created": 3}


def test_preview_keeps_none(outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)

    assert scenario.export(dry_run=True).outcomes == []


def test_problems_are_kept_beside_the_outcomes(outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    known = scenario.work_order(outsmart, CustomerDebtorNrInvoice="998")
    first = scenario.export()
    new = scenario.work_order(outsmart, CustomerDebtorNrInvoice="999")

    second = scenario.export()

    assert first.kept(NEW_PROBLEM) == [("rejected", known)]
    assert second.kept(NEW_PROBLEM) == [("rejected", new)]
    assert second.kept(STILL_WAITING) == [("rejected", known)]
    assert (second.new_problems_count, second.still_waiting_count) == (1, 1)
    assert kept(second) == counted(second)
