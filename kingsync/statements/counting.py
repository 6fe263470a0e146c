"""How many work orders of which day are in which state, and their amounts: one count for figures and statements."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum

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
    found: dict[datetime.date, list[StateSum]] = {}
    for day, state, number, amount, partial in rows:
        if day is not None:
            found.setdefault(day, []).append(StateSum(LedgerState(state), number, amount, partial > 0))
    return {day: together([Totals(states)]) for day, states in sorted(found.items())}


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
