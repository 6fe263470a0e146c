"""Keyset pagination, newest first or by a column: as fast on page 1000 as on page 1."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import models

M = TypeVar("M", bound=models.Model)
PAGE_SIZE = 50
_BETWEEN = "~"
_KEY_DIGITS = 18


@dataclass(frozen=True)
class Page(Generic[M]):
    """`older` is the key after which the next page begins; None on the last page."""

    rows: list[M]
    older: int | str | None
    is_first: bool


def newest_first(rows: models.QuerySet[M], *, before: str, size: int = PAGE_SIZE) -> Page[M]:
    """Return the page after the key `before`; the first page if that is not a key."""
    key = _key(before)
    if key is not None:
        rows = rows.filter(pk__lt=key)
    found = list(rows.order_by("-pk")[: size + 1])
    older = found[size - 1].pk if len(found) > size else None
    return Page(rows=found[:size], older=older, is_first=key is None)


@dataclass(frozen=True)
class Order:
    """A column, in one of its directions; rows without a value come last, newest first."""

    column: str = "pk"
    is_descending: bool = True

    def names(self) -> tuple[str, ...]:
        """Return the names for `order_by` of rows that have a value."""
        sign = "-" if self.is_descending else ""
        return (f"{sign}pk",) if self.column == "pk" else (f"{sign}{self.column}", f"{sign}pk")

    def whole(self) -> tuple[models.expressions.OrderBy, ...]:
        """Return the expressions for `order_by` of all rows."""
        names = (name.removeprefix("-") for name in self.names())
        return tuple(
            models.expressions.OrderBy(models.F(name), descending=self.is_descending, nulls_last=True) for name in names
        )


NEWEST = Order()


def in_order(rows: models.QuerySet[M], order: Order = NEWEST, *, before: str, size: int = PAGE_SIZE) -> Page[M]:
    """Return a page of a long table in the order of a column with an index.

    The keys first, from an index alone, then their rows. For whole rows at once, the database would rather scan all
    tenants' rows from the newest on.
    """
    start = start_of(rows, order, before)
    return _page(rows, order, _keys(rows, order, start, size + 1), size, is_first=start is None)


def newest_of(
    rows: models.QuerySet[M], keys: Callable[[int | None, int], list[int]], before: str, size: int = PAGE_SIZE
) -> Page[M]:
    """Return a page of rows whose keys are looked up elsewhere: the newest below a key, at most so many."""
    start = start_of(rows, NEWEST, before)
    found = [(key, key) for key in keys(start.key if start else None, size + 1)]
    return _page(rows, NEWEST, found, size, is_first=start is None)


def _page(
    rows: models.QuerySet[M], order: Order, found: Sequence[tuple[int, object]], size: int, *, is_first: bool
) -> Page[M]:
    by_key = rows.in_bulk([key for key, _ in found[:size]])
    return Page(
        rows=[by_key[key] for key, _ in found[:size] if key in by_key],
        older=key_of(found[size - 1], order) if len(found) > size else None,
        is_first=is_first,
    )


def beside(rows: models.QuerySet[M], order: Order, row: M) -> tuple[int | None, int | None]:
    """Return the keys of the rows before and after a row, which need not be one of these rows itself."""
    start = Start(row.pk, getattr(row, order.column))
    after, before = _keys(rows, order, start, 1), _keys_before(rows, order, start)
    return before[0][0] if before else None, after[0][0] if after else None


def _keys_before(rows: models.QuerySet[M], order: Order, start: Start) -> list[tuple[int, object]]:
    """Return the row before a start. Those without a value come last, newest first, whatever the order."""
    if order.column == "pk":
        return list(rows.filter(pk__gt=start.key).order_by("pk").values_list("pk", "pk")[:1])
    opposite = Order(order.column, not order.is_descending)
    valued = rows.filter(**{f"{order.column}__isnull": False}).order_by(*opposite.names())
    if start.value is not None:
        return list(valued.filter(_behind(opposite, start)).values_list("pk", order.column)[:1])
    without = rows.filter(pk__gt=start.key, **{f"{order.column}__isnull": True}).order_by("pk")
    return list(without.values_list("pk", order.column)[:1]) or list(valued.values_list("pk", order.column)[:1])


@dataclass(frozen=True)
class Start:
    """The row after which a page begins; `value` is None for one without a value."""

    key: int
    value: object


def _keys(rows: models.QuerySet[M], order: Order, start: Start | None, size: int) -> list[tuple[int, object]]:
    """Return keys and values: of the rows that have a value, then of those without."""
    if order.column == "pk":
        behind = models.Q(pk__lt=start.key) if start else models.Q()
        return list(rows.filter(behind).order_by("-pk").values_list("pk", "pk")[:size])
    found: list[tuple[int, object]] = []
    if start is None or start.value is not None:
        valued = rows.filter(_behind(order, start), **{f"{order.column}__isnull": False})
        found = list(valued.order_by(*order.names()).values_list("pk", order.column)[:size])
        start = None
    if len(found) < size and _may_be_empty(rows, order):
        behind = models.Q(pk__lt=start.key) if start else models.Q()
        without = rows.filter(behind, **{f"{order.column}__isnull": True}).order_by("-pk")
        found += without.values_list("pk", order.column)[: size - len(found)]
    return found


def _behind(order: Order, start: Start | None) -> models.Q:
    if start is None:
        return models.Q()
    beyond = "lt" if order.is_descending else "gt"
    same = models.Q(**{order.column: start.value, f"pk__{beyond}": start.key})
    at_least = models.Q(**{f"{order.column}__{beyond}e": start.value})
    return at_least & (models.Q(**{f"{order.column}__{beyond}": start.value}) | same)


def _field(rows: models.QuerySet[M], order: Order) -> models.Field[Any, Any]:
    return cast("models.Field[Any, Any]", rows.model._meta.get_field(order.column))


def _may_be_empty(rows: models.QuerySet[M], order: Order) -> bool:
    return _field(rows, order).null


def key_of(row: tuple[int, object], order: Order) -> str:
    """Return the key of a row, with its value of the column, for `before`."""
    key, value = row
    if order.column == "pk":
        return f"{key}"
    text = value.isoformat() if isinstance(value, datetime.date) else "" if value is None else f"{value}"
    return f"{text}{_BETWEEN}{key}"


def start_of(rows: models.QuerySet[M], order: Order, before: str) -> Start | None:
    """Return where a page begins; None for the first one, also if the key is none or of another order."""
    text, between, last = before.rpartition(_BETWEEN)
    key = _key(last)
    if key is None or (order.column == "pk") == bool(between):
        return None
    if order.column == "pk" or (not text and _may_be_empty(rows, order)):
        return Start(key, None)
    value = _value(_field(rows, order), text)
    return None if value is None else Start(key, value)


def _key(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _KEY_DIGITS else None


def _value(field: models.Field[Any, Any], text: str) -> object:
    """Return a text as a value of the column; None if it is not one."""
    try:
        found = field.clean(text, None)
    except ValidationError:
        return None
    is_naive = isinstance(found, datetime.datetime) and found.tzinfo is None
    return None if is_naive else found
