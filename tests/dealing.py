"""Long tests first: one that starts last keeps a single core busy while the others are idle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def dealt(items: Sequence[T], is_long: Callable[[T], bool], *, workers: int) -> list[T]:
    """Return the tests in an order that lets each worker begin with its share of the long ones.

    pytest-xdist gives each worker an equal part of the order, and lets it take over what others have not begun.
    """
    long = [each for each in items if is_long(each)]
    others = iter([each for each in items if not is_long(each)])
    order: list[T] = []
    for worker in range(workers):
        share = (len(items) - len(order)) // (workers - worker)
        first = long[worker::workers]
        order += [*first, *islice(others, max(0, share - len(first)))]
    return [*order, *others]
