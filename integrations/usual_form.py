"""The usual form of a record, decoded with its types in one step.

Of a hundred thousand records nearly all are written the same way. What is not (a number in quotes, null for a text, a
control character) is left to `shapes.Shape`, which takes every notation, says what is wrong, and takes twice as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from operator import itemgetter
from typing import Generic, TypeVar

import msgspec

Record_co = TypeVar("Record_co", bound=msgspec.Struct, covariant=True)
_FLAGS = {0: False, 1: True}
_MOST_PLACES = 15
_NUMBER = Decimal | None
# In this order in the decoded struct, each with what it may be in JSON and what absent means.
_FORMS: tuple[tuple[object, object, object], ...] = (
    (str, str | int, ""),
    (int, int, 0),
    (bool, bool | int, False),
    (_NUMBER, object, None),
)


class _UnusualError(Exception):
    """A value has another form. Never leaves this module."""


class UsualForm(Generic[Record_co]):
    """Reads records whose fields are texts, whole numbers, flags and decimals, and may be given without names."""

    def __init__(self, record: type[Record_co], names: Mapping[str, str], hints: Mapping[str, object]) -> None:
        groups = [[field for field in names if hints[field] == form] for form, _, _ in _FORMS]
        fields = [(field, form[1], form[2]) for form, group in zip(_FORMS, groups, strict=True) for field in group]
        wire = msgspec.defstruct(f"{record.__name__}Usual", fields, rename=dict(names), kw_only=True)
        self._record = record
        found = [field for field, _, _ in fields]
        self._in_order = itemgetter(*(found.index(field) for field in record.__struct_fields__))
        self._flags = len(groups[0]) + len(groups[1])
        self._texts, self._numbers = len(groups[0]), self._flags + len(groups[2])
        self._decoder = msgspec.json.Decoder(wire, float_hook=Decimal)

    def read(self, raw: bytes | msgspec.Raw) -> Record_co | None:
        """Return the record, or None when anything of it is written in another way."""
        try:
            values = msgspec.structs.astuple(self._decoder.decode(raw))
            flags = [_FLAGS[value] for value in values[self._flags : self._numbers]]
            numbers = [_decimal(value) for value in values[self._numbers :]]
        except (msgspec.DecodeError, ValueError, RecursionError, KeyError, _UnusualError):
            return None
        texts = [*map(str, values[: self._texts])]
        if not "".join(texts).isprintable():
            return None
        whole = values[self._texts : self._flags]
        return self._record(*self._in_order((*texts, *whole, *flags, *numbers)))


def _decimal(value: object) -> Decimal | None:
    if type(value) is Decimal and -_MOST_PLACES < value.adjusted() < _MOST_PLACES:
        return value
    if value is None:
        return None
    if type(value) is int and abs(value) < 10**_MOST_PLACES:
        return Decimal(value)
    raise _UnusualError
