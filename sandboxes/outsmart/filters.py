"""Query strings as PHP reads them, and OutSmart's advanced filters (outsmart.md, 1.7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import msgspec

from sandboxes.messages import Record, Request
from sandboxes.outsmart.notation import is_decimal, text_of

_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
}


class Filter(msgspec.Struct, frozen=True):
    """One condition."""

    key: str
    value: str
    operator: str


def values_of(request: Request, name: str) -> list[str]:
    """Return the values of a parameter given once or as a list: `key=`, `key[]=`, `key[0]=`."""
    pattern = re.compile(rf"{name}(\[[0-9]*\])?")
    return [value for given, value in request.query if pattern.fullmatch(given)]


def filters_of(request: Request) -> list[Filter]:
    """Return the conditions of a call; a missing operator is `eq`."""
    keys, values, operators = (values_of(request, name) for name in ("key", "value", "operator"))
    operators += ["eq"] * (len(keys) - len(operators))
    return [Filter(*parts) for parts in zip(keys, values, operators, strict=False)]


def chosen(rows: list[Record], filters: list[Filter], columns: dict[str, str]) -> list[Record]:
    """Return the rows that satisfy every condition; an unknown column has no rows."""
    return [row for row in rows if all(_meets(row, one, columns.get(one.key, one.key)) for one in filters)]


def _meets(row: Record, wanted: Filter, column: str) -> bool:
    if column not in row:
        return False
    have = text_of(row, column)
    match wanted.operator:
        case "eq":
            return have == wanted.value
        case "ne":
            return have != wanted.value
        case "li":
            return wanted.value.strip("%").lower() in have.lower()
        case operator:
            return _is_beyond(have, wanted.value, operator)


def _is_beyond(have: str, value: str, operator: str) -> bool:
    compare = _COMPARE.get(operator)
    if compare is None:
        return False
    if is_decimal(have) and is_decimal(value):
        return compare(Decimal(have.replace(",", ".")), Decimal(value.replace(",", ".")))
    return compare(Decimal((have > value) - (have < value)), Decimal(0))
