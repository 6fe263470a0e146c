"""The result of an import or its dry run, as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kingsync.messages.reason_texts import sentence
from kingsync.models.runs import COUNTS, SyncRun

SHOWN = 5
FIELDS_SHOWN = 4
LONGEST_VALUE = 60


def lines(run: SyncRun) -> Iterator[str]:
    """Return the counts of each kind; for a dry run also the first examples."""
    for kind, counts in run.counts_by_kind.items():
        text = ", ".join(f"{name} {counts[name]}" for name in COUNTS if counts.get(name))
        yield f"{kind}: {text or '-'}"
        for outcome, examples in run.dry_run_examples.get(kind, {}).items():
            yield from _examples(outcome, examples, counts.get(outcome, 0))


def _examples(outcome: str, examples: list[dict[str, Any]], count: int) -> Iterator[str]:
    for entry in examples[:SHOWN]:
        name = " ".join(part for part in (entry["king_id"], entry["name"]) if part)
        yield f"  {outcome} {entry['kind']} {name}".rstrip() + _why(entry)
    rest = max(count, len(examples)) - SHOWN
    if rest > 0:
        yield f"  {outcome} … {rest} more"


def _why(entry: dict[str, Any]) -> str:
    changes = [f"{field} {_value(old)} → {_value(new)}" for field, (old, new) in entry["changes"].items()]
    more = ["…"] if len(changes) > FIELDS_SHOWN else []
    text = [*changes[:FIELDS_SHOWN], *more] or [sentence(entry["reason"])] if entry["reason"] or changes else []
    return f": {', '.join(text)}" if text else ""


def _value(value: object) -> str:
    text = " ".join(str(value).split())
    return f"“{text[:LONGEST_VALUE]}…”" if len(text) > LONGEST_VALUE else f"“{text}”"
