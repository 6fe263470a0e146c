"""Records of one kind, sorted by their numbers as text, ready to be read page by page."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from sandboxes.king.records import Article, Debtor, Rate, Warehouse
from sandboxes.messages import encode

T = TypeVar("T", bound=Debtor | Article | Rate | Warehouse)


class Page(msgspec.Struct, frozen=True):
    """Encoded records, and the number after which the next page starts (None for the last page)."""

    records: list[bytes]
    next_after: str | None


class Overlay(msgspec.Struct, Generic[T], kw_only=True):
    """What changed since the seed; that is what a state file keeps instead of 100 000 records."""

    put: dict[str, T] = {}
    removed: set[str] = set()


class Shelf(Generic[T]):
    """Holds the records of one kind. A record is encoded once, when it is first read."""

    def __init__(self, records: Iterable[T]) -> None:
        self.overlay: Overlay[T] = Overlay()
        self._records = {str(record.number): record for record in records}
        self._numbers = sorted(self._records)
        self._encoded: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._records)

    def all(self) -> list[T]:
        """Return all records in the order of their numbers."""
        return [self._records[number] for number in self._numbers]

    def get(self, number: str | int) -> T | None:
        """Return one record; None when there is none."""
        return self._records.get(str(number))

    def put(self, record: T) -> None:
        """Add or replace a record."""
        number = str(record.number)
        if number not in self._records:
            bisect.insort(self._numbers, number)
        self._records[number] = record
        self._encoded.pop(number, None)
        self.overlay.put[number] = record
        self.overlay.removed.discard(number)

    def remove(self, number: str) -> bool:
        """Remove a record; return whether there was one."""
        if self._records.pop(number, None) is None:
            return False
        self._numbers.remove(number)
        self._encoded.pop(number, None)
        self.overlay.put.pop(number, None)
        self.overlay.removed.add(number)
        return True

    def lay(self, overlay: Overlay[T]) -> None:
        """Apply the changes that a state file kept."""
        for number in overlay.removed:
            self.remove(number)
        for record in overlay.put.values():
            self.put(record)

    def page(self, *, after: str, limit: int, changed_since: str) -> Page:
        """Return at most `limit` records after `after` that changed at or after a moment ("" = all)."""
        start = bisect.bisect_right(self._numbers, after) if after else 0
        return paged(self._numbers, start, limit, self._chooser(changed_since), self._bytes_of)

    def _chooser(self, changed_since: str) -> Callable[[str], bool] | None:
        # Warehouses have no MutatieDatum: they are always returned.
        if not changed_since:
            return None
        return lambda number: getattr(self._records[number], "changed", changed_since) >= changed_since

    def _bytes_of(self, number: str) -> bytes:
        found = self._encoded.get(number)
        if found is None:
            found = self._encoded[number] = encode(self._records[number])
        return found


def paged(
    numbers: list[str],
    start: int,
    limit: int,
    is_wanted: Callable[[str], bool] | None,
    encoded: Callable[[str], bytes],
) -> Page:
    """Return one page of sorted numbers; reads no further than it must."""
    chosen: list[str] = []
    for position in range(start, len(numbers)):
        number = numbers[position]
        if is_wanted and not is_wanted(number):
            continue
        if len(chosen) == limit:
            return Page([encoded(one) for one in chosen], chosen[-1])
        chosen.append(number)
    return Page([encoded(one) for one in chosen], None)
