"""Our own parts fail: database, broker, worker, disk. All is well again without a person, and nothing is sent twice.

Clock, workers and web server are real, and so are the PostgreSQL and the Valkey, which stop and start here. The clock
replaced when it is killed or frozen: tests/runs/test_clock.py; frozen workers: test_together.py; a clock of a machine
that jumps: tests/runs/test_clock_jumps.py.
"""

from __future__ import annotations

import datetime
import http.client
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import psutil
import pytest
from django.conf import settings as deployment
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django import Settings

from kingsync import probe, tasks
from kingsync.exports.verification import restore_check
from kingsync.models.heartbeats import Heartbeat
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Role, Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.runs import lifecycle
from sandboxes.base import Sandbox
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, own_servers, patience, processes, programs, scenario
from tests.conftest import _delete_all_rows
from tests.holding import held
from tests.lost_answers import LostAnswers
from tests.own_servers import OwnServers
from tests.web.pages import text

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
CREATE, POST, LIST = "Order_Toevoegen", "materials", "GetWorkorders"
NOT_NOW = "kingsync is not available for a moment"
WAITS = "waiting for the background service; starts automatically when it is back"
AWAY = "A part of the background service has not answered since"


@dataclass
class World:
    """The parts that run through all tests of this module, whatever happens to them."""

    servers: OwnServers
    exports: programs.Program
    imports: programs.Program
    port: int


@pytest.fixture(scope="module")
def world(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("own-servers")
    with ExitStack() as stack:
        servers = stack.enter_context(own_servers.running(folder))
        environment = override_settings(REDIS_URL=servers.redis_url, JOURNAL_FOLDER=str(folder / "journal"))
        with environment, own_servers.connected_to(servers.database_url):
            start = stack.enter_context(programs.workers())
            exports, imports = start("exports"), start("imports")
            stack.enter_context(programs.clocks())()
            port = stack.enter_context(programs.web())
            programs.wait_for(lambda: all(probe.PROBES[part]() for part in ("clock", "exports", "imports")))
        yield World(servers, exports, imports, port)


@pytest.fixture
def on_a_small_disk(world: World) -> None:
    """Put the test's database on a disk of its own, which it may fill."""
    if not world.servers.small:
        pytest.skip("a disk that may be filled needs user namespaces, which are disabled here")


@pytest.fixture(autouse=True)
def _there(request: pytest.FixtureRequest, world: World, transactional_db: None, settings: Settings) -> Iterator[None]:
    """Let the test use the world's database and broker."""
    app = tasks.run_sync.app
    usual = app.conf.broker_write_url
    with ExitStack() as stack:
        address, settings.REDIS_URL = world.servers.database_url, world.servers.redis_url
        if "on_a_small_disk" in request.fixturenames:
            address = stack.enter_context(world.servers.on_a_small_disk("little"))
            settings.REDIS_URL = world.servers.redis_url.removesuffix("/0") + "/1"  # the world's workers listen at 0
        app.conf.update({"broker_write_url": settings.REDIS_URL})
        stack.enter_context(own_servers.connected_to(address))
        yield
        _delete_all_rows(None)  # type: ignore[arg-type]
    app.conf.update({"broker_write_url": usual})


@pytest.fixture(autouse=True)
def _stocked(_there: None, tenant: Tenant, king: KingSandbox) -> None:
    """Connect the tenant; its schedule is off, so that only the run itself can bring itself back."""
    scenario.stock(king)
    factories.settings(tenant, approve_order=True, schedule_enabled=False)


def press(tenant: Tenant, kind: RunKind) -> SyncRun:
    return tasks.request_run(tenant=tenant, kind=kind, trigger=SyncRun.Trigger.BUTTON).run


def ended(run: SyncRun) -> bool:
    run.refresh_from_db()
    return run.status in SyncRun.FINAL


def all_answered(*sandboxes: Sandbox) -> bool:
    return all(call.status for sandbox in sandboxes for call in sandbox.calls.all())


def is_right(king: KingSandbox, numbers: list[str]) -> None:
    """Assert one whole, approved order for each work order, in King and in the ledger."""
    assert sorted(order["ExternOrderNummer"] for order in scenario.orders(king)) == [f"OS-{each}" for each in numbers]
    assert all(len(scenario.lines(order)) == 4 and order["VrijVoorLevering"] for order in scenario.orders(king))
    assert [scenario.ledger(number).state for number in numbers] == [LedgerState.DONE] * len(numbers)
    assert scenario.is_clean(king)


def page(port: int, session: str) -> tuple[int, str]:
    """Return the status and the words of the tenant's start page, from the web server."""
    cookie = f"{deployment.SESSION_COOKIE_NAME}={session}; {deployment.LANGUAGE_COOKIE_NAME}=en"
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=patience.SECONDS)) as client:
        client.request("GET", "/t/jansen/", headers={"Cookie": cookie})
        answer = client.getresponse()
        return answer.status, answer.read().decode()


