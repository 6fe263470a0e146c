"""A worker killed in the middle of an export: whatever it was doing, the next run ends with one whole order."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, programs, scenario
from tests.e2e import forks
from tests.e2e.fork_server import Case
from tests.e2e.forks import ForkServer
from tests.lost_answers import LostAnswers

pytestmark = pytest.mark.django_db(transaction=True)
# Every call of an export with four lines that is approved, in order.
CALLS = [
    ("Order_Toevoegen", 0),
    ("Order_OrderRegel_Toevoegen", 0),
    ("Order_OrderRegel_Toevoegen", 1),
    ("Order_OrderRegel_Toevoegen", 2),
    ("Order_OrderRegel_Toevoegen", 3),
    ("Orders_Opvragen", 0),
    ("Order_Wijzigen", 0),
    ("Order_LockVrijgeven", 0),
]


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    factories.settings(tenant, approve_order=True)
    scenario.export()  # fills the mirror, so that the calls below are those of the work order


@pytest.fixture(scope="module")
def fork_server(django_db_setup: None) -> Iterator[ForkServer]:
    with forks.fork_server() as started:
        yield started


@pytest.fixture
def killed_at(tenant: Tenant, king: KingSandbox, fork_server: ForkServer) -> Callable[[Fault], None]:
    """Run an export in a process of its own and kill it while King keeps it waiting at the fault."""

    def kill_at(fault: Fault) -> None:
        king.calls.clear()
        king.faults.add(fault)
        process = fork_server.start(Case(tenant.pk))
        programs.wait_for(lambda: king.calls.count(fault.operation) > fault.skip)
        os.kill(process, signal.SIGKILL)
        assert fork_server.ended().signal == signal.SIGKILL
        king.faults.clear()

    return kill_at


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after"])
@pytest.mark.parametrize(("operation", "skip"), CALLS)
def test_a_kill_at_any_call_leaves_one_whole_order_after_the_next_run(
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    killed_at: Callable[[Fault], None],
    operation: str,
    skip: int,
    kind: str,
) -> None:
    number = scenario.work_order(outsmart)
    killed_at(Fault(kind=kind, operation=operation, skip=skip, seconds=20.0))  # type: ignore[arg-type]
    WorkOrder.objects.update(outcome_unknown_until=None)  # the killed call's time-out has passed

    run = scenario.export()

    assert run.status == "succeeded"
    (order,) = scenario.orders(king)
    assert [line[1] for line in scenario.lines(order)] == ["BUIS", "MONT", "Ketel nagekeken", f"Werkbon 2025.{number}"]
    assert (order["Goedgekeurd"], order["VrijVoorLevering"]) == (1, 1)
    assert scenario.ledger(number).state == LedgerState.DONE
    assert scenario.work_order_in_outsmart(outsmart, number)["status"] == "Afgehandeld"
    assert scenario.is_clean(king)


@pytest.mark.parametrize(
    ("operation", "skip"),
    [
        ("Order_Toevoegen", 0),
        ("Order_OrderRegel_Toevoegen", 1),
        ("Order_OrderRegel_Toevoegen", 3),  # after it King locks an order that the next run had unlocked
        ("Order_Wijzigen", 0),
    ],
)
def test_a_doubtful_call_of_a_killed_run_is_waited_for(
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    killed_at: Callable[[Fault], None],
    lost_answers_soon_settled: LostAnswers,
    operation: str,
    skip: int,
) -> None:
    """King carries the call out once the next run waits for it, and not before."""
    number = scenario.work_order(outsmart)
    killed_at(Fault(kind="late", operation=operation, skip=skip))

    scenario.export()

    programs.wait_for(lambda: all(call.status for call in king.calls.all()))  # it was waited for, so it is done
    assert [len(scenario.lines(order)) for order in scenario.orders(king)] == [4]
    assert scenario.ledger(number).state == LedgerState.DONE
    assert scenario.is_clean(king)
