"""How many work orders a list has and what they amount to: the numbers on its chips, and its sum.

The database has counted them by state and date already. A list that is narrowed by something else is added up; the sum
of a large ledger's is kept for a while, under the numbers of open work orders: when anybody decides something these are
others, and what was kept is not used, whichever process kept it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db.models import Count, QuerySet
from django.db.models import Sum as SumOf

from kingsync.exports.overview import ledger_counts
from kingsync.models import tenants
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.statements import counting
from kingsync.statements.counting import StateSum
from kingsync.web.shared import money
from kingsync.web.work_orders import list_search
from kingsync.web.work_orders.list_search import Search
from kingsync.web.work_orders.work_order_list import Wanted

KEPT_SECONDS = 20


@dataclass(frozen=True)
class Counts:
    """All work orders of the tenant, each in one state."""

    states: Sequence[StateSum]

    @property
    def by_state(self) -> dict[str, int]:
        return {each.state: each.count for each in self.states}

    @property
    def total(self) -> int:
        return sum(each.count for each in self.states)

    @property
    def person(self) -> int:
        return sum(each.count for each in self.states if each.state in WorkOrder.NEEDS_A_PERSON)

    @property
    def is_large(self) -> bool:
        return self.total >= ledger_counts.COUNTED_EACH_TIME

    @property
    def filled(self) -> list[tuple[LedgerState, int]]:
        """The states that have work orders, those that need attention first."""
        others = [state for state in LedgerState if state not in WorkOrder.NEEDS_A_PERSON]
        inorder = [*map(LedgerState, WorkOrder.NEEDS_A_PERSON), *others]
        return [(state, self.by_state[state]) for state in inorder if self.by_state.get(state)]

    def sum_of(self, states: Sequence[str]) -> Sum:
        """Return the sum of these states; without any, of all."""
        found = [each for each in self.states if not states or each.state in states]
        amount = counting.added(each.amount for each in found)
        return Sum(sum(each.count for each in found), amount, any(each.is_least for each in found))


@dataclass(frozen=True)
class Sum:
    """The amounts of a filtered list together; `is_least`: of some of its work orders not all is known.

    `is_more`: there are more than `count`, which are too many to add up.
    """

    count: int
    amount: Decimal | None
    is_least: bool
    is_more: bool = False

    @property
    def text(self) -> str:
        return money.total(self.amount, is_least=self.is_least)


def counts() -> Counts:
    """Return the counts of the current tenant."""
    return Counts(counting.kept().states)


def sum_of(wanted: Wanted, counted: Counts, search: Search | None = None) -> Sum:
    """Return the sum of a filtered list; that of a large ledger may be `KEPT_SECONDS` old."""
    if wanted.is_by_state:
        return counted.sum_of(wanted.states)
    if wanted.is_by_state_and_date:
        return Counts(counting.kept(since=wanted.since, until=wanted.until).states).sum_of(wanted.states)
    if not counted.is_large or wanted.mine:  # an assignment is no state
        return _sum(wanted, counted, search)
    key = _sum_key(wanted, counted)
    kept: Sum | None = cache.get(key)
    if kept is None:
        kept = _sum(wanted, counted, search)
        cache.set(key, kept, KEPT_SECONDS)
    return kept


def forget_sum(wanted: Wanted) -> None:
    """Count a filtered list again for the next page: it was found to be another one."""
    cache.delete(_sum_key(wanted, counts()))


def _sum(wanted: Wanted, counted: Counts, search: Search | None) -> Sum:
    if wanted.search and counted.is_large:
        return _sum_at_most((search or Search(wanted)).counted())
    return _added(wanted.rows())


def _sum_at_most(rows: QuerySet[WorkOrder] | None) -> Sum:
    found = None if rows is None else _added(rows)
    if found is not None and found.count <= list_search.COUNTED:
        return found
    return Sum(list_search.COUNTED, None, is_least=False, is_more=True)


_ADDED: dict[str, Any] = {
    "number": Count("*"),
    "total": SumOf("amount"),
    "partial": Count("state", filter=WorkOrder.AMOUNT_IS_LEAST),
}


def _added(rows: QuerySet[WorkOrder]) -> Sum:
    found = rows.values("state", "amount", "is_amount_least").aggregate(**_ADDED)
    return Sum(found["number"], found["total"], found["partial"] > 0)


def _sum_key(wanted: Wanted, counted: Counts) -> str:
    """Return the key of a sum that was counted while this many were open."""
    asked = hashlib.sha256(repr(replace(wanted, sort="")).encode()).hexdigest()
    is_open = "-".join(f"{each.state}.{each.count}" for each in counted.states if each.state in ledger_counts.OPEN)
    return f"ledger-sum-{asked}-{tenants.current_id()}-{tenants.current_administration_id()}-{is_open}"
