"""Only one beat sends, whoever dies."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from celery import Celery
from celery.beat import ScheduleEntry
from django.db import connection

from kingsync import probe
from kingsync.celery import app as real_app
from kingsync.clock import RETRY_SECONDS, ClockLock, LockedScheduler
from tests import processes

pytestmark = pytest.mark.django_db


class RecordingScheduler(LockedScheduler):
    """Remembers what would go to the broker."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        self.sent: list[str] = []
        super().__init__(*args, **kwargs)

    def _ensure_connected(self) -> None:
        """No broker is needed: nothing is sent."""

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
    with connection.cursor() as cursor:
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
    assert caplog.messages.count("clock.waiting: another beat is at work") == 1


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

    first.tick()  # finds out
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
    caplog.set_level(logging.INFO)
    monkeypatch.setitem(connection.settings_dict, "PORT", 1)

    wait = first.tick()

    assert wait == RETRY_SECONDS
    assert first.sent == []
    assert caplog.messages == ["clock.waiting: the database does not answer (OperationalError)"]


def test_the_probe_sees_whether_there_is_a_clock() -> None:
    lock = ClockLock()
    before = probe.clock_is_well(processes.database_url())

    lock.is_held()
    while_held = probe.clock_is_well(processes.database_url())
    lock.release()

    assert (before, while_held) == (False, True)


def test_the_schedule_names_tasks_that_exist() -> None:
    real_app.loader.import_default_modules()

    scheduled = {entry["task"] for entry in real_app.conf.beat_schedule.values()}

    assert scheduled >= {"kingsync.tasks.start_due_runs", "kingsync.tasks.sweep", "kingsync.tasks.throw_away_old"}
    assert scheduled <= set(real_app.tasks)
