"""The clock finds what is due among all tenants, by statements whose number does not grow with them."""

from __future__ import annotations

import datetime
import threading
import uuid
from collections.abc import Callable

import pytest
import time_machine
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kingsync import tasks
from kingsync.database import sessions
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.runs import NextRun, RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.runs import dispatcher, lifecycle, queues, schedule
from tests import factories

# Two clocks and their sessions: each sees what the other has committed.
pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()
MINUTE, DAY = datetime.timedelta(minutes=1), datetime.timedelta(days=1)
EVERYTHING = 1000
PUBLISH = tasks._publish


@pytest.fixture(autouse=True)
def _without_a_broker(monkeypatch: pytest.MonkeyPatch) -> list[SyncRun]:
    """Take the messages instead of the broker."""
    sent: list[SyncRun] = []

    def take(runs: list[SyncRun]) -> int:
        sent.extend(runs)
        return len(runs)

    monkeypatch.setattr(tasks, "_publish", take)
    return sent


@pytest.fixture
def sent(_without_a_broker: list[SyncRun]) -> list[SyncRun]:
    return _without_a_broker


def company(*, saved: datetime.datetime = NOW - DAY, **columns: object) -> Tenant:
    """Make a connected tenant whose schedule runs every 15 minutes, its settings saved a day ago."""
    made = factories.tenant()
    factories.settings(made, **({"schedule_enabled": True, "import_minutes": 15, "export_minutes": 15} | columns))
    for system in System:
        factories.connection(made, system)
    SettingsVersion.across_tenants.filter(tenant=made).update(saved_at=saved)
    return made


def start(at: datetime.datetime = NOW, *, at_most: int = EVERYTHING) -> list[tuple[int, str]]:
    """Let the clock look once at this time; return what it queued."""
    started = dispatcher.start_due(now=at, at_most=at_most)
    return sorted((run.tenant_id, run.kind) for run in started.runs)


def both(*of: Tenant) -> list[tuple[int, str]]:
    return sorted((tenant.pk, kind.value) for tenant in of for kind in RunKind)


def end_all(status: RunStatus = RunStatus.SUCCEEDED) -> None:
    SyncRun.across_tenants.filter(status__in=SyncRun.OPEN).update(status=status, finished_at=timezone.now())


def looked_at() -> int:
    """Return how many rows the next look claims, without claiming them."""
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(dispatcher.CLAIM, dispatcher.parameters(NOW, dict.fromkeys(RunKind, EVERYTHING)))
        return len(cursor.fetchall())


# --- What is started --------------------------------------------------------------------------------------------------


def test_what_is_due_starts_once_and_again_after_its_interval(sent: list[SyncRun]) -> None:
    tenant = company()

    with time_machine.travel(NOW, tick=False):
        first = start()
        while_open = start(NOW + 60 * MINUTE)
        end_all()
    early, late = start(NOW + 14 * MINUTE), start(NOW + 15 * MINUTE)

    assert (first, while_open, early, late) == (both(tenant), [], [], both(tenant))


def test_a_run_of_the_clock_is_as_one_that_a_button_starts(tenant: Tenant) -> None:
    factories.settings(tenant, schedule_enabled=True, import_minutes=15, export_minutes=15)
    SettingsVersion.objects.update(saved_at=NOW - DAY)
    by_button = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run
    end_all()
    SyncRun.objects.update(queued_at=NOW - DAY)
    start()

    made = SyncRun.objects.exclude(pk=by_button.pk).get(kind=RunKind.EXPORT)
    alike = ("administration_id", "settings_version", "options", "cursor", "status", "attempt", "requested_by_id")
    assert [getattr(made, name) for name in alike[:4]] == [getattr(by_button, name) for name in alike[:4]]
    assert made.trigger == SyncRun.Trigger.SCHEDULE
    numbers = SyncRun.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == [1, 2, 3]


