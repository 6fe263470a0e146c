"""What reading King means to the rest: the webservices today, King's XML export files another day."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Protocol

from integrations.king.records import Kind, Order, Page


class KingReader(Protocol):
    """A source of King's records. Every method raises the classes of `integrations.errors`."""

    def read_page(
        self, kind: Kind, *, after: str = "", changed_since: datetime.datetime | None = None, size: int = 500
    ) -> Page:
        """This function will give the page that begins after the record number `after`."""

    def iter_pages(
        self, kind: Kind, *, after: str = "", changed_since: datetime.datetime | None = None, size: int = 500
    ) -> Iterator[Page]:
        """This function will give all pages from there on."""

    def find_orders(self, *, reference: str) -> tuple[Order, ...]:
        """This function will give the open orders with this external order number; King may hold several."""

    def get_order(self, *, number: str) -> Order | None:
        """This function will give one open order, or None where King has none of that number."""

    def find_record(self, kind: Kind, number: str) -> bytes | None:
        """This function will give one record as it stands now, or None where King has none of that number."""
