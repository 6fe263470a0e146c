"""An export keeps how it ended each work order: as many of each outcome as it counts."""

from __future__ import annotations

from collections import Counter

import psycopg
import pytest
from django.db import OperationalError

from kingsync import worker
from kingsync.exports import dry_run, export_job, export_run, ledger
from kingsync.models.runs import NEW_PROBLEM, STILL_WAITING, RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.runs import lifecycle
from kingsync.runs.lease import LostClaimError
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.lost_answers import LostAnswers


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


def test_work_order_amid_which_our_own_fault_ends_the_run_is_kept_as_failed(
    outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        scenario.work_order(outsmart)

    def cancelled(*_arguments: object, **_named: object) -> None:
        raise OperationalError from psycopg.errors.QueryCanceled()  # does not pass by itself

    monkeypatch.setattr(ledger, "extend_outcome_unknown", cancelled)

    run = scenario.export()

    assert (run.status, run.error["code"], run.read_count) == (RunStatus.FAILED, "internal", 1)
    assert kept(run) == counted(run) == {"failed": 1}


def test_outcomes_go_on_in_the_next_slice(tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    for _ in range(3):
        scenario.work_order(outsmart)
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.COMMAND).run

    while SyncRun.objects.get(pk=run.pk).is_open:
        worker.work_slice(run.pk, slice_seconds=0.0)

    run.refresh_from_db()
    assert kept(run) == counted(run) == {"created": 3}


def cut_short(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, *, skip: int = 0, **options: object
) -> SyncRun:
    """Let another worker have taken the run when this function is called; continue the run when it was."""
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.COMMAND, options=options).run
    calls = iter(range(1000))
    usual = getattr(where, name)

    def once_lost(*arguments: object, **named: object) -> object:
        if next(calls) == skip:
            raise LostClaimError
        return usual(*arguments, **named)

    with monkeypatch.context() as cut:
        cut.setattr(where, name, once_lost)
        worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)
    assert SyncRun.objects.get(pk=run.pk).is_open
    WorkOrder.objects.update(outcome_unknown_until=None)
    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)
    run.refresh_from_db()
    return run


@pytest.mark.parametrize("skip", [0, 1, 5, 12])
def test_a_slice_that_is_cut_short_amid_a_work_order_counts_it_once(
    outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch, skip: int
) -> None:
    monkeypatch.setattr(export_job, "HEARTBEAT_SECONDS", 0)
    for _ in range(3):
        scenario.work_order(outsmart)

    run = cut_short(monkeypatch, ledger, "extend_outcome_unknown", skip=skip)

    assert (run.status, scenario.counts(run)) == (RunStatus.SUCCEEDED, {"read": 3, "created": 3})
    assert kept(run) == counted(run)


def test_a_slice_that_is_cut_short_before_an_answer_is_found_counts_its_work_order_once(
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    monkeypatch: pytest.MonkeyPatch,
    lost_answers_soon_settled: LostAnswers,
) -> None:
    for _ in range(3):
        scenario.work_order(outsmart)
    king.faults.add(Fault(kind="reset_after", operation="Order_Toevoegen", skip=1))

    run = cut_short(monkeypatch, export_run.ExportRun, "_settle")

    assert (run.status, scenario.counts(run)) == (RunStatus.SUCCEEDED, {"read": 3, "created": 3})
    assert kept(run) == counted(run)


def test_a_preview_that_is_cut_short_counts_each_work_order_once(
    outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for customer in ("10", "10", "999"):
        scenario.work_order(outsmart, CustomerDebtorNrInvoice=customer)

    run = cut_short(monkeypatch, dry_run, "_keep", dry_run=True)

    assert scenario.counts(run) == {"read": 3, "created": 2, "rejected": 1}
    assert (run.attention_count, run.new_problems_count) == (1, 1)
    assert (run.progress_done, run.progress_total) == (3, 3)


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
