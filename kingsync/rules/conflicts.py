"""What a user chose where King's staff and the office both changed a line.

A choice is kept with the line, under a mark of exactly the values chosen between: other values are another conflict.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from kingsync.rules.plans import SavedLine

# Stored for a line whose row the office removed, and that King's staff keep: it is no longer ours.
GIVEN_UP = "given_up"
CODES = frozenset({"line_conflict", "line_removed", "line_dropped"})
_MARK_BYTES = 12


class Choice(enum.StrEnum):
    KING = "king"
    OUTSMART = "outsmart"
    SUM = "sum"


def mark(reference: str, *values: str | Decimal | None) -> str:
    """Return what identifies a conflict: the line and the values in full."""
    text = "\0".join([reference, *map(_exact, values)])
    return hashlib.blake2b(text.encode(), digest_size=_MARK_BYTES).hexdigest()


def _exact(value: str | Decimal | None) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else (value or "").strip()


def chosen(line: SavedLine | None, conflict_mark: str) -> Choice | None:
    """Return what a user chose for a conflict of this line."""
    choice = line.choices.get(conflict_mark) if line else None
    return Choice(choice) if choice else None


def is_given_up(line: SavedLine | None) -> bool:
    return line is not None and GIVEN_UP in line.choices


def total(before: str | Decimal | None, ours: str | Decimal | None, theirs: str | Decimal | None) -> Decimal | None:
    """Return the quantity with the changes of both sides; None if one of the values is no number."""
    try:
        before, ours, theirs = (Decimal(_exact(value)) for value in (before, ours, theirs))
    except InvalidOperation:
        return None
    return theirs + ours - before


def possible(code: str, params: Mapping[str, str]) -> tuple[Choice, ...]:
    """Return the choices for a conflict, as its reason describes it."""
    is_sum = code == "line_conflict" and params["field"] == "quantity"
    is_sum = is_sum and total(params["before"], params["ours"], params["theirs"]) is not None
    return (Choice.KING, Choice.OUTSMART, Choice.SUM) if is_sum else (Choice.KING, Choice.OUTSMART)


def kept(code: str, params: Mapping[str, str], choice: Choice) -> dict[str, str]:
    """Return what to keep with the line for a choice.

    A sum is never added twice: once King has it, although its answer was lost, it is King's value that applies.
    """
    found = {params["mark"]: choice.value}
    if choice is Choice.SUM:
        both = total(params["before"], params["ours"], params["theirs"])
        found[mark(params["reference"], "quantity", params["before"], params["ours"], both)] = Choice.KING.value
    elif code == "line_dropped" and choice is Choice.KING:
        found[GIVEN_UP] = choice.value
    return found
