"""Only one beat sends tasks, whichever one dies."""

from __future__ import annotations

import datetime
import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from celery import Celery
from celery.beat import ScheduleEntry
from django.db import connection
from django.utils import timezone

from devservers.places import CHECKOUT
from kingsync import probe, tasks
from kingsync.celery import app as real_app
from kingsync.clock import RETRY_SECONDS, ClockLock, Jobs, LockedScheduler
from kingsync.database import sessions
from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.notifications import due_tenants
from kingsync.runs import heartbeats, schema
from tests import factories, processes, programs

# A clock has a session of its own, whose heartbeat stays when a test rolls back.
pytestmark = pytest.mark.django_db(transaction=True)


class RecordingScheduler(LockedScheduler):
    """Records what would be run."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        self.sent: list[str] = []
        super().__init__(*args, **kwargs)

    def apply_entry(self, entry: ScheduleEntry, producer: object = None) -> None:
        self.sent.append(str(entry.task))


@pytest.fixture
def app() -> Celery:
    made = Celery("clock-test", set_as_current=False)
    made.conf.beat_schedule = {"often": {"task": "kingsync.tasks.sweep", "schedule": 0.0}}
    return made


@pytest.fixture
def first(app: Celery) -> Iterator[RecordingScheduler]:
    scheduler = RecordingScheduler(app)
    yield scheduler
    scheduler.close()


@pytest.fixture
def second(app: Celery) -> Iterator[RecordingScheduler]:
    scheduler = RecordingScheduler(app)
    yield scheduler
    scheduler.close()


def _end_the_session_of_the_clock() -> None:
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE application_name = 'kingsync clock' AND datname = current_database()"
        )


def test_a_beat_alone_sends_what_is_due(first: RecordingScheduler) -> None:
    first.tick()

    assert first.sent == ["kingsync.tasks.sweep"]


def test_a_second_beat_sends_nothing_and_says_so_once(
    first: RecordingScheduler, second: RecordingScheduler, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first.tick()

    waits = [second.tick(), second.tick(), second.tick()]

    assert waits == [RETRY_SECONDS] * 3
    assert second.sent == []
    assert caplog.messages.count("clock.waiting: another beat runs the scheduled tasks") == 1


def test_the_second_beat_takes_over_when_the_first_stops(first: RecordingScheduler, second: RecordingScheduler) -> None:
    first.tick()
    second.tick()

    first.close()
    second.tick()

    assert second.sent == ["kingsync.tasks.sweep"]


def test_a_beat_that_lost_its_session_stops_sending_while_another_one_is_the_clock(
    first: RecordingScheduler, second: RecordingScheduler
) -> None:
    first.tick()
    _end_the_session_of_the_clock()
    second.tick()

    waits = [first.tick(), first.tick()]

    assert waits == [RETRY_SECONDS] * 2
    assert len(first.sent) == 1
    assert len(second.sent) == 1


def test_a_beat_that_lost_its_session_goes_on_when_it_gets_the_lock_again(
    first: RecordingScheduler, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first.tick()
    _end_the_session_of_the_clock()

    first.tick()  # notices the loss
    first.tick()

    assert len(first.sent) == 2
    assert [message.split(":")[0] for message in caplog.messages] == [
        "clock.started",
        "clock.stopped",
        "clock.waiting",
        "clock.started",
    ]


def test_a_database_that_does_not_answer_is_waited_for_and_no_password_is_logged(
    first: RecordingScheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert schema.watch.is_complete()  # it was there, whichever test of this process comes first
    caplog.set_level(logging.INFO)
    monkeypatch.setitem(connection.settings_dict, "PORT", 1)

    wait = first.tick()

    assert wait == RETRY_SECONDS
    assert first.sent == []
    assert caplog.messages == ["clock.waiting: the database does not answer (OperationalError)"]


def be_silent() -> None:
    """Let the last sign of life of the clock be long ago, for everybody."""
    with psycopg.connect(**probe.database_parameters(), autocommit=True) as session:
        session.execute("UPDATE kingsync_heartbeat SET at = at - interval '2 minutes' WHERE part = 'clock'")


def test_a_frozen_clock_is_replaced_and_stops_when_it_wakes_up(
    first: RecordingScheduler, second: RecordingScheduler
) -> None:
    first.tick()
    be_silent()

    waits = [second.tick(), second.tick()]
    first.tick()

    assert waits[0] == RETRY_SECONDS
    assert (len(first.sent), len(second.sent)) == (1, 1)


def test_the_probe_sees_a_frozen_clock(first: RecordingScheduler) -> None:
    first.tick()
    before = probe.clock_is_well()
    be_silent()

    assert (before, probe.clock_is_well()) == (True, False)


def test_the_probe_sees_whether_there_is_a_clock() -> None:
    lock = ClockLock()
    before = probe.clock_is_well()

    lock.is_held()
    while_held = probe.clock_is_well()
    lock.release()

    assert (before, while_held) == (False, True)


def _probe(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kingsync.probe", *arguments],
        env=programs.environment() | environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("options", ["", "?conn_max_age=600", "?conn_max_age=600&sslmode=disable&pool=true"])
def test_the_probe_reads_the_address_of_the_database_as_the_clock_does(options: str) -> None:
    lock = ClockLock()
    lock.is_held()

    done = _probe("clock", DATABASE_URL=processes.database_url() + options)
    lock.release()

    assert (done.returncode, done.stderr) == (0, "")


def test_the_probe_tells_how_it_is_used() -> None:
    done = _probe("web", "clock")

    assert (done.returncode, done.stderr) == (2, "usage: python -m kingsync.probe web|clock|exports|imports\n")


@pytest.mark.parametrize("arguments", [[], ["worker"]])
def test_the_probe_takes_one_part_that_it_knows(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = probe.main(arguments)

    assert (code, capsys.readouterr().err) == (2, "usage: python -m kingsync.probe web|clock|exports|imports\n")


@pytest.mark.parametrize("part", ["web", "clock", "exports", "imports"])
def test_the_probe_of_a_part_that_is_not_there_says_so_without_a_traceback(part: str) -> None:
    done = _probe(part, DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing", ALLOWED_HOSTS="")

    assert (done.returncode, done.stderr) == (1, "")


# --- Tasks of the clock -----------------------------------------------------------------------------------------------


def test_a_task_that_is_still_at_work_is_left_to_finish_and_keeps_no_other_from_beginning() -> None:
    jobs, may_end, begun = Jobs(), threading.Event(), queue.Queue[str]()

    def slow() -> None:
        begun.put("slow")
        may_end.wait(60)

    jobs.start("slow", slow)
    jobs.start("slow", slow)
    jobs.start("short", lambda: begun.put("short"))
    first = {begun.get(timeout=60), begun.get(timeout=60)}
    may_end.set()
    jobs.finish(seconds=60)
    jobs.start("slow", slow)

    assert (first, begun.get(timeout=60)) == ({"slow", "short"}, "slow")
    jobs.finish(seconds=60)


def test_a_task_that_breaks_is_told_and_begins_again_the_next_time(caplog: pytest.LogCaptureFixture) -> None:
    jobs = Jobs()

    for _ in range(2):
        jobs.start("broken", lambda: 1 / 0)
        jobs.finish(seconds=60)

    assert caplog.messages == ["clock.failed: broken"] * 2


def test_a_tick_carries_out_what_is_due_without_a_broker() -> None:
    made = Celery("clock-test", broker="redis://127.0.0.1:1/0", set_as_current=False)
    begun = queue.Queue[str]()

    @made.task(name="clock_test.note")
    def note() -> None:
        begun.put("note")

    made.conf.beat_schedule = {"often": {"task": "clock_test.note", "schedule": 0.0}}
    scheduler = LockedScheduler(made)

    scheduler.tick()

    assert begun.get(timeout=60) == "note"
    scheduler.close()


@pytest.mark.parametrize(
    ("job", "broken"),
    [
        (tasks.send_notifications, "notify.send_due"),
        (tasks.purge_old, "retention.purge_old"),
    ],
)
def test_one_broken_tenant_does_not_stop_the_others(
    job: Callable[[], None], broken: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "mail_watch", due_tenants.Watch())
    for slug in ("aap", "noot", "mies"):
        made = factories.tenant(slug=slug)
        factories.settings(made, notification_mode="each", notification_emails=["a@b.example"])
        factories.run(made, finished_at=timezone.now() - datetime.timedelta(days=1000))
        factories.work_order(made, state=LedgerState.REJECTED, changed_at=timezone.now())
    seen = []

    def breaks(**_named: object) -> list[object]:
        slug = Tenant.objects.get(pk=tenants.current_id()).slug
        seen.append(slug)
        if slug == "noot":
            raise ValueError("a row that nobody can read")
        return []

    monkeypatch.setattr(f"kingsync.tasks.{broken}", breaks)

    job()

    assert sorted(seen) == ["aap", "mies", "noot"]
    assert [message.partition(":")[2] for message in caplog.messages] == [" tenant noot was passed over"]


def test_a_worker_stands_in_for_a_clock_that_is_away_but_not_at_every_heartbeat() -> None:
    done = queue.Queue[str]()
    stand_in = heartbeats.StandIn(lambda: done.put("looked"))

    for _ in range(3):
        stand_in.look()

    assert done.get(timeout=60) == "looked"
    assert done.empty()


def test_what_a_stand_in_fails_at_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    stand_in = heartbeats.StandIn(lambda: 1 // 0)

    stand_in.look()
    stand_in.finish(seconds=60)

    assert caplog.messages == ["heartbeat.stand_in_failed"]


def test_the_schedule_names_tasks_that_exist() -> None:
    real_app.loader.import_default_modules()

    scheduled = {entry["task"] for entry in real_app.conf.beat_schedule.values()}

    assert scheduled >= {"kingsync.tasks.start_due_runs", "kingsync.tasks.sweep", "kingsync.tasks.purge_old"}
    assert scheduled <= set(real_app.tasks)