def test_a_database_that_restarts_amid_an_export_and_an_import_costs_nothing_but_time(
    world: World, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, client: Client
) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(6)]
    client.force_login(factories.member(tenant, Role.EDITOR))
    session = client.cookies[deployment.SESSION_COOKIE_NAME].value
    with held(outsmart, POST), held(king, CREATE, skip=3):
        load = press(tenant, RunKind.IMPORT)
        programs.wait_for(lambda: outsmart.calls.count(POST) > 0)
        export = press(tenant, RunKind.EXPORT)
        programs.wait_for(lambda: king.calls.count(CREATE) > 3)
        before = page(world.port, session)[0]
        world.servers.order("stop postgres")
        while_away = page(world.port, session)
    programs.wait_for(lambda: all_answered(king, outsmart))
    world.servers.order("start postgres")
    WorkOrder.objects.update(outcome_unknown_until=None)  # King has answered; nothing was there to save it
    programs.wait_for(lambda: ended(export) and ended(load))

    assert (before, while_away[0], NOT_NOW in while_away[1]) == (200, 503, True)
    assert page(world.port, session)[0] == 200
    assert (export.status, load.status) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED)
    is_right(king, numbers)
    assert sorted(str(row["code"]) for row in outsmart.store.rows("materials")) == ["BUIS", "KNIE"]
    programs.wait_for(probe.clock_is_well)


def test_a_broker_that_is_away_is_said_and_what_was_started_meanwhile_begins_when_it_is_back(
    world: World, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, client: Client
) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(3)]
    client.cookies["django_language"] = "en"
    client.force_login(factories.member(tenant, Role.EDITOR))
    programs.wait_for(Heartbeat.objects.filter(part=Heartbeat.Part.BROKER).exists)
    with held(king, CREATE, skip=1):
        export = press(tenant, RunKind.EXPORT)
        programs.wait_for(lambda: king.calls.count(CREATE) > 1)
        world.servers.order("stop valkey")
    ten_minutes_ago = timezone.now() - datetime.timedelta(minutes=10)
    Heartbeat.objects.filter(part=Heartbeat.Part.BROKER).update(at=ten_minutes_ago)
    answer = client.post("/t/jansen/start/import/", headers={"HX-Request": "true"})
    start_page = text(client.get("/t/jansen/"))
    programs.wait_for(lambda: ended(export))
    load = SyncRun.objects.get(kind=RunKind.IMPORT)
    while_away = load.status, load.is_unsent
    world.servers.order("start valkey")
    programs.wait_for(lambda: ended(load))

    assert (answer.status_code, WAITS in text(answer)) == (200, True)
    assert AWAY in start_page
    assert while_away == (RunStatus.QUEUED, True)
    assert (export.status, load.status) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED)
    is_right(king, numbers)
    programs.wait_for(lambda: AWAY not in text(client.get("/t/jansen/")))


def kill_its_pool(worker: programs.Program) -> None:
    """Kill the process that carries out a slice, as the kernel does when memory runs out; its worker lives."""
    worker_process = psutil.Process(worker.pid)
    programs.wait_for(lambda: len(worker_process.children()) == 1)
    pool = worker_process.children()
    pool[0].kill()
    psutil.wait_procs(pool)


