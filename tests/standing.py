"""Rows that stand in the database before each test of a module, committed once, so that not every test makes them.

Each test changes them in a transaction of its own. After a test that emptied the tables they are made again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from django.db import transaction

T = TypeVar("T")
_now_standing: list[Standing[object]] = []


class Standing(Generic[T]):
    """What `make` returns, a model's instance or a dataclass of them, and its rows in the database."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self.make_again()

    def make_again(self) -> None:
        with transaction.atomic():
            self._rows = self._make()

    def rows(self) -> T:
        """Return a copy of the rows for one test, which may change it."""
        return copy.deepcopy(self._rows)


@contextmanager
def standing(make: Callable[[], T]) -> Iterator[Standing[T]]:
    """Make rows that stand until the end; who ends the block empties the tables."""
    one = Standing(make)
    _now_standing.append(one)  # type: ignore[arg-type]
    try:
        yield one
    finally:
        _now_standing.remove(one)  # type: ignore[arg-type]


def make_all_again() -> None:
    """Make all rows again that stand now, in empty tables."""
    for one in _now_standing:
        one.make_again()
