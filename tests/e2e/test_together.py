"""Workers and commands at the same time: one works, nothing is done twice, tenants do not wait for each other."""

from __future__ import annotations

import datetime
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from kingsync.exports.export_job import HEARTBEAT_SECONDS
from kingsync.models import tenants
from kingsync.models.runs import RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.turns import KingTurn
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.runs import lifecycle
from kingsync.runs.keeping import leases
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, held_locks, processes, programs, scenario
from tests.conftest import connect
from tests.e2e.fork_server import Case
from tests.e2e.forks import Forked, ForkServer, fork_server
from tests.holding import held

pytestmark = pytest.mark.django_db(transaction=True)
CREATE, LINE = "Order_Toevoegen", "Order_OrderRegel_Toevoegen"
ROOT = Path(__file__).parent.parent.parent
Command = subprocess.Popen[bytes]


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    factories.settings(tenant, approve_order=True)
    scenario.export()  # fills the mirror
    SyncRun.objects.all().delete()


@pytest.fixture
def sync(tenant: Tenant) -> Iterator[Callable[[], Command]]:
    """Start `manage.py sync` for exports; all of them have ended after the test."""
    started: list[Command] = []

    def start() -> Command:
        command = processes.bound("manage.py", "sync", tenant.slug, "export")
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=ROOT, env=programs.environment(), stdout=quiet, stderr=quiet)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def workers(django_db_setup: None) -> Iterator[list[ForkServer]]:
    """Provide three, each of which carries out one run at a time."""
    with ExitStack() as stack:
        yield [stack.enter_context(fork_server()) for _ in range(3)]


@pytest.fixture
def beside(tenant: Tenant, workers: list[ForkServer]) -> Iterator[Callable[[], Forked]]:
    """Start one export in a process of its own; it has ended after the test."""
    with ExitStack() as stack:

        def start() -> Forked:
            made = Forked(workers[0], Case(tenant.pk))
            stack.callback(made.kill)
            return made

        yield start


def all_is_right(king: KingSandbox, numbers: list[str]) -> None:
    """Assert one whole, approved order for each work order, and no others."""
    assert sorted(order["ExternOrderNummer"] for order in scenario.orders(king)) == [
        f"OS-{number}" for number in numbers
    ]
    assert all(len(scenario.lines(order)) == 4 and order["VrijVoorLevering"] for order in scenario.orders(king))
    assert [scenario.ledger(number).state for number in numbers] == [LedgerState.DONE] * len(numbers)
    assert scenario.is_clean(king)


def made(king: KingSandbox) -> int:
    return len(scenario.orders(king))


def test_workers_that_start_in_the_same_moment_share_one_run(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, workers: list[ForkServer]
) -> None:
    numbers = []
    for _ in range(5):
        numbers.append(scenario.work_order(outsmart))
        at_once = [threading.Thread(target=worker.export, args=(tenant.pk,)) for worker in workers]
        for thread in at_once:
            thread.start()
        for thread in at_once:
            thread.join()

    all_is_right(king, numbers)
    assert king.calls.peak == 1
    assert set(SyncRun.objects.values_list("status", flat=True)) == {RunStatus.SUCCEEDED}


def test_a_command_and_a_worker_leave_a_run_that_goes_on_alone(
    tenant: Tenant,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    sync: Callable[[], Command],
    workers: list[ForkServer],
) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(12)]
    king.calls.clear()
    with held(king, CREATE):
        first = sync()
        programs.wait_for(lambda: king.calls.count(CREATE) > 0)

        second = sync()
        workers[0].export(tenant.pk)
        refused = second.wait()

    assert (refused, first.wait()) == (2, 0)
    all_is_right(king, numbers)
    assert king.calls.peak == 1
    assert [run.created_count for run in SyncRun.objects.all()] == [12]


def test_tenants_do_not_wait_for_each_other(
    king: KingSandbox, outsmart: OutSmartSandbox, beside: Callable[[], Forked]
) -> None:
    slow = [scenario.work_order(outsmart) for _ in range(3)]
    king.calls.clear()
    other = factories.tenant(slug="visser")
    with (
        KingSandbox(empty=True) as other_king,
        OutSmartSandbox(empty=True) as other_outsmart,
        tenants.scope(other),
        held(king, CREATE),
    ):
        connect(other, other_king, other_outsmart)
        scenario.stock(other_king)
        factories.settings(other, approve_order=True)
        first = beside()
        programs.wait_for(lambda: king.calls.count(CREATE) > 0)
        quick = scenario.work_order(other_outsmart)

        run = scenario.export()

        assert first.is_running(), "the slow tenant must still be at work"
        assert run.status == RunStatus.SUCCEEDED
        all_is_right(other_king, [quick])
    assert first.wait() == 0
    all_is_right(king, slow)


def put_to_sleep(king: KingSandbox, sync: Callable[[], Command]) -> Command:
    """Start a command and stop it while it waits for King, as a frozen machine does; its leases run out."""
    king.calls.clear()
    with held(king, LINE, skip=9):
        command = sync()
        programs.wait_for(lambda: king.calls.count(LINE) > 9)
        programs.freeze(command.pid)
    programs.wait_for(lambda: all(call.status for call in king.calls.all()))
    # However short its leases, it slept past the time of a heartbeat: that is what it notices when it wakes.
    time.sleep(HEARTBEAT_SECONDS)
    SyncRun.objects.update(lease_until=timezone.now())
    KingTurn.objects.update(until=timezone.now())
    WorkOrder.objects.update(outcome_unknown_until=None)  # King has answered; nothing was there to receive it
    return command


@pytest.fixture(params=["frozen", "cut off"])
def sleeper(
    request: pytest.FixtureRequest, king: KingSandbox, outsmart: OutSmartSandbox, sync: Callable[[], Command]
) -> Command:
    """Put a worker to sleep among the lines of the third of four orders; its database session lives, or is lost too."""
    for _ in range(4):
        scenario.work_order(outsmart)
    command = put_to_sleep(king, sync)
    if request.param == "cut off":
        held_locks.cut_off()
    return command


def test_a_worker_whose_lease_has_run_out_is_found_and_replaced_and_does_no_harm_when_it_wakes(
    sleeper: Command, king: KingSandbox
) -> None:
    silent = [run.status for run in lifecycle.silent_runs()]  # by these the clock finds it

    run = scenario.export()
    asked = scenario.calls(king)
    sleeper.send_signal(signal.SIGCONT)
    sleeper.wait()

    assert silent == [RunStatus.RUNNING]
    assert scenario.calls(king) == asked
    assert run.status == RunStatus.SUCCEEDED
    all_is_right(king, [row.outsmart_id for row in WorkOrder.objects.order_by("outsmart_id")])
    assert SyncRun.objects.filter(status__in=SyncRun.OPEN).count() == 0


def test_a_slow_worker_keeps_its_run(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    """While King takes its time over one line, the lease is renewed again and again."""
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.05)
    scenario.work_order(outsmart)
    seen: list[datetime.datetime] = []

    def renewals() -> int:
        found = SyncRun.objects.values_list("lease_until", flat=True).get()
        seen.extend([found] if found and found not in seen else [])
        return len(seen)

    def watch() -> None:
        with tenants.scope(tenant), held(king, LINE):
            programs.wait_for(lambda: king.calls.count(LINE) > 0)
            programs.wait_for(lambda: renewals() > 3)
        connection.close()

    watcher = threading.Thread(target=watch)
    king.calls.clear()
    watcher.start()
    run = scenario.export()
    watcher.join()

    assert run.status == RunStatus.SUCCEEDED
    assert seen == sorted(seen)
