"""The results of a dry run for its page: a few records per kind and outcome, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kingsync.messages import reason_texts
from kingsync.models.runs import COUNTS, SyncRun
from kingsync.web.records.record_pages import Change, changes_of
from kingsync.web.shared import run_labels


@dataclass(frozen=True)
class ExampleRecord:
    number: str
    name: str
    why: str
    changes: list[Change]


@dataclass(frozen=True)
class Group:
    """`count` is the total, if the run counted it; `examples` are the first of them."""

    kind: str
    outcome: str
    label: str
    count: int
    examples: list[ExampleRecord]


Row = Mapping[str, Any]


def of(run: SyncRun) -> list[Group]:
    """Return the examples of a dry run, kind by kind, in the order of the contract's counts."""
    return [
        _group(run, kind, outcome, rows)
        for kind, found in run.dry_run_examples.items()
        for outcome, rows in sorted(_by_outcome(found).items(), key=_rank)
        if rows
    ]


def _by_outcome(found: dict[str, list[Row]] | list[Row]) -> dict[str, list[Row]]:
    """Return the examples of a kind by outcome; an export stores a single list of work orders."""
    if isinstance(found, dict):
        return found
    outcomes: dict[str, list[Row]] = {}
    for row in found:
        outcomes.setdefault(str(row.get("count") or row.get("action", "")), []).append(row)
    return outcomes


def _rank(item: tuple[str, list[Row]]) -> int:
    return COUNTS.index(item[0]) if item[0] in COUNTS else len(COUNTS)


def _group(run: SyncRun, kind: str, outcome: str, rows: list[Row]) -> Group:
    counted = int(run.counts_by_kind.get(kind, {}).get(outcome, 0))
    count = max(counted, len(rows))
    label = run_labels.count_label(outcome, run, count) if outcome in COUNTS else outcome
    return Group(run_labels.kind_label(kind), outcome, label, count, [_example(row) for row in rows])


def _example(row: Row) -> ExampleRecord:
    changes = changes_of(row.get("changes") or {})
    number = row.get("king_id") or row.get("order_number") or row.get("outsmart_id") or ""
    reasons = row.get("reasons") or [row.get("reason") or {}]
    return ExampleRecord(str(number), str(row.get("name") or ""), reason_texts.sentences(reasons), changes)