def test_the_page_names_the_time_at_which_the_clock_starts_it() -> None:
    tenant = company(saved=NOW - 10 * MINUTE)
    start()

    with tenants.scope(tenant):
        shown = schedule.next_at(RunKind.EXPORT, minutes=15, now=NOW)
        kept = NextRun.objects.get(kind=RunKind.EXPORT).due_at

    assert shown == kept == NOW + 5 * MINUTE


def no_settings(tenant: Tenant) -> None:
    SyncSettings.objects.update(schedule_enabled=False)


def no_imports(tenant: Tenant) -> None:
    SyncSettings.objects.update(
        customers_enabled=False, products_enabled=False, hour_types_enabled=False, warehouses_enabled=False
    )


def no_exports(tenant: Tenant) -> None:
    SyncSettings.objects.update(export_orders=False)


def paused(tenant: Tenant) -> None:
    Connection.objects.get(system=System.OUTSMART).pause({"code": "system.authentication", "params": {}})


def no_address(tenant: Tenant) -> None:
    Connection.objects.filter(system=System.KING).update(base_url="")


def no_connection(tenant: Tenant) -> None:
    Connection.objects.filter(system=System.KING).delete()


def no_licence(tenant: Tenant) -> None:
    Tenant.objects.update(is_licensed=False)


def licence_is_over(tenant: Tenant) -> None:
    Tenant.objects.update(licensed_until=NOW.date() - 2 * DAY)


def closing(tenant: Tenant) -> None:
    Tenant.objects.update(closing_at=NOW)


def long_interval(tenant: Tenant) -> None:
    SyncSettings.objects.update(import_minutes=10_000, export_minutes=10_000)


def open_run(tenant: Tenant) -> None:
    for kind in RunKind:
        factories.run(tenant, kind, status=RunStatus.RUNNING)


def just_saved(tenant: Tenant) -> None:
    SettingsVersion.objects.update(saved_at=NOW)


def settings_again(tenant: Tenant) -> None:
    choices = SyncSettings.objects.get()
    choices.schedule_enabled = choices.export_orders = choices.customers_enabled = True
    choices.import_minutes = choices.export_minutes = 15
    choices.store(by=None)
    SettingsVersion.objects.update(saved_at=NOW - DAY)


def connected_again(tenant: Tenant) -> None:
    Connection.objects.update(base_url="http://127.0.0.1:9")
    for row in Connection.objects.all():
        row.worked(now=NOW)
    if Connection.objects.count() < len(System):
        factories.connection(tenant, System.KING)


def licence_again(tenant: Tenant) -> None:
    tenant.is_licensed, tenant.licensed_until, tenant.closing_at = True, None, None
    tenant.save()


def run_ended(tenant: Tenant) -> None:
    SyncRun.objects.update(queued_at=NOW - DAY)
    end_all(RunStatus.FAILED)


Step = Callable[[Tenant], None]


@pytest.mark.parametrize(
    ("stop", "go_on", "kinds"),
    [
        (no_settings, settings_again, set(RunKind)),
        (no_imports, settings_again, {RunKind.IMPORT}),
        (no_exports, settings_again, {RunKind.EXPORT}),
        (long_interval, settings_again, set(RunKind)),
        (just_saved, settings_again, set(RunKind)),
        (paused, connected_again, set(RunKind)),
        (no_address, connected_again, set(RunKind)),
        (no_connection, connected_again, set(RunKind)),
        (no_licence, licence_again, set(RunKind)),
        (licence_is_over, licence_again, set(RunKind)),
        (closing, licence_again, set(RunKind)),
        (open_run, run_ended, set(RunKind)),
    ],
)
def test_what_kept_a_run_from_starting_is_noticed_as_soon_as_it_is_gone(
    stop: Step, go_on: Step, kinds: set[RunKind]
) -> None:
    tenant = company()
    with tenants.scope(tenant):
        stop(tenant)
    while_stopped = start()
    end_all() if stop is not open_run else None
    with tenants.scope(tenant):
        SyncRun.objects.exclude(status=RunStatus.RUNNING).delete()
        looks_in_vain = looked_at()
        go_on(tenant)

    started = start()

    assert {RunKind(kind) for _, kind in while_stopped}.isdisjoint(kinds)
    assert looks_in_vain == len(set(RunKind) - kinds)
    assert {RunKind(kind) for _, kind in started} >= kinds


