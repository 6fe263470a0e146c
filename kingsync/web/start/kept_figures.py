"""Figures of the start page that many rows were read for: kept for some seconds, while the same number is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from django.core.cache import cache

from kingsync.exports.overview import ledger_counts
from kingsync.models import tenants
from kingsync.models.work_orders import LedgerState

T = TypeVar("T")
SECONDS = 20
# Reading fewer rows than these takes no noticeable time.
MANY = 500


def kept(what: str, is_open: Mapping[str, int], find: Callable[[], T], *, are_many: Callable[[T], bool]) -> T:
    """Return what `find` finds, or found a moment ago when as many were open in each state as `is_open` says.

    Whatever anybody decides, and whatever an export does, makes that another number, in every process.
    """
    numbers = "-".join(f"{LedgerState(state)}.{is_open.get(state, 0)}" for state in ledger_counts.OPEN)
    key = f"start-{what}-{tenants.current_id()}-{tenants.current_administration_id()}-{numbers}"
    found: T | None = cache.get(key)
    if found is None:
        found = find()
        if are_many(found):
            cache.set(key, found, SECONDS)
    return found
