"""Keyset pagination, newest first: as fast on page 1000 as on page 1."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import models
from django.utils import dateparse

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


def latest_first(rows: models.QuerySet[M], *, by: str, before: str, size: int = PAGE_SIZE) -> Page[M]:
    """Return a page of a long table, ordered by `by` (`pk`, or a date column) and then by age.

    In two queries: the keys, from an index alone, then their rows. For whole rows at once, the database would rather
    scan all tenants' rows from the newest on.
    """
    is_first, behind = _behind(before, by)
    order = ("-pk",) if by == "pk" else (f"-{by}", "-pk")
    found = list(rows.filter(behind).order_by(*order).values_list("pk", by)[: size + 1])
    by_key = rows.in_bulk([key for key, _ in found[:size]])
    last = found[size - 1] if len(found) > size else None
    return Page(
        rows=[by_key[key] for key, _ in found[:size] if key in by_key],
        older=_parsed(last, by) if last else None,
        is_first=is_first,
    )


def _parsed(last: tuple[int, datetime.date | int], by: str) -> str:
    key, value = last
    return f"{value.isoformat()}{_BETWEEN}{key}" if by != "pk" and isinstance(value, datetime.date) else f"{key}"


def _behind(before: str, by: str) -> tuple[bool, models.Q]:
    """Return whether it is the first page, and the condition for the rows after the key."""
    text, _, last = before.rpartition(_BETWEEN)
    key = _key(last)
    if by == "pk":
        key = None if text else key  # a key of another ordering
        return key is None, models.Q() if key is None else models.Q(pk__lt=key)
    value = _moment(text)
    if key is None or value is None:
        return True, models.Q()
    same = models.Q(**{by: value, "pk__lt": key})
    return False, models.Q(**{f"{by}__lte": value}) & (models.Q(**{f"{by}__lt": value}) | same)


def _key(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _KEY_DIGITS else None


def _moment(text: str) -> datetime.date | None:
    """Return the date or time in a key; None for what is neither."""
    try:
        found = dateparse.parse_date(text) or dateparse.parse_datetime(text)
    except ValueError:
        return None
    return None if isinstance(found, datetime.datetime) and found.tzinfo is None else found
