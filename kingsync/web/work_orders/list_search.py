"""A text in a large ledger: the newest work orders with it, and how many there are, without reading a million rows.

The newest rows of the list are looked through first. A frequent name fills a page with few of them. When they do not,
the text is rare, and the index of texts has all of it; told nothing, the database would perhaps read the ledger from
the newest row to the oldest, because the numbers that begin with "2019" are as many as one of ten.
"""

from __future__ import annotations

import functools

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from kingsync.models.work_orders import WorkOrder
from kingsync.web.shared import paging
from kingsync.web.work_orders.work_order_list import Wanted

# So many of the newest rows are looked through.
NEWEST = 2_000
# So many are counted and added up; as many as one action may be about.
COUNTED = 5_000


class Search:
    """The search of one request: what the page and the sum both need is looked up once."""

    def __init__(self, wanted: Wanted, *, page_size: int | None = None) -> None:
        self._wanted = wanted
        self._page_size = page_size or paging.PAGE_SIZE

    def page(self, *, before: str) -> paging.Page[WorkOrder]:
        """Return a page of the list, in its order."""
        if self._wanted.order != paging.NEWEST:
            return paging.in_order(self._wanted.rows(), self._wanted.order, before=before, size=self._page_size)
        return paging.newest_of(self._wanted.searched_rows(), self._keys, before, self._page_size)

    def counted(self) -> QuerySet[WorkOrder] | None:
        """Return the rows with the text, at most one more than `COUNTED` of them; None if they are known to be more."""
        if self._is_frequent:
            return self._wanted.rows().order_by("-pk")[: COUNTED + 1]
        keys = self._all_of_rare
        # As one parameter: thousands of them take longer to write than to look up.
        among = RawSQL("SELECT unnest(%s::bigint[])", [keys])
        return None if len(keys) > COUNTED else self._wanted.searched_rows().filter(pk__in=among)

    def _keys(self, start: int | None, size: int) -> list[int]:
        if start is None:
            return (self._first if len(self._first) >= size else self._all_of_rare)[:size]
        found = self._among_newest(start, size)
        return self._of_rare(start, size) if len(found) < size and self._has_older(start) else found

    @functools.cached_property
    def _first(self) -> list[int]:
        return self._among_newest(None, self._page_size + 1)

    @property
    def _is_frequent(self) -> bool:
        return len(self._first) > self._page_size

    @functools.cached_property
    def _all_of_rare(self) -> list[int]:
        """Return all keys with a text that fills no page with the newest rows; no more than can be counted."""
        return self._of_rare(None, COUNTED + 1) if self._has_older(None) else self._first

    def _among_newest(self, start: int | None, size: int) -> list[int]:
        return self._wanted.text().newest(_before(self._wanted.rows_of_any_text(), start)[:NEWEST], size)

    def _of_rare(self, start: int | None, size: int) -> list[int]:
        rows = _before(self._wanted.rows(is_rare=True), start)
        return list(rows.values_list("pk", flat=True)[:size])

    def _has_older(self, start: int | None) -> bool:
        return bool(_before(self._wanted.rows_of_any_text(), start).values_list("pk")[NEWEST : NEWEST + 1])


def _before(rows: QuerySet[WorkOrder], start: int | None) -> QuerySet[WorkOrder]:
    return (rows if start is None else rows.filter(pk__lt=start)).order_by("-pk")
