"""The work orders of an export: how it ended each of them, and what is being sent right now."""

from __future__ import annotations

from dataclasses import dataclass

from kingsync.models.runs import COUNTS, RunKind, SyncRun
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.web.shared import paging, run_labels

EVERY = "all"
SENDING_SHOWN, LATEST_SHOWN = 3, 8
_DIGITS = 9
_TONES = {
    "created": "good",
    "updated": "good",
    "skipped": "warn",
    "rejected": "bad",
    "uncertain": "bad",
    "failed": "bad",
}


@dataclass(frozen=True)
class Ended:
    """One work order as the run ended it; `work_order` is None for one that the ledger does not have."""

    outcome: str
    label: str
    outsmart_id: str
    work_order: WorkOrder | None

    @property
    def tone(self) -> str:
        return _TONES.get(self.outcome, "calm")


@dataclass(frozen=True)
class RunLedger:
    """Part of the work orders of a run, the last one first.

    `counts` are those that are kept, by outcome; `missing` were counted too, but a killed worker took along which.
    """

    rows: list[Ended]
    outcome: str
    counts: list[tuple[str, str, int]]
    total: int
    missing: int
    next_after: int | None
    sending: list[WorkOrder]


def of(run: SyncRun, *, outcome: str, after: str) -> RunLedger | None:
    """Return the work orders of an export with this outcome, or all; None for other runs. In one or two queries."""
    if run.kind != RunKind.EXPORT or run.is_dry or not (run.is_open or run.outcomes):
        return None
    every = run.ended()[::-1]
    wanted = [each for each in every if each[0] == outcome] if outcome in COUNTS else every
    start = int(after) if after.isdecimal() and len(after) <= _DIGITS else 0
    size = LATEST_SHOWN if run.is_open and not outcome else paging.PAGE_SIZE
    end = start + size
    return RunLedger(
        rows=_rows(run, wanted[start:end]),
        outcome=outcome if outcome in COUNTS else EVERY,
        counts=_counts(run, every),
        total=len(every),
        missing=_missing(run, every, outcome),
        next_after=end if end < len(wanted) else None,
        sending=_sending(run) if run.is_open else [],
    )


def _rows(run: SyncRun, ended: list[tuple[str, str]]) -> list[Ended]:
    numbers = [outsmart_id for _, outsmart_id in ended]
    here = WorkOrder.across_administrations.filter(administration_id=run.administration_id, outsmart_id__in=numbers)
    found = {row.outsmart_id: row for row in here.defer("source", "difference", "header_as_read")}
    return [
        Ended(outcome, run_labels.count_label(outcome, run), outsmart_id, found.get(outsmart_id))
        for outcome, outsmart_id in ended
    ]


def _counts(run: SyncRun, ended: list[tuple[str, str]]) -> list[tuple[str, str, int]]:
    outcomes = [outcome for outcome, _ in ended]
    return [
        (name, run_labels.count_label(name, run, outcomes.count(name)), outcomes.count(name))
        for name in COUNTS
        if name in outcomes
    ]


def _missing(run: SyncRun, ended: list[tuple[str, str]], outcome: str) -> int:
    """Return how many of a finished run's count are not kept."""
    if run.is_open:
        return 0
    name = outcome if outcome in COUNTS else "read"
    kept = len(ended) if name == "read" else sum(each == name for each, _ in ended)
    return max(0, run.counts()[name] - kept)


def _sending(run: SyncRun) -> list[WorkOrder]:
    """Return what is on its way to King, or was when its outcome became unknown."""
    rows = WorkOrder.objects.filter(state=LedgerState.SENDING, changed_at__gte=run.started_at or run.queued_at)
    return list(rows.order_by("-changed_at").defer("source", "difference", "header_as_read")[:SENDING_SHOWN])
