"""One call at a time for each King administration, whichever process makes it, seen from King's side."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kingsync.king_mirror import connection_check
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.runs import RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.runs import turns
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, patience, programs, scenario
from tests.conftest import connect
from tests.e2e import forks
from tests.e2e.fork_server import Case
from tests.e2e.forks import Forked, ForkServer
from tests.holding import held

pytestmark = pytest.mark.django_db(transaction=True)
Sync = Callable[..., Forked]
# Work orders of an export that ends with the test, and seconds of each call: minutes of work, even on an idle machine.
MORE_THAN_IS_DONE_MEANWHILE, SLOWLY = 150, 0.12


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    factories.settings(tenant)
    scenario.export()  # fills the mirror
    king.calls.clear()


@pytest.fixture(scope="module")
def fork_servers(django_db_setup: None) -> Iterator[list[ForkServer]]:
    """Provide two, each of which carries out one run at a time."""
    with forks.fork_server() as one, forks.fork_server() as other:
        yield [one, other]


@pytest.fixture
def sync(fork_servers: list[ForkServer]) -> Iterator[Sync]:
    """Start an export in a process of its own, at most two in a test; all of them have ended after it."""
    started: list[Forked] = []

    def start(slug: str = "jansen") -> Forked:
        case = Case(Tenant.objects.get(slug=slug).pk)
        started.append(Forked(fork_servers[len(started)], case))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def king_connection() -> Connection:
    return Connection.objects.get(system=System.KING)


def count(king: KingSandbox, operation: str) -> int:
    return king.calls.count(operation)


def test_an_export_and_an_import_of_one_tenant_call_one_at_a_time(
    king: KingSandbox, outsmart: OutSmartSandbox, sync: Sync
) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(15)]
    king.faults.latency_seconds = 0.05
    exporting = sync()
    programs.wait_for(lambda: count(king, "Order_Toevoegen") > 0)

    imported = scenario.load("customers", "products", "hour_types", full=True)

    assert exporting.wait() == 0
    assert imported.status == RunStatus.SUCCEEDED
    assert king.calls.peak == 1
    assert [scenario.ledger(number).state for number in numbers] == [LedgerState.DONE] * len(numbers)


def test_two_tenants_of_one_administration_call_one_at_a_time(
    king: KingSandbox, outsmart: OutSmartSandbox, sync: Sync
) -> None:
    for _ in range(8):
        scenario.work_order(outsmart)
    with OutSmartSandbox(empty=True) as other_outsmart:
        other = factories.tenant(slug="visser")
        connect(other, king, other_outsmart)
        with tenants.scope(other):
            connection = king_connection()
            connection.base_url = king.base_url.replace("http", "HTTP") + "/"
            connection.save()
            factories.settings(other)
            for _ in range(8):
                scenario.work_order(other_outsmart)
        king.faults.latency_seconds = 0.05

        both = [sync("jansen"), sync("visser")]

        assert [process.wait() for process in both] == [0, 0]
    assert len(scenario.orders(king)) == 16
    assert king.calls.peak == 1
    assert scenario.is_clean(king)


def test_a_page_gets_its_turn_beside_an_export(
    king: KingSandbox, outsmart: OutSmartSandbox, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PAGE_PATIENCE_SECONDS", patience.SECONDS)
    for _ in range(MORE_THAN_IS_DONE_MEANWHILE):
        scenario.work_order(outsmart)
    king.faults.latency_seconds = SLOWLY
    exporting = sync()
    programs.wait_for(lambda: count(king, "Order_Toevoegen") > 0)

    problems = [connection_check.check(king_connection()) for _ in range(3)]

    assert problems == [None, None, None]
    assert exporting.is_running(), "the export must still be at work"
    before = count(king, "Order_Toevoegen")
    programs.wait_for(lambda: count(king, "Order_Toevoegen") > before)
    assert king.calls.peak == 1


def test_a_page_says_that_king_is_busy_instead_of_waiting_for_ever(
    king: KingSandbox, outsmart: OutSmartSandbox, sync: Sync
) -> None:
    scenario.work_order(outsmart)
    with held(king, "Order_Toevoegen"):
        exporting = sync()
        programs.wait_for(lambda: count(king, "Order_Toevoegen") > 0)

        problem = connection_check.check(king_connection())

    assert problem is not None
    assert problem.code == "system.occupied_by_export"
    assert exporting.wait() == 0
    assert king.calls.peak == 1


def test_an_import_gets_on_beside_a_long_export(king: KingSandbox, outsmart: OutSmartSandbox, sync: Sync) -> None:
    for _ in range(MORE_THAN_IS_DONE_MEANWHILE):
        scenario.work_order(outsmart)
    king.faults.latency_seconds = SLOWLY
    exporting = sync()
    programs.wait_for(lambda: count(king, "Order_Toevoegen") > 0)

    imported = scenario.load("warehouses")

    assert imported.status == RunStatus.SUCCEEDED
    assert exporting.is_running(), "the export must still be at work"


def test_after_a_kill_in_the_middle_of_a_call_the_next_one_goes_on(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, sync: Sync
) -> None:
    number = scenario.work_order(outsmart)
    king.faults.add(Fault(kind="timeout_before", operation="Order_Toevoegen", seconds=60.0))
    exporting = sync()
    programs.wait_for(lambda: count(king, "Order_Toevoegen") > 0)
    exporting.kill()
    king.faults.clear()
    WorkOrder.objects.update(outcome_unknown_until=None)  # the killed call's time-out has passed

    run = scenario.export()

    assert run.status == RunStatus.SUCCEEDED
    assert scenario.ledger(number).state == LedgerState.DONE
    assert king.calls.peak == 1
    assert not SyncRun.objects.filter(status__in=SyncRun.OPEN).exclude(pk=run.pk).exists()
