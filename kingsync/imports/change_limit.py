"""The brake: a pass that would change or deactivate too much of a kind stops before writing and asks a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.brakes import Brake
from kingsync.models.runs import SyncRun

if TYPE_CHECKING:
    from kingsync.models.users import User

# So few records may always change: a percentage of a short list means little.
ALWAYS_ALLOWED = 20
SHOWN_AT_MOST = 500


class NotWaitingError(Exception):
    """The brake was decided by somebody else meanwhile, or a later pass was within its limits."""


def limit(*, known: int, percent: int) -> int:
    """Return how many records of a kind one pass may change or deactivate without asking."""
    return max(ALWAYS_ALLOWED, known * percent // 100)


def open_brakes() -> list[Brake]:
    """Return the brakes of the open scope's tenant that are not over, the newest first."""
    return list(Brake.objects.filter(state__in=Brake.OPEN).select_related("decided_by").order_by("-id"))


def allow(brake_id: int, *, by: User) -> None:
    """Let the next pass write as much as was shown. Raises `NotWaitingError`."""
    _decide(brake_id, Brake.State.ALLOWED, by)


def refuse(brake_id: int, *, by: User) -> None:
    """Keep the kind back until a pass is within its limits, or somebody allows it after all."""
    _decide(brake_id, Brake.State.REFUSED, by)


def _decide(brake_id: int, state: Brake.State, by: User) -> None:
    undecided = Brake.objects.filter(pk=brake_id, state__in=[Brake.State.WAITING, Brake.State.REFUSED])
    changed = undecided.update(
        state=state, decided_at=timezone.now(), decided_by_id=by.pk, decided_by_name=by.display_name
    )
    if not changed:
        raise NotWaitingError(str(NotWaitingError.__doc__))


def allowed_count(kind: str) -> int:
    """Return how many records a person allowed the next pass over this kind to change or deactivate."""
    found = Brake.objects.filter(kind=kind, state=Brake.State.ALLOWED).first()
    return found.changed_count + found.deactivated_count if found else 0


def is_pulled(kind: str) -> bool:
    """Tell whether the kind is kept back already: people know, and none of them said yes."""
    return Brake.objects.filter(kind=kind, state__in=[Brake.State.WAITING, Brake.State.REFUSED]).exists()


def pull(
    run: SyncRun, kind: str, *, known: int, changed: int, deactivated: int, records: Sequence[dict[str, object]]
) -> None:
    """Keep the kind back and show what would happen. What somebody refused stays refused; a yes to less is over."""
    with transaction.atomic():
        brake = Brake.objects.select_for_update().filter(kind=kind, state__in=Brake.OPEN).first()
        brake = brake or Brake(tenant_id=tenants.current_id(), kind=kind)
        if brake.state == Brake.State.ALLOWED:
            brake.state, brake.decided_at, brake.decided_by, brake.decided_by_name = Brake.State.WAITING, None, None, ""
        brake.run_id, brake.known_count = run.pk, known
        brake.changed_count, brake.deactivated_count = changed, deactivated
        brake.records = list(records[:SHOWN_AT_MOST])
        brake.save()


def let_go(kind: str) -> None:
    """Close the brake of a kind: a pass was within its limits, or did what was allowed."""
    Brake.objects.filter(kind=kind, state__in=Brake.OPEN).update(state=Brake.State.OVER)