def swept(condition: Callable[[], bool]) -> Callable[[], bool]:
    """Return a condition that does what the clock does before it looks."""

    def look() -> bool:
        programs.sweep()
        return condition()

    return look


def test_a_run_that_kills_one_worker_after_the_other_ends_and_the_next_one_does_all_of_it(
    world: World, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(2)]
    with held(outsmart, LIST):
        run = press(tenant, RunKind.EXPORT)
        begun = 0
        while run.status not in SyncRun.FINAL:
            programs.wait_for(swept(lambda: ended(run) or outsmart.calls.count(LIST) > begun))  # noqa: B023
            begun = outsmart.calls.count(LIST)
            for each in (world.exports, world.imports):  # what lost two workers may continue in the other
                kill_its_pool(each)

    assert run.lost_workers == 1 + lifecycle.LOST_WORKERS_AT_MOST
    assert begun <= run.lost_workers  # one may be lost between its claim and its first call
    assert (run.status, run.error["code"]) == (RunStatus.FAILED, "workers_lost")
    assert scenario.orders(king) == []
    again = press(tenant, RunKind.EXPORT)
    programs.wait_for(lambda: ended(again))
    assert again.status == RunStatus.SUCCEEDED
    is_right(king, numbers)


def is_left_open(run: SyncRun) -> bool:
    """Return whether a worker had the run and left it unfinished."""
    run.refresh_from_db()
    return run.attempt > 0 and (run.status == RunStatus.QUEUED or lifecycle.silent_runs() == [run])


def test_a_disk_that_is_full_amid_an_export_is_waited_for(
    on_a_small_disk: None, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    """The disk of PostgreSQL's files is really full: it answers 53100, and not only where a test thought of it."""
    long_text = " ".join(str(each) for each in range(1500))  # no two of them fit into a page
    numbers = [scenario.work_order(outsmart, WorkDescription=long_text) for _ in range(6)]
    with programs.workers() as start:
        start("exports")
        with ExitStack() as disk:
            with held(king, CREATE, skip=3):
                run = press(tenant, RunKind.EXPORT)
                programs.wait_for(lambda: king.calls.count(CREATE) > 3)
                disk.enter_context(own_servers.full(processes.database_url()))
            programs.wait_for(lambda: is_left_open(run))
            made_while_full = king.calls.count(CREATE)
        a_minute_ago = timezone.now() - datetime.timedelta(seconds=61)
        SyncRun.objects.update(queued_at=a_minute_ago, heartbeat_at=a_minute_ago)
        WorkOrder.objects.update(outcome_unknown_until=None)
        programs.wait_for(swept(lambda: ended(run)))

    assert made_while_full < len(numbers)
    assert (run.status, dict(WorkOrder.objects.exclude(reasons=[]).values_list("outsmart_id", "reasons"))) == (
        RunStatus.SUCCEEDED,
        {},
    )
    is_right(king, numbers)


def test_a_database_that_is_lost_is_recovered_to_a_moment_and_sends_nothing_twice(
    world: World, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, lost_answers_soon_settled: LostAnswers
) -> None:
    world.servers.archive()
    kept = scenario.work_order(outsmart)
    scenario.export()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (moment,) = cursor.fetchone()
    lost = [scenario.work_order(outsmart) for _ in range(2)]
    scenario.export()
    address = world.servers.recovered_to(moment)
    world.servers.order("stop postgres")

    with own_servers.connected_to(address):
        known = [row.outsmart_id for row in WorkOrder.objects.all()]
        found = {each.outsmart_id: each.why.code for each in restore_check.compare().differences}
        scenario.export()
        again = restore_check.compare()
        is_right(king, [kept, *lost])
    world.servers.order("start postgres")

    assert known == [kept]
    assert found == dict.fromkeys(lost, "restored.in_king_only")
    assert (again.differences, again.error) == ([], None)
    assert king.calls.count(CREATE) == 3
