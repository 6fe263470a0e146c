"""The previous and next work order: of the list that led here, else among those that need attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from kingsync.models.work_orders import WorkOrder
from kingsync.web.shared import paging
from kingsync.web.work_orders.work_order_list import Wanted

_Row = tuple[int, str, str]


@dataclass(frozen=True)
class Neighbour:
    pk: int
    label: str


@dataclass(frozen=True)
class Neighbours:
    """As the list shows them: `previous` is above the work order, `next` below it."""

    previous: Neighbour | None
    next: Neighbour | None

    @property
    def is_some(self) -> bool:
        return bool(self.previous or self.next)


def of(row: WorkOrder, wanted: Wanted | None = None) -> Neighbours:
    """Return the neighbours of a work order in a list; without one, among those that need attention."""
    if wanted is None:
        return _by_state(row, WorkOrder.NEEDS_A_PERSON)
    if wanted.is_by_state_only:
        return _by_state(row, wanted.states)
    keys = paging.beside(wanted.rows(), wanted.order, row)
    known = {pk: number or outsmart_id for pk, number, outsmart_id in _keys(_with_keys(keys))}
    above, below = (Neighbour(key, known[key]) if key in known else None for key in keys)
    return Neighbours(above, below)


def _with_keys(keys: Sequence[int | None]) -> QuerySet[WorkOrder]:
    return WorkOrder.across_administrations.filter(pk__in=[key for key in keys if key])


def _by_state(row: WorkOrder, states: Sequence[str]) -> Neighbours:
    """Return those of a few states, newest first, in one query that takes a few rows out of an index."""
    stopped = WorkOrder.objects.order_by()
    # For each state, because an index has each in this order; for all states at once the ledger would be scanned.
    nearest: list[QuerySet[WorkOrder, _Row]] = [
        each[:1]
        for state in states
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
