"""Remove contents with names and addresses from the log and from decided runs, when a tenant has kept them long enough.

What remains of a failed call is its system, operation, status and reason; of a run its counts.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from kingsync.models import tenants
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.tenants import Tenant

ENTRIES_AT_ONCE, ROWS_AT_ONCE = 500, 200
# What remains of a failed call: nothing of it comes from a record.
KEPT = ("system", "operation", "method", "status", "seconds", "attempt", "reason")
REMOVED = "contents_removed"


def remove_old(*, now: datetime.datetime, rest: Callable[[], None] = lambda: None) -> None:
    """Remove what the current tenant has kept for `payload_days`. Goes on where it was if it is killed."""
    days = Tenant.objects.values_list("payload_days", flat=True).get(pk=tenants.current_id())
    limit = now - datetime.timedelta(days=days)
    _remove_from_entries(LogEntry.objects.filter(has_payload=True, at__lt=limit), rest)
    runs = SyncRun.objects.filter(finished_at__lt=limit, status__in=SyncRun.FINAL).exclude(dry_run_examples={})
    _empty(runs, "dry_run_examples", {}, rest)
    trips = ChangeLimitTrip.across_administrations.filter(state=ChangeLimitTrip.State.OVER, tripped_at__lt=limit)
    _empty(trips.exclude(records=[]), "records", [], rest)


def without_contents(detail: dict[str, Any]) -> dict[str, Any]:
    """Return the part of an entry's detail that names nobody."""
    call = detail.get("call")
    if not isinstance(call, dict):
        return {}
    return {"call": {name: call[name] for name in KEPT if name in call} | {REMOVED: True}}


def _remove_from_entries(rows: QuerySet[LogEntry], rest: Callable[[], None]) -> None:
    while batch := list(rows.order_by("at").only("detail")[:ENTRIES_AT_ONCE]):
        for entry in batch:
            entry.detail, entry.has_payload = without_contents(entry.detail), False
        if not LogEntry.objects.bulk_update(batch, ["detail", "has_payload"]):
            break  # another process just purged them
        rest()


def _empty(
    rows: QuerySet[SyncRun] | QuerySet[ChangeLimitTrip], column: str, empty: object, rest: Callable[[], None]
) -> None:
    while batch := list(rows.order_by().values_list("pk", flat=True)[:ROWS_AT_ONCE]):
        rows.model._base_manager.filter(pk__in=batch).update(**{column: empty})
        rest()
