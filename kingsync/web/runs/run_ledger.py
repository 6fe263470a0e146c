"""The work orders of an export: how it ended each of them, and what is being sent right now."""

from __future__ import annotations

from dataclasses import dataclass

from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.web.runs import kept_records
from kingsync.web.runs.kept_records import Tab

SENDING_SHOWN, LATEST_SHOWN = 3, 8


@dataclass(frozen=True)
class Ended:
    """One work order as the run ended it; `work_order` is None for one that the ledger does not have."""

    outcome: str
    label: str
    outsmart_id: str
    work_order: WorkOrder | None

    @property
    def tone(self) -> str:
        return kept_records.tone(self.outcome)


@dataclass(frozen=True)
class RunLedger:
    """Part of the work orders of a run, the last one first.

    `tabs` are those that are kept, by outcome; `missing` were counted too, but a killed worker took along which.
    """

    rows: list[Ended]
    outcome: str
    tabs: list[Tab]
    total: int
    missing: int
    next_after: int | None
    sending: list[WorkOrder]


def of(run: SyncRun, *, outcome: str, after: str) -> RunLedger | None:
    """Return the work orders of an export with this outcome, or all; None for other runs. In one or two queries."""
    if run.kind != RunKind.EXPORT or run.is_dry or not (run.is_open or run.outcomes):
        return None
    asked = kept_records.known(outcome)
    wanted = kept_records.wanted(run, asked)
    start, end = kept_records.page_of(after)
    if run.is_open and not outcome:
        end = start + LATEST_SHOWN
    return RunLedger(
        rows=_rows(run, wanted[start:end]),
        outcome=asked,
        tabs=kept_records.tabs(run),
        total=len(run.ended()),
        missing=0 if run.is_open else kept_records.missing(run, asked),
        next_after=end if end < len(wanted) else None,
        sending=_sending(run) if run.is_open else [],
    )


def _rows(run: SyncRun, ended: list[tuple[str, str]]) -> list[Ended]:
    numbers = [outsmart_id for _, outsmart_id in ended]
    here = WorkOrder.across_administrations.filter(administration_id=run.administration_id, outsmart_id__in=numbers)
    found = {row.outsmart_id: row for row in here.defer("source", "difference", "header_as_read")}
    return [
        Ended(outcome, kept_records.label(outcome, run), outsmart_id, found.get(outsmart_id))
        for outcome, outsmart_id in ended
    ]


def _sending(run: SyncRun) -> list[WorkOrder]:
    """Return what is on its way to King, or was when its outcome became unknown."""
    rows = WorkOrder.objects.filter(state=LedgerState.SENDING, changed_at__gte=run.started_at or run.queued_at)
    return list(rows.order_by("-changed_at").defer("source", "difference", "header_as_read")[:SENDING_SHOWN])
