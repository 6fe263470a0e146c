"""What the rules of the imports answer: rows for OutSmart, or why there is none."""

from __future__ import annotations

import msgspec

from kingsync.rules.outcomes import Reason


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row for OutSmart. `kind` is a RecordKind; `payload` a Struct of `integrations.outsmart.records`."""

    kind: str
    king_id: str
    outsmart_id: str
    payload: msgspec.Struct
    is_active: bool = True


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is not sent: impossible (King must be completed) or skipped by a setting."""

    kind: str
    king_id: str
    reason: Reason
    is_impossible: bool


Answer = Row | Dropped


def impossible(kind: str, king_id: str, *fields: str) -> Dropped:
    """Return the answer for a record that lacks fields which OutSmart needs."""
    return Dropped(
        kind=kind,
        king_id=king_id,
        reason=Reason(code="missing_fields", params={"fields": ", ".join(fields)}),
        is_impossible=True,
    )


def skipped(kind: str, king_id: str, code: str) -> Dropped:
    return Dropped(kind=kind, king_id=king_id, reason=Reason(code=code), is_impossible=False)


def one_line(*parts: str) -> str:
    """Return the parts as one line of text, without double blanks."""
    return " ".join(" ".join(parts).split())
