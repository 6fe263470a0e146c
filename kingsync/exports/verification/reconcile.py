"""Compare an exported work order with OutSmart again: the office may have edited or deleted it afterwards."""

from __future__ import annotations

from django.utils import timezone

from integrations import errors
from integrations.outsmart import payloads
from kingsync.exports import deletions, ledger, supplements, verdict
from kingsync.exports.export_job import PlanningJob
from kingsync.exports.lines import ledger_lines
from kingsync.models.runs import LogEntry
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules import changes
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import Plan

# The reasons of `changed` that come from here; only those are withdrawn here.
OURS = frozenset({"changed_after_export", *deletions.CODES})


def compare(job: PlanningJob, row: WorkOrder, answer: bytes, *, is_saved: bool = False) -> list[Reason]:
    """Save the comparison of an exported work order with OutSmart's bytes; return what is newly found.

    Edits of an interim work order are expected: its final export sends them. `is_saved`: that it was compared just now
    is saved already.
    """
    found = [] if row.state == LedgerState.INTERIM else _differences(job, row, answer)
    if found:
        missing = supplements.missing(job.master_data, job.choices, row, payloads.work_order(answer))
        if missing == [] and row.king_closed_at:  # settled by hand since
            found = []
        ledger.save_lazily(row, difference=supplements.stored_lines(missing or []))
    if not found:
        return [] if is_saved else _save_unchanged(row)
    return _save_changed(job, row, reason("changed_after_export", detail="; ".join(found)), "order.changed")


def deleted(job: PlanningJob, row: WorkOrder) -> list[Reason]:
    """Save that OutSmart no longer has an exported work order; return that reason unless it was known."""
    return _save_changed(job, row, deletions.reason_of(row), "order.deleted_at_source")


def _save_unchanged(row: WorkOrder) -> list[Reason]:
    if row.state == LedgerState.CHANGED and _codes(row) <= OURS:
        ledger.settle(row, LedgerState.DONE, verified_at=timezone.now())
    else:
        ledger.save_lazily(row, verified_at=timezone.now())
    return []


def _save_changed(job: PlanningJob, row: WorkOrder, why: Reason, event: str) -> list[Reason]:
    is_others = row.state == LedgerState.CHANGED and not _codes(row) <= OURS
    if is_others or any(each["code"] == why.code and each["params"] == why.params for each in row.reasons):
        ledger.save_lazily(row, verified_at=timezone.now())
        return []
    state = LedgerState.HELD if row.state == LedgerState.INTERIM else LedgerState.CHANGED
    ledger.settle(row, state, [why], verified_at=timezone.now())
    job.log_event(row, event, why, LogEntry.Level.WARNING)
    return [why]


def _codes(row: WorkOrder) -> set[str]:
    return {str(why["code"]) for why in row.reasons}


def _differences(job: PlanningJob, row: WorkOrder, answer: bytes) -> list[str]:
    try:
        now = _plan_of(job, row, answer)
    except errors.PayloadError as error:
        job.log.failure("order.not_compared", error, outsmart_id=row.outsmart_id)
        return []
    saved = ledger_lines.saved_lines(row)
    if not changes.since_export(saved, now):
        return []
    return changes.since_export(saved, now, _plan_as_exported(job, row))


def _plan_as_exported(job: PlanningJob, row: WorkOrder) -> Plan | None:
    """Return the plan of the work order as the export read it; None when that is no longer stored."""
    try:
        return _plan_of(job, row, row.source.encode())
    except errors.PayloadError:
        return None


def _plan_of(job: PlanningJob, row: WorkOrder, raw: bytes) -> Plan:
    return verdict.plan_for(job, row, payloads.work_order(raw), number=row.king_order_number or "")
