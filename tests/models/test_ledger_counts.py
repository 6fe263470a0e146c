"""What the database counts of the ledger by itself is what a count of the work orders themselves finds, always."""

from __future__ import annotations

import datetime
import importlib
import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from kingsync.database import sessions
from kingsync.models import ledger_counts, tenants
from kingsync.models.ledger_counts import LedgerCount
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.statements import counting
from kingsync.statements.counting import StateSum
from kingsync.statements.periods import Period
from tests import factories

Row = tuple[datetime.date | None, str, Decimal | None, bool]
Step = Callable[[Tenant], None]

DAY = datetime.date(2026, 3, 2)
WHOLE = Period(DAY, DAY + datetime.timedelta(days=2))
DAYS = st.sampled_from([None, *(DAY + datetime.timedelta(days=number) for number in range(3))])
STATES = st.sampled_from([LedgerState.WAITING, LedgerState.HELD, LedgerState.DONE])
AMOUNTS = st.one_of(st.none(), st.decimals(min_value=-500, max_value=5000, places=2))
COUNT_AGAIN: str = importlib.import_module("kingsync.migrations.0018_count_the_ledger").COUNT
_numbers = itertools.count(1)


# --- What becomes of work orders --------------------------------------------------------------------------------------


def come(rows: Sequence[Row]) -> Step:
    def step(tenant: Tenant) -> None:
        WorkOrder.objects.bulk_create(
            WorkOrder(
                tenant=tenant,
                administration_id=tenants.current_administration_id(),
                outsmart_id=str(next(_numbers)),
                work_date=day,
                state=state,
                amount=amount,
                is_amount_least=is_least,
            )
            for day, state, amount, is_least in rows
        )

    return step


def half(which: int) -> list[int]:
    return [pk for pk in WorkOrder.objects.values_list("pk", flat=True) if (pk + which) % 2]


def change(which: int, state: str, amount: Decimal | None) -> Step:
    return lambda _tenant: void(WorkOrder.objects.filter(pk__in=half(which)).update(state=state, amount=amount))


def date(which: int, day: datetime.date | None, is_least: bool) -> Step:
    def step(_tenant: Tenant) -> None:
        for row in WorkOrder.objects.filter(pk__in=half(which)):
            row.work_date, row.is_amount_least = day, is_least
            row.save()

    return step


def go(which: int) -> Step:
    return lambda _tenant: void(WorkOrder.objects.filter(pk__in=half(which)).delete())


def come_to_nothing(state: str) -> Step:
    """Change all in a transaction that is taken back."""

    def step(_tenant: Tenant) -> None:
        with transaction.atomic():
            WorkOrder.objects.update(state=state)
            transaction.set_rollback(True)

    return step


def merge(_tenant: Tenant) -> None:
    ledger_counts.merge()
    keys = list(LedgerCount.objects.values_list("work_date", "state"))
    assert len(keys) == len(set(keys))
    assert set(keys) == set(WorkOrder.objects.values_list("work_date", "state"))


def count_again(_tenant: Tenant) -> None:
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(COUNT_AGAIN)


def void(_result: object) -> None:
    pass


STEPS = st.lists(
    st.one_of(
        st.builds(come, st.lists(st.tuples(DAYS, STATES, AMOUNTS, st.booleans()), min_size=1, max_size=5)),
        st.builds(change, st.integers(0, 1), STATES, AMOUNTS),
        st.builds(date, st.integers(0, 1), DAYS, st.booleans()),
        st.builds(go, st.integers(0, 1)),
        st.builds(come_to_nothing, STATES),
        st.just(merge),
        st.just(count_again),
    ),
    min_size=1,
    max_size=12,
)


def one_by_one() -> list[StateSum]:
    """Count the work orders themselves, in this process."""
    rows = list(WorkOrder.objects.all())
    return [_of_state(state, [row for row in rows if row.state == state]) for state in LedgerState]


def _of_state(state: LedgerState, rows: list[WorkOrder]) -> StateSum:
    known = [row.amount for row in rows if row.amount is not None]
    is_least = any(row.amount is None or row.is_amount_least for row in rows)
    return StateSum(state, len(rows), sum(known, Decimal()) if known else None, is_least)


class TestCounts(TestCase):
    @given(STEPS)
    def test_the_database_counts_what_is_there(self, steps: list[Step]) -> None:
        tenant = factories.tenant()
        factories.work_order(factories.tenant(), work_date=DAY)
        with tenants.scope(tenant):
            for step in steps:
                step(tenant)

                assert list(counting.kept().states) == [each for each in one_by_one() if each.count]
                assert counting.kept_by_day(WHOLE) == counting.by_day(WHOLE)
                last = Period(WHOLE.last, WHOLE.last)
                assert (
                    counting.kept(since=last.first, until=last.last).states
                    == counting.together(counting.by_day(last).values()).states
                )


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_where_several_add_up_while_others_change() -> None:
    tenant = factories.tenant()
    rows = [factories.work_order(tenant, work_date=DAY, amount=Decimal(number)) for number in range(40)]
    start = threading.Barrier(6)

    def changed(mine: list[WorkOrder]) -> None:
        start.wait()
        for state in (LedgerState.SENDING, LedgerState.DONE):
            for row in mine:
                with tenants.scope(tenant):
                    WorkOrder.objects.filter(pk=row.pk).update(state=state)
        connections.close_all()

    def merged() -> None:
        start.wait()
        for _time in range(20):
            with tenants.scope(tenant):
                ledger_counts.merge()
        connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        work = [threads.submit(changed, rows[number::4]) for number in range(4)]
        work += [threads.submit(merged) for _each in range(2)]
    for each in work:
        each.result()

    with tenants.scope(tenant):
        ledger_counts.merge()
        [kept] = LedgerCount.objects.all()
    assert (kept.state, kept.number, kept.amount) == ("done", 40, Decimal(sum(range(40))))


@pytest.mark.django_db
def test_a_change_of_anything_else_is_not_counted() -> None:
    row = factories.work_order(factories.tenant(), work_date=DAY)
    before = LedgerCount.across_tenants.count()

    row.customer_name = "Another"
    row.save()

    assert LedgerCount.across_tenants.count() == before == 1
