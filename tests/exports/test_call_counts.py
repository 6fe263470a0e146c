"""How many calls and statements an export makes: no more than needed, and no more for each when there are many."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kingsync import worker
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.runs import lifecycle
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

# Limits on our statements: measured, with a small margin. Raising one slows every export: see docs/performance.md.
PER_WORK_ORDER = 20
PER_LINE = 0.5
OF_IDLE_RUN = 21


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    factories.settings(tenant)
    scenario.export()  # fills the mirror, so that the calls below are those of the work orders
    king.calls.clear()


def work_order(outsmart: OutSmartSandbox, *, lines: int = 10) -> str:
    """Put a work order with this many lines at the trigger: two are its texts, one is an hour."""
    return scenario.work_order(outsmart, Materials=[scenario.material() for _ in range(lines - 3)])


def statements(outsmart: OutSmartSandbox, *, work_orders: int, lines: int) -> int:
    """Export new work orders and return how many statements that took, without those of the run's own row.

    It is saved once a second: on a busy machine more often for the same work.
    """
    for _ in range(work_orders):
        work_order(outsmart, lines=lines)
    with CaptureQueriesContext(connection) as captured:
        run = scenario.export()
    assert scenario.counts(run) == {"read": work_orders, "created": work_orders}
    return sum('"kingsync_syncrun"' not in each["sql"] for each in captured)


def test_a_new_order_takes_a_call_per_line_and_three_more_and_its_run_one(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    work_order(outsmart)

    scenario.export()

    assert Counter(scenario.calls(king)) == {
        "Order_Toevoegen": 1,
        "Order_OrderRegel_Toevoegen": 10,
        "Orders_Opvragen": 2,  # read back, and once a run: what King has of ours
        "Order_LockVrijgeven": 1,
    }


def test_many_new_orders_ask_king_once_what_it_has_of_ours(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    for _ in range(7):
        work_order(outsmart, lines=4)

    scenario.export()

    assert Counter(scenario.calls(king))["Orders_Opvragen"] == 7 + 1


def test_approving_takes_one_call_more(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choices = SyncSettings.objects.get()
    choices.approve_order = True
    choices.store(by=None)
    work_order(outsmart)

    scenario.export()

    assert len(scenario.calls(king)) == 10 + 2 + 1 + 1 + 1
    assert scenario.calls(king)[-2:] == ["Order_Wijzigen", "Order_LockVrijgeven"]


def test_one_changed_line_takes_one_write(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = work_order(outsmart)
    scenario.export()
    materials = [scenario.material() for _ in range(6)] + [scenario.material(quantity="5")]
    outsmart.store.edit_work_order(number, {"status": "Compleet", "WorkStatus": "1", "Materials": materials})
    king.calls.clear()

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert scenario.calls(king) == [
        "Orders_Opvragen",
        "Order_OrderRegel_Wijzigen",
        "Orders_Opvragen",
        "Order_LockVrijgeven",
    ]


def test_nothing_changed_takes_no_call(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = work_order(outsmart)
    scenario.export()
    outsmart.store.edit_work_order(number, {"status": "Compleet", "WorkStatus": "1"})
    king.calls.clear()

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "unchanged": 1}
    assert scenario.calls(king) == []


def test_an_incomplete_order_is_retried_by_looking_up_what_is_missing(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.work_order(
        outsmart, Materials=[scenario.material(), scenario.material("WEG-1"), scenario.material("WEG-2")]
    )
    scenario.export()
    king.calls.clear()

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "rejected": 1}
    assert scenario.calls(king) == ["Artikelen_Opvragen", "Artikelen_Opvragen"]


def test_what_many_work_orders_miss_is_looked_up_once(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    for _ in range(5):
        scenario.work_order(outsmart, Materials=[scenario.material(), scenario.material("WEG-1")])

    scenario.export()

    assert scenario.calls(king).count("Artikelen_Opvragen") == 1


def test_statements_per_work_order_do_not_grow_with_their_number(outsmart: OutSmartSandbox) -> None:
    one = statements(outsmart, work_orders=1, lines=10)

    few = statements(outsmart, work_orders=6, lines=10)
    many = statements(outsmart, work_orders=26, lines=10)

    assert (few - one) / 5 <= PER_WORK_ORDER
    assert (many - few) / 20 <= (few - one) / 5 + 1


def test_a_run_that_finds_nothing_to_do_is_cheap(tenant: Tenant) -> None:
    scenario.export()
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.SCHEDULE).run

    with CaptureQueriesContext(connection) as captured:
        worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    written = [each["sql"] for each in captured if each["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert len(captured) <= OF_IDLE_RUN
    # Claim, end and connections wait for the disk; heartbeats do not.
    assert sum("synchronous_commit" not in each for each in written) == 3


def test_statements_per_line_are_fewer_than_lines(outsmart: OutSmartSandbox) -> None:
    short = statements(outsmart, work_orders=1, lines=4)

    long = statements(outsmart, work_orders=1, lines=44)

    assert (long - short) / 40 <= PER_LINE


def test_the_wall_between_tenants_costs_no_statement_per_work_order(
    outsmart: OutSmartSandbox, taken_scopes: list[int]
) -> None:
    statements(outsmart, work_orders=7, lines=4)

    assert len(taken_scopes) <= 2
