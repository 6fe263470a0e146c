"""Pages by key, newest first: as fast on page 1000 as on page 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model)
PAGE_SIZE = 50


@dataclass(frozen=True)
class Page(Generic[M]):
    """`older` is the key behind which the next page begins; None on the last page."""

    rows: list[M]
    older: int | None
    is_first: bool


def newest_first(rows: models.QuerySet[M], *, before: str, size: int = PAGE_SIZE) -> Page[M]:
    """Return the page behind the key `before`; the first page when that is no key."""
    if before.isdecimal() and len(before) <= 18:
        rows = rows.filter(pk__lt=int(before))
        is_first = False
    else:
        is_first = True
    found = list(rows.order_by("-pk")[: size + 1])
    older = found[size - 1].pk if len(found) > size else None
    return Page(rows=found[:size], older=older, is_first=is_first)
