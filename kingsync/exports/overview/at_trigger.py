"""What OutSmart still holds at the trigger: counted when an export asks for the list, read by pages without a call.

An export that stops halfway leaves work orders that the ledger has never seen; they wait like any other.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.work_orders import WorkOrder

_BATCH = 5_000
# One of so many exports asked for the list, or nothing is known: those of single work orders do not ask.
_NEWEST_RUNS = 20
# So many of those that the ledger does not have are named.
NAMED = 100


@dataclass(frozen=True)
class AtTrigger:
    """The work orders that only OutSmart has, as far as the list of `run_id` said at `asked_at`.

    `listed` is how many were on that list; `named` are OutSmart's numbers of some that the ledger still does not have.
    """

    unseen: int
    asked_at: datetime.datetime
    run_id: int
    listed: int = 0
    named: tuple[str, ...] = ()


def as_cursor(listed: int, missing: Sequence[str], *, now: datetime.datetime) -> dict[str, object]:
    """Return what an export stores of the list that it read: how many were on it, which the ledger does not have."""
    newest = WorkOrder.objects.order_by("-id").values_list("pk", flat=True).first() if missing else None
    found = {"listed": listed, "unseen": len(missing), "named": missing[:NAMED], "newest": newest or 0}
    return {"asked_at": now.isoformat()} | found


def at_trigger() -> AtTrigger | None:
    """Return what OutSmart held when it was last asked, less what the ledger has seen since; None if never asked."""
    exports = SyncRun.objects.filter(kind=RunKind.EXPORT).order_by("-id")
    asked = exports.filter(pk__in=exports.values("pk")[:_NEWEST_RUNS], cursor__has_key="asked_at")
    found = asked.values_list("pk", "cursor").first()
    if found is None:
        return None
    run_id, cursor = found
    named = tuple(_not_in_ledger(cursor.get("named", [])))
    asked_at = datetime.datetime.fromisoformat(cursor["asked_at"])
    return AtTrigger(_still_unseen(cursor, named), asked_at, run_id, cursor.get("listed", 0), named)


def missing(listed: Iterable[str]) -> list[str]:
    """Return those of these work orders, by OutSmart number, that the ledger does not have."""
    return [each for batch in _batches(listed) for each in _not_in_ledger(batch)]


def _still_unseen(cursor: dict[str, Any], named: Sequence[str]) -> int:
    unseen = int(cursor["unseen"])
    if 0 < unseen <= len(cursor.get("named", [])):
        return len(named)
    seen = WorkOrder.objects.filter(pk__gt=cursor["newest"]).count() if unseen else 0
    return max(0, unseen - seen)


def _batches(listed: Iterable[str]) -> Iterator[list[str]]:
    keys = iter(listed)
    while batch := list(islice(keys, _BATCH)):
        yield batch


def _not_in_ledger(keys: Sequence[str]) -> list[str]:
    if not keys:
        return []
    known = set(WorkOrder.objects.filter(outsmart_id__in=keys).values_list("outsmart_id", flat=True))
    return [key for key in keys if key not in known]
