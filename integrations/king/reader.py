"""What reading King means to the rest: King's webservices, or King's XML export files."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterator
from typing import Protocol

from integrations.king.records import Kind, Order, Page


class Coverage(enum.Enum):
    """What reading all pages of a kind, from the first to the last, says about the records that were not there."""

    NOTHING = "nothing"  # there is nothing to read of this kind
    SOME = "some"  # records may be there that were not read
    ALL = "all"  # what was not read does not exist (orders: is not open)


class KingReader(Protocol):
    """A source of King's records. Every method raises the classes of `integrations.errors`."""

    @property
    def can_look_up(self) -> bool:
        """Whether `find_orders`, `get_order` and `find_record` can be asked: a file cannot tell what is so now."""

    def covers(self, kind: Kind) -> Coverage:
        """This function will tell what a pass over this kind proves."""

    def read_page(
        self, kind: Kind, *, after: str = "", changed_since: datetime.datetime | None = None, size: int = 500
    ) -> Page:
        """This function will give the page that begins after the record number `after`."""

    def iter_pages(
        self, kind: Kind, *, after: str = "", changed_since: datetime.datetime | None = None, size: int = 500
    ) -> Iterator[Page]:
        """This function will give all pages from there on. `after` is a page's `next_after`, or "" for the first."""

    def find_orders(self, *, reference: str) -> tuple[Order, ...]:
        """This function will give the open orders with this external order number; King may hold several."""

    def get_order(self, *, number: str) -> Order | None:
        """This function will give one open order, or None where King has none of that number."""

    def find_record(self, kind: Kind, number: str) -> bytes | None:
        """This function will give one record as it stands now, or None where King has none of that number."""
