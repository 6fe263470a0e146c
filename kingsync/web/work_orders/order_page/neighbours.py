"""The previous and next work order among those that need attention, in the order of their list."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from kingsync.models.work_orders import WorkOrder

_Row = tuple[int, str, str]


@dataclass(frozen=True)
class Neighbour:
    pk: int
    label: str


@dataclass(frozen=True)
class Neighbours:
    """The list shows the newest first: `previous` is newer, `next` is older."""

    previous: Neighbour | None
    next: Neighbour | None

    @property
    def is_some(self) -> bool:
        return bool(self.previous or self.next)


def of(row: WorkOrder) -> Neighbours:
    """Return the neighbours of a work order, in one query that takes a few rows out of an index."""
    stopped = WorkOrder.objects.order_by()
    # For each state, because an index has each in this order; for all states at once the ledger would be scanned.
    nearest: list[QuerySet[WorkOrder, _Row]] = [
        each[:1]
        for state in WorkOrder.NEEDS_A_PERSON
        for each in (
            _keys(stopped.filter(state=state, pk__gt=row.pk).order_by("id")),
            _keys(stopped.filter(state=state, pk__lt=row.pk).order_by("-id")),
        )
    ]
    found: list[_Row] = sorted(nearest[0].union(*nearest[1:], all=True))
    newer = [each for each in found if each[0] > row.pk]
    older = [each for each in found if each[0] < row.pk]
    return Neighbours(_neighbour(newer[:1]), _neighbour(older[-1:]))


def _keys(rows: QuerySet[WorkOrder]) -> QuerySet[WorkOrder, _Row]:
    return rows.values_list("pk", "order_number", "outsmart_id")


def _neighbour(rows: list[_Row]) -> Neighbour | None:
    return next((Neighbour(pk, number or outsmart_id) for pk, number, outsmart_id in rows), None)
