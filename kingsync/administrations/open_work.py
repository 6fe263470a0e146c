"""What is still open in the present administration: it stays there, and no export picks it up after a switch."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from kingsync.models.king_files import KingFile
from kingsync.models.work_orders import LedgerState, WorkOrder

# Complete in King and reported, or never to be sent.
_SETTLED = [LedgerState.DONE, LedgerState.EXCLUDED]
LISTED = 20


@dataclass(frozen=True)
class OpenWork:
    """`listed` are the newest open work orders, `locked` those whose order King still holds for us."""

    by_state: list[tuple[LedgerState, int]]
    listed: list[WorkOrder]
    locked: list[WorkOrder]
    file_count: int

    @property
    def count(self) -> int:
        return sum(number for _state, number in self.by_state)

    @property
    def is_empty(self) -> bool:
        return not (self.count or self.locked or self.file_count)


def open_work() -> OpenWork:
    """Return what is open in the current tenant's present administration."""
    rows = WorkOrder.objects.exclude(state__in=_SETTLED)
    counted = dict(rows.order_by().values_list("state").annotate(number=Count("pk")))
    locked = WorkOrder.objects.defer("source").filter(is_locked=True, king_order_number__isnull=False)
    return OpenWork(
        by_state=[(state, counted[state]) for state in LedgerState if state in counted],
        listed=list(rows.defer("source").order_by("-pk")[:LISTED]),
        locked=list(locked.order_by("-pk")[:LISTED]),
        file_count=KingFile.objects.filter(state=KingFile.State.NEW).count(),
    )