def test_after_the_clock_was_set_back_everything_starts_at_once() -> None:
    tenant = company()
    with time_machine.travel(NOW, tick=False):
        start()
        end_all()
        start()

    assert start(NOW - 6 * 60 * MINUTE) == both(tenant)


def test_clocks_that_differ_a_little_start_nothing_early() -> None:
    company()
    with time_machine.travel(NOW, tick=False):
        start()
        end_all()
        start()

    assert start(NOW - 2 * MINUTE) == []


# --- Many tenants -----------------------------------------------------------------------------------------------------


def statements_of(task: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        task()
    return len(captured)


def test_thirty_tenants_take_as_many_statements_as_three(sent: list[SyncRun]) -> None:
    for _ in range(3):
        company()
    tasks.start_due_runs()
    end_all()
    SyncRun.across_tenants.update(queued_at=NOW - DAY)
    few_due = statements_of(tasks.start_due_runs)
    end_all()
    tasks.start_due_runs()
    few = statements_of(tasks.start_due_runs)
    for _ in range(7):
        company()
    SyncRun.across_tenants.update(queued_at=NOW - DAY)
    before = len(sent)
    many_due = statements_of(tasks.start_due_runs)
    end_all()
    tasks.start_due_runs()
    for _ in range(20):
        company(schedule_enabled=False)
    tasks.start_due_runs()
    many = statements_of(tasks.start_due_runs)

    assert len(sent) - before == 20
    assert many_due == few_due
    assert many == few <= 8


def test_the_indexes_find_what_is_due() -> None:
    for _ in range(3):
        company()
    start()
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {dispatcher.CLAIM}", dispatcher.parameters(NOW, dict.fromkeys(RunKind, EVERYTHING)))
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")

    assert "Seq Scan" not in plan
    assert all(name in plan for name in ("next_runs_due", "next_runs_stale", "next_runs_ahead"))


def test_no_more_start_at_once_than_allowed_and_those_due_longest_go_first() -> None:
    waiting = [company(saved=NOW - (60 - number) * MINUTE) for number in range(4)]
    start(NOW - 50 * MINUTE)  # each has its time now

    first, second = start(at_most=4), start(at_most=4)

    assert (first, second) == (both(*waiting[:2]), both(*waiting[2:]))


def test_workers_that_are_behind_get_no_more_of_that_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "WAITING_AT_MOST", 2)
    for _ in range(3):
        company()
    start()
    SyncRun.across_tenants.filter(kind=RunKind.EXPORT).update(status=RunStatus.RUNNING, attempt=1)

    again = start()

    assert [kind for _, kind in again] == [RunKind.EXPORT]


def test_a_backlog_is_spread_and_always_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "STARTED_AT_LEAST", 0)
    monkeypatch.setattr(dispatcher, "SPREAD_SECONDS", 10.0)
    for _ in range(5):
        company()
    moments = iter([0.0, 5.0, 5.0])
    monkeypatch.setattr("kingsync.runs.dispatcher.time.monotonic", lambda: next(moments))
    pace = dispatcher.Pace()

    assert [pace.allowed(), pace.allowed(), pace.allowed()] == [15, 5, 0]


