"""The records of an import: how it ended each of them, beside how it is now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.runs import KEPT_OF_AN_IMPORT, RunKind, SyncRun
from kingsync.web.runs import kept_records
from kingsync.web.runs.kept_records import Tab


@dataclass(frozen=True)
class EndedRecord:
    """One record as the run ended it; `number` is "" where it could not be read, `link` None if it is gone since."""

    outcome: str
    label: str
    kind_label: str
    number: str
    link: RecordLink | None

    @property
    def tone(self) -> str:
        return kept_records.tone(self.outcome)


@dataclass(frozen=True)
class RunRecords:
    """Part of the records of an import, the last one first; `missing` were counted too, beyond the first `kept`."""

    rows: list[EndedRecord]
    outcome: str
    kind: str
    tabs: list[Tab]
    total: int
    missing: int
    kept: int
    next_after: int | None


def of(run: SyncRun, *, outcome: str, kind: str, after: str) -> RunRecords | None:
    """Return the records of an import with this outcome and of this kind, or all; None if none are kept."""
    if run.kind != RunKind.IMPORT or not run.outcomes:
        return None
    kind = kind if kind in RecordKind.values else ""
    outcome = kept_records.known(outcome)
    wanted = [each for each in kept_records.wanted(run, outcome) if not kind or each[1].startswith(f"{kind} ")]
    start, end = kept_records.page_of(after)
    return RunRecords(
        rows=_rows(run, wanted[start:end]),
        outcome=outcome,
        kind=kind,
        tabs=kept_records.tabs(run),
        total=len(run.ended()),
        missing=0 if kind or run.is_open else kept_records.missing(run, outcome),
        kept=KEPT_OF_AN_IMPORT,
        next_after=end if end < len(wanted) else None,
    )


def _rows(run: SyncRun, ended: Iterable[tuple[str, str]]) -> list[EndedRecord]:
    split = [(outcome, *record.split(" ", 1)) for outcome, record in ended]
    rows = RecordLink.across_administrations.filter(
        administration_id=run.administration_id,
        kind__in={kind for _, kind, _ in split},
        king_id__in={number for _, _, number in split},
    )
    found = {(row.kind, row.king_id): row for row in rows.defer("sent", "difference")}
    return [
        EndedRecord(outcome, kept_records.label(outcome, run), _kind_label(kind), number, found.get((kind, number)))
        for outcome, kind, number in split
    ]


def _kind_label(kind: str) -> str:
    return str(RecordKind(kind).label) if kind in RecordKind.values else kind
