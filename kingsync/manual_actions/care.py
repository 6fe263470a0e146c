"""The note on a work order, and which user looks after it. Both are manual actions: the newest one applies.

They change nothing that an export reads, so they are also possible while one is in progress.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from kingsync.manual_actions import guards
from kingsync.models.work_orders import ManualAction, WorkOrder

if TYPE_CHECKING:
    from kingsync.models.users import User

Kind = ManualAction.Kind
KINDS = frozenset({Kind.NOTE, Kind.TAKE, Kind.LEAVE})


@dataclass(frozen=True)
class Care:
    """`note` is the last one written, None if it was removed; `taken` says by whom the work order is looked after."""

    note: ManualAction | None = None
    taken: ManualAction | None = None

    def is_by(self, user: User) -> bool:
        return self.taken is not None and self.taken.decided_by_id == user.pk


def of(row: WorkOrder) -> Care:
    """Return the note on a work order and who looks after it, in one query."""
    about = ManualAction.objects.filter(work_order=row, kind__in=KINDS)
    newest = {Kind(each.kind): each for each in about.order_by("kind", "-id").distinct("kind")}
    note, taken, left = (newest.get(kind) for kind in (Kind.NOTE, Kind.TAKE, Kind.LEAVE))
    is_left = taken is not None and left is not None and left.pk > taken.pk
    return Care(note if note and note.reason else None, None if is_left else taken)


def taken(*, by_user: int | None = None) -> QuerySet[ManualAction, int]:
    """Return the keys of the work orders that are assigned to a user, or to anyone: the same as `of` says of each."""
    of_one = ManualAction.objects.filter(work_order=OuterRef("work_order"), pk__gt=OuterRef("pk"))
    takes = ManualAction.objects.filter(kind=Kind.TAKE).exclude(Exists(of_one.filter(kind__in=(Kind.TAKE, Kind.LEAVE))))
    if by_user is not None:
        takes = takes.filter(decided_by=by_user)
    return takes.values_list("work_order", flat=True)


def write_note(row: WorkOrder, text: str, *, by: User) -> None:
    """Replace the note; an empty one removes it. Raises `ReasonNeededError` when it is too long."""
    text = guards.checked_reason(text)
    before = of(row).note
    if text != (before.reason if before else ""):
        _save(row, Kind.NOTE, by, text)


def take(row: WorkOrder, *, by: User) -> None:
    """Assign a work order to a user, who replaces the one before."""
    if not of(row).is_by(by):
        _save(row, Kind.TAKE, by)


def leave(row: WorkOrder, *, by: User) -> None:
    """Let no user look after a work order."""
    if of(row).taken:
        _save(row, Kind.LEAVE, by)


def _save(row: WorkOrder, kind: Kind, by: User, text: str = "") -> None:
    with transaction.atomic():
        guards.save_actions([row], kind, by, text=text)
