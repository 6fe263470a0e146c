"""What OutSmart still holds at the trigger: counted when an export asks for the list, read by pages without a call.

An export that stops halfway leaves work orders that the ledger has never seen; they wait like any other.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.work_orders import WorkOrder

_BATCH = 5_000
# One of so many exports asked for the list, or nothing is known: those of single work orders do not ask.
_NEWEST_RUNS = 20


@dataclass(frozen=True)
class AtTrigger:
    """The work orders that only OutSmart has, as far as the list of `run_id` said at `asked_at`."""

    unseen: int
    asked_at: datetime.datetime
    run_id: int


def as_cursor(listed: Iterable[str], *, now: datetime.datetime) -> dict[str, object]:
    """Return what an export stores of the list that it read: how many of its work orders the ledger does not have."""
    newest = WorkOrder.objects.order_by("-id").values_list("pk", flat=True).first()
    return {"asked_at": now.isoformat(), "unseen": unseen(listed), "newest": newest or 0}


def at_trigger() -> AtTrigger | None:
    """Return what OutSmart held when it was last asked, less what the ledger has seen since; None if never asked."""
    runs = SyncRun.objects.filter(kind=RunKind.EXPORT).order_by("-id").values_list("pk", "cursor")[:_NEWEST_RUNS]
    found = next(((run_id, cursor) for run_id, cursor in runs if "asked_at" in cursor), None)
    if found is None:
        return None
    run_id, cursor = found
    seen = WorkOrder.objects.filter(pk__gt=cursor["newest"]).count() if cursor["unseen"] else 0
    return AtTrigger(max(0, cursor["unseen"] - seen), datetime.datetime.fromisoformat(cursor["asked_at"]), run_id)


def unseen(listed: Iterable[str]) -> int:
    """Return how many of these work orders, by OutSmart number, the ledger does not have."""
    keys, count = iter(listed), 0
    while batch := list(islice(keys, _BATCH)):
        count += len(batch) - WorkOrder.objects.filter(outsmart_id__in=batch).count()
    return count