def test_two_clocks_at_once_start_each_run_once() -> None:
    companies = [company() for _ in range(12)]
    begin, found = threading.Barrier(2, timeout=60), [[], []]  # type: ignore[var-annotated]

    def clock(mine: list[tuple[int, str]]) -> None:
        begin.wait()
        for _ in range(6):
            mine.extend(start(at_most=5))
        connections.close_all()

    clocks = [threading.Thread(target=clock, args=(mine,)) for mine in found]
    for each in clocks:
        each.start()
    for each in clocks:
        each.join()
    rest = start()

    assert sorted(found[0] + found[1] + rest) == both(*companies)
    assert SyncRun.across_tenants.count() == 24


def test_a_tenant_that_is_getting_a_run_just_now_is_left_to_the_next_look() -> None:
    tenant, other = company(), company()
    with sessions.opened(tenant.pk) as elsewhere, elsewhere.transaction():
        elsewhere.execute("SELECT id FROM kingsync_tenant WHERE id = %s FOR NO KEY UPDATE", [tenant.pk])
        meanwhile = start()

    assert (meanwhile, start()) == (both(other), both(tenant))


def test_one_broken_tenant_does_not_stop_the_others_and_is_tried_again_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = company(), company()
    usual = schedule.wanted_minutes

    def breaks(settings: SyncSettings | None, connections: list[Connection]) -> dict[RunKind, int]:
        if settings and settings.tenant_id == broken.pk:
            raise ValueError("a row that nobody can read")
        return usual(settings, connections)

    with monkeypatch.context() as patch:
        patch.setattr(schedule, "wanted_minutes", breaks)
        at_first, again = start(), start()

    assert (at_first, again, start(NOW + 6 * MINUTE)) == (both(sound), [], both(broken))
    assert caplog.messages == [f"schedule.failed: tenant {broken.pk} was passed over"] * 2


# --- The safety net ---------------------------------------------------------------------------------------------------


def test_the_safety_net_finds_what_the_database_did_not_mark(caplog: pytest.LogCaptureFixture) -> None:
    late, missing, fine = (company(saved=NOW - minutes * MINUTE) for minutes in (17, 16, 10))
    start(NOW - 8 * MINUTE)
    NextRun.across_tenants.filter(tenant=late).update(due_at=NOW + DAY)
    NextRun.across_tenants.filter(tenant=missing).delete()
    unnoticed = start()

    tasks.check_schedule()

    assert (unnoticed, start()) == ([], both(late, missing))
    assert caplog.messages == ["schedule.corrected: 2 runs would have started too late"]
    assert NextRun.across_tenants.filter(tenant=fine, due_at=NOW + 5 * MINUTE).count() == 2


# --- Order of messages ------------------------------------------------------------------------------------------------


def test_what_a_person_waits_for_goes_before_what_the_schedule_started(tenant: Tenant) -> None:
    pressed = factories.run(tenant, status=RunStatus.QUEUED, trigger=SyncRun.Trigger.BUTTON)
    going_on = factories.run(factories.tenant(), status=RunStatus.QUEUED, trigger=SyncRun.Trigger.BUTTON, attempt=1)
    scheduled = factories.run(factories.tenant(), status=RunStatus.QUEUED)

    assert tasks._priority(pressed) < tasks._priority(scheduled) == tasks._priority(going_on)


def test_the_broker_hands_out_a_pressed_button_before_what_waits(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = f"exports-{uuid.uuid4().hex}"
    monkeypatch.setitem(queues.QUEUES, RunKind.EXPORT, queue)
    monkeypatch.setattr(tasks, "_publish", PUBLISH)
    scheduled = [factories.run(factories.tenant(), status=RunStatus.QUEUED) for _ in range(3)]
    pressed = factories.run(tenant, status=RunStatus.QUEUED, trigger=SyncRun.Trigger.BUTTON)

    tasks._send_all([*scheduled, pressed])

    taken = []
    with tasks.run_sync.app.connection_for_read() as broker, broker.SimpleQueue(queue) as waiting:
        for _ in range(4):
            message = waiting.get(timeout=60)
            message.ack()
            taken.append(message.payload[1]["run_id"])
    assert taken == [run.pk for run in (pressed, *scheduled)]
