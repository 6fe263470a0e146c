"""The interface for reading King: through its webservices or from its XML export files."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterator
from typing import Protocol

from integrations.king.records import Kind, Order, Page


class Coverage(enum.Enum):
    """What reading all pages of a kind, from first to last, proves about the records that did not appear."""

    NOTHING = "nothing"  # there is nothing to read of this kind
    SOME = "some"  # there may be records that were not read
    ALL = "all"  # what was not read does not exist (orders: is not open)


class KingReader(Protocol):
    """A source of King's records. Every method raises the classes of `integrations.errors`."""

    @property
    def can_look_up(self) -> bool:
        """Whether `get_order` and `find_record` can be used: a file does not show the current state."""

    def covers(self, kind: Kind) -> Coverage:
        """Return what a full scan of this kind proves."""

    def iter_pages(
        self, kind: Kind, *, after: str = "", changed_since: datetime.datetime | None = None, size: int = 500
    ) -> Iterator[Page]:
        """Yield all pages from there on. `after` is a page's `next_after`, or "" for the first."""

    def get_order(self, *, number: str) -> Order | None:
        """Return one open order, or None where King has none of that number."""

    def find_record(self, kind: Kind, number: str) -> bytes | None:
        """Return one record as it is now, or None where King has none of that number."""
