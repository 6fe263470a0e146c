"""The change limit: a scan that would change or deactivate too much stops before writing and asks for approval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.runs import SyncRun

if TYPE_CHECKING:
    from kingsync.models.users import User

# This many records may always change: a percentage of a short list means little.
ALWAYS_ALLOWED = 20
SHOWN_AT_MOST = 500


class NotWaitingError(Exception):
    """The change limit was decided by someone else meanwhile, or a later scan was within it."""


def limit(*, known: int, percent: int) -> int:
    """Return how many records of a kind one scan may change or deactivate without approval."""
    return max(ALWAYS_ALLOWED, known * percent // 100)


def open_trips() -> list[ChangeLimitTrip]:
    """Return the current tenant's change limits that are not closed, newest first."""
    return list(
        ChangeLimitTrip.objects.filter(state__in=ChangeLimitTrip.OPEN).select_related("decided_by").order_by("-id")
    )


def allow(trip_id: int, *, by: User) -> None:
    """Let the next scan write as much as was shown. Raises `NotWaitingError`."""
    _decide(trip_id, ChangeLimitTrip.State.ALLOWED, by)


def refuse(trip_id: int, *, by: User) -> None:
    """Hold the kind back until a scan is within the limit, or someone allows it after all."""
    _decide(trip_id, ChangeLimitTrip.State.REFUSED, by)


def _decide(trip_id: int, state: ChangeLimitTrip.State, by: User) -> None:
    undecided = ChangeLimitTrip.objects.select_for_update().filter(
        pk=trip_id, state__in=[ChangeLimitTrip.State.WAITING, ChangeLimitTrip.State.REFUSED]
    )
    with transaction.atomic():
        trip = undecided.first()
        if trip is None:
            raise NotWaitingError(str(NotWaitingError.__doc__))
        _record(trip, state, by)
        undecided.update(state=state, decided_at=timezone.now(), decided_by_id=by.pk, decided_by_name=by.display_name)


def _record(trip: ChangeLimitTrip, state: ChangeLimitTrip.State, by: User) -> None:
    action = Action.IMPORT_APPROVED if state == ChangeLimitTrip.State.ALLOWED else Action.IMPORT_REFUSED
    before = {"state": str(trip.state)}
    after = {"state": str(state), "changed_count": trip.changed_count, "deactivated_count": trip.deactivated_count}
    trail.record(action, tenant=trip.tenant_id, subject=trip.kind, before=before, after=after, by=by)


def allowed_count(kind: str) -> int:
    """Return how many records of this kind the next scan may change or deactivate by approval."""
    found = ChangeLimitTrip.objects.filter(kind=kind, state=ChangeLimitTrip.State.ALLOWED).first()
    return found.changed_count + found.deactivated_count if found else 0


def is_tripped(kind: str) -> bool:
    """Return whether the kind is held back already: users were informed, and none of them approved it."""
    return ChangeLimitTrip.objects.filter(
        kind=kind, state__in=[ChangeLimitTrip.State.WAITING, ChangeLimitTrip.State.REFUSED]
    ).exists()


def trip(
    run: SyncRun, kind: str, *, known: int, changed: int, deactivated: int, records: Sequence[dict[str, object]]
) -> None:
    """Hold the kind back and show what would happen. A refusal stays; an approval is withdrawn: the change grew."""
    with transaction.atomic():
        trip = ChangeLimitTrip.objects.select_for_update().filter(kind=kind, state__in=ChangeLimitTrip.OPEN).first()
        trip = trip or ChangeLimitTrip(tenant_id=tenants.current_id(), kind=kind)
        if trip.state == ChangeLimitTrip.State.ALLOWED:
            trip.state, trip.decided_at, trip.decided_by, trip.decided_by_name = (
                ChangeLimitTrip.State.WAITING,
                None,
                None,
                "",
            )
        trip.run_id, trip.known_count = run.pk, known
        trip.changed_count, trip.deactivated_count = changed, deactivated
        trip.records = list(records[:SHOWN_AT_MOST])
        trip.save()


def reset_limit(kind: str) -> None:
    """Reset the change limit of a kind: a scan was within the limit, or did what was allowed."""
    ChangeLimitTrip.objects.filter(kind=kind, state__in=ChangeLimitTrip.OPEN).update(state=ChangeLimitTrip.State.OVER)
