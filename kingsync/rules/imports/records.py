"""The answers of the import rules: rows for OutSmart, or why there are none."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

import msgspec

from integrations.outsmart import records as outsmart
from kingsync.rules.outcomes import Reason, reason

# Our length limits for King's numbers and the names of records; King's own are 20 and 81 at most.
LONGEST_NUMBER = 50
LONGEST_NAME = 255


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row for OutSmart: its RecordKind, a Struct of `integrations.outsmart.records`, and a name for lists."""

    kind: str
    king_id: str
    outsmart_id: str
    payload: msgspec.Struct
    is_active: bool = True
    name: str = ""


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is not sent: impossible (to be completed in King) or skipped by a setting."""

    kind: str
    king_id: str
    reason: Reason
    is_impossible: bool
    name: str = ""


Answer = Row | Dropped


def refused(kind: str, king_id: str, why: Reason, *, name: str = "") -> Dropped:
    """Return the answer for a record that cannot be sent as it is in King."""
    return Dropped(kind=kind, king_id=_storable(king_id), reason=why, is_impossible=True, name=label(name))


def skipped(kind: str, king_id: str, code: str, *, name: str = "") -> Dropped:
    """Return the answer for a record that a setting skips."""
    return Dropped(kind=kind, king_id=_storable(king_id), reason=reason(code), is_impossible=False, name=label(name))


def checked(row: Row) -> Answer:
    """Return the row, or why OutSmart would refuse it: a required field is blank, or a text is too long."""
    why = _LIMITS[type(row.payload)].problem(row.payload)
    if why is None and len(row.king_id) > LONGEST_NUMBER:
        why = reason("too_long", field="number", length=str(len(row.king_id)), limit=str(LONGEST_NUMBER))
    return row if why is None else refused(row.kind, row.king_id, why, name=row.name)


def one_line(*parts: str) -> str:
    """Return the parts as one line of text, without double spaces."""
    return " ".join(" ".join(parts).split())


def label(text: str) -> str:
    """Return a record's name, cut to fit in a list."""
    return one_line(text[: 2 * LONGEST_NAME])[:LONGEST_NAME]


def _storable(number: str) -> str:
    """Return the number as listed for a record; an impossibly long one is cut."""
    return number if len(number) <= LONGEST_NUMBER else f"{number[: LONGEST_NUMBER - 1]}…"


class _Limits:
    """OutSmart's limits for one kind of row. The longest text is checked first: most rows pass by that alone."""

    def __init__(self, payload: type[msgspec.Struct]) -> None:
        self._payload = payload
        self._required = outsmart.required_fields(payload)
        fields = payload.__struct_fields__
        self._short = tuple(fields.index(field) for row, field in outsmart.SHORT_TEXTS if row is payload)
        self._needed: Callable[[msgspec.Struct], tuple[str, ...]] = attrgetter(*self._required)

    def problem(self, payload: msgspec.Struct) -> Reason | None:
        if not all([*map(str.strip, self._needed(payload))]):
            blank = [field for field in self._required if not getattr(payload, field).strip()]
            return reason("missing_fields", fields=", ".join(blank))
        texts = msgspec.structs.astuple(payload)
        lengths = [*map(len, texts)]
        shorter = [lengths[place] for place in self._short]
        if max(lengths) <= outsmart.USUAL_LENGTH and max(shorter, default=0) <= outsmart.SHORT_LENGTH:
            return None
        found = map(self._too_long, payload.__struct_fields__, texts)
        return next((why for why in found if why), None)

    def _too_long(self, field: str, text: str) -> Reason | None:
        place = (self._payload, field)
        if place in outsmart.LONG_TEXTS:
            size, limit, code = len(text.encode("utf-8", "surrogatepass")), outsmart.LONG_LENGTH, "text_too_long"
        else:
            limit = outsmart.SHORT_LENGTH if place in outsmart.SHORT_TEXTS else outsmart.USUAL_LENGTH
            size, code = len(text), "too_long"
        return reason(code, field=field, length=str(size), limit=str(limit)) if size > limit else None


_LIMITS = {payload: _Limits(payload) for payload in outsmart.MASTER_ROWS}
