"""How many work orders of which day are in which state, and their amounts: one count for lists, figures and statements.

A statement is evidence, so it counts the work orders themselves (`by_day`); lists and figures read what the database
has counted (`kept_by_day`, `kept`), however long the ledger is.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum

from kingsync.models.ledger_counts import LedgerCount
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.statements.periods import Period


@dataclass(frozen=True)
class StateSum:
    """The work orders of a day or more in one state; `is_least`: of some of them not every amount is known."""

    state: LedgerState
    count: int
    amount: Decimal | None
    is_least: bool

    @property
    def is_in_king(self) -> bool:
        return self.state in WorkOrder.COMPLETE

    @property
    def is_open(self) -> bool:
        return not self.is_in_king and self.state != LedgerState.EXCLUDED


@dataclass(frozen=True)
class Totals:
    """All work orders of a period, each in one state."""

    states: Sequence[StateSum]

    @property
    def total(self) -> int:
        return sum(each.count for each in self.states)

    @property
    def in_king(self) -> int:
        return sum(each.count for each in self.states if each.is_in_king)

    @property
    def excluded(self) -> int:
        return sum(each.count for each in self.states if each.state == LedgerState.EXCLUDED)

    @property
    def open(self) -> int:
        return sum(each.count for each in self.states if each.is_open)

    @property
    def amount(self) -> Decimal | None:
        """Return what is in King; None if no amount of it is known."""
        return added(each.amount for each in self.states if each.is_in_king)

    @property
    def is_least(self) -> bool:
        return any(each.is_least for each in self.states if each.is_in_king)


def as_json(totals: Totals) -> list[dict[str, Any]]:
    """Return the sums for a JSON column: amounts as text, to the cent."""
    return [
        {
            "state": str(each.state),
            "count": each.count,
            "amount": None if each.amount is None else str(each.amount),
            "is_least": each.is_least,
        }
        for each in totals.states
    ]


def from_json(stored: Iterable[Mapping[str, Any]]) -> Totals:
    """Return what `as_json` made."""
    return Totals([_sum_from_json(**each) for each in stored])


def _sum_from_json(*, state: str, count: int, amount: str | None, is_least: bool) -> StateSum:
    return StateSum(LedgerState(state), count, None if amount is None else Decimal(amount), is_least)


def work_orders(period: Period) -> QuerySet[WorkOrder]:
    """Return the work orders of a period, in the present administration."""
    return WorkOrder.objects.filter(work_date__gte=period.first, work_date__lte=period.last)


def undated() -> QuerySet[WorkOrder]:
    """Return the work orders that are in no period: OutSmart gave no date, or none that can be read."""
    return WorkOrder.objects.filter(work_date=None)


def by_day(period: Period) -> dict[datetime.date, Totals]:
    """Return the days that have work orders, in one query."""
    rows = (
        work_orders(period)
        .order_by()
        .values_list("work_date", "state")
        .annotate(number=Count("pk"), sum=Sum("amount"), partial=Count("pk", filter=WorkOrder.AMOUNT_IS_LEAST))
    )
    return _days((day, _state_sum(*sums)) for day, *sums in rows)


def kept_by_day(period: Period) -> dict[datetime.date, Totals]:
    """Return the same from what the database has counted."""
    rows = LedgerCount.objects.filter(work_date__gte=period.first, work_date__lte=period.last)
    return _days((day, _kept_sum(state, *sums)) for day, state, *sums in _added_up(rows, "work_date", "state"))


def kept(*, since: datetime.date | None = None, until: datetime.date | None = None) -> Totals:
    """Return what the database has counted of these dates, both included; without any, of the whole ledger."""
    rows = LedgerCount.objects.all()
    if since:
        rows = rows.filter(work_date__gte=since)
    if until:
        rows = rows.filter(work_date__lte=until)
    return together([Totals([_kept_sum(*each)]) for each in _added_up(rows, "state")])


def _added_up(rows: QuerySet[LedgerCount], *by: str) -> Iterable[tuple[Any, ...]]:
    """Return the sums by these columns; a work order that left a state leaves a count of nothing there."""
    sums = [Sum(name) for name in ("number", "priced", "partial", "amount")]
    return rows.order_by().values_list(*by).annotate(*sums).exclude(number__sum=0)


def _state_sum(state: str, count: int, amount: Decimal | None, partial: int) -> StateSum:
    return StateSum(LedgerState(state), count, amount, partial > 0)


def _kept_sum(state: str, count: int, priced: int, partial: int, amount: Decimal) -> StateSum:
    return StateSum(LedgerState(state), count, amount if priced else None, partial > 0)


def _days(found: Iterable[tuple[datetime.date, StateSum]]) -> dict[datetime.date, Totals]:
    days: dict[datetime.date, list[StateSum]] = {}
    for day, each in found:
        days.setdefault(day, []).append(each)
    return {day: together([Totals(states)]) for day, states in sorted(days.items())}


def together(parts: Iterable[Totals]) -> Totals:
    """Return several totals as one, its states in the order of the ledger."""
    by_state: dict[LedgerState, list[StateSum]] = {}
    for part in parts:
        for each in part.states:
            by_state.setdefault(each.state, []).append(each)
    return Totals([_summed(state, by_state[state]) for state in LedgerState if state in by_state])


def added(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal()) if known else None


def _summed(state: LedgerState, parts: Sequence[StateSum]) -> StateSum:
    amount = added(each.amount for each in parts)
    return StateSum(state, sum(each.count for each in parts), amount, any(each.is_least for each in parts))
