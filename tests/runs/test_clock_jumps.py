"""A machine's clock is set back or forward by hours: the schedule keeps its pace, and nothing is sent twice."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from celery import Celery
from celery.beat import ScheduleEntry
from django.utils import timezone
from pytest_django import Settings

from kingsync import tasks
from kingsync.clock import LockedScheduler
from kingsync.exports import export_run
from kingsync.exports.export_job import OUTCOME_UNKNOWN_FACTOR
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.runs import lifecycle, schedule
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()
JUMP, MINUTE = datetime.timedelta(hours=6), datetime.timedelta(minutes=1)


@pytest.fixture
def scheduled(tenant: Tenant) -> None:
    factories.settings(tenant, schedule_enabled=True, import_minutes=15, export_minutes=15)
    SettingsVersion.objects.update(saved_at=NOW - datetime.timedelta(days=1))


def begin_what_is_due(at: datetime.datetime) -> int:
    """Start the due runs at this time of the machine, end them, and return how many there were."""
    before = SyncRun.objects.count()
    with time_machine.travel(at, tick=False):
        tasks.start_due_runs()
        SyncRun.objects.update(status=RunStatus.SUCCEEDED)
    return SyncRun.objects.count() - before


@pytest.mark.parametrize("jump", [-JUMP, JUMP], ids=["back", "forward"])
def test_each_kind_runs_once_after_a_jump_and_then_at_its_interval(scheduled: None, jump: datetime.timedelta) -> None:
    begin_what_is_due(NOW)

    afterwards = [begin_what_is_due(NOW + jump + minutes * MINUTE) for minutes in (0, 1, 14, 15, 16)]

    assert afterwards == [2, 0, 0, 2, 0]


def test_clocks_of_two_machines_that_differ_a_little_start_nothing_early(scheduled: None) -> None:
    begin_what_is_due(NOW + 2 * MINUTE)

    assert schedule.due_kinds(now=NOW) == []


def test_a_lost_message_is_found_after_the_clock_was_set_back(scheduled: None) -> None:
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run

    with time_machine.travel(NOW - JUMP, tick=False):
        found = lifecycle.silent_runs()

    assert found == [run]


@pytest.mark.parametrize("jump", [-JUMP, JUMP], ids=["back", "forward"])
def test_a_slice_is_as_long_as_before(scheduled: None, jump: datetime.timedelta) -> None:
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run

    with lifecycle.claimed(run.pk, slice_seconds=60) as claim, time_machine.travel(NOW + jump, tick=False):
        assert claim is not None
        is_over = claim.is_slice_over

    assert not is_over


class RecordingScheduler(LockedScheduler):
    """Records what would be run."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        self.sent: list[str] = []
        super().__init__(*args, **kwargs)

    def apply_entry(self, entry: ScheduleEntry, producer: object = None) -> None:
        self.sent.append(str(entry.name))


@pytest.fixture
def scheduler() -> Iterator[RecordingScheduler]:
    app = Celery("clock-test", set_as_current=False)
    app.conf.beat_schedule = {"often": {"task": "kingsync.tasks.sweep", "schedule": 10.0}}
    made = RecordingScheduler(app)
    yield made
    made.close()


def ticks(scheduler: RecordingScheduler, begin: datetime.datetime, *, seconds: int) -> int:
    """Let the clock tick each second of the machine's time; return how often it ran its task."""
    before = len(scheduler.sent)
    for second in range(seconds):
        with time_machine.travel(begin + datetime.timedelta(seconds=second), tick=False):
            scheduler.tick()
    return len(scheduler.sent) - before


@pytest.mark.parametrize("jump", [-JUMP, JUMP], ids=["back", "forward"])
def test_the_clock_ticks_on_at_its_pace(scheduler: RecordingScheduler, jump: datetime.timedelta) -> None:
    usual = ticks(scheduler, NOW, seconds=31)

    after_the_jump = ticks(scheduler, NOW + jump, seconds=31)

    assert usual == pytest.approx(3, abs=1)
    assert after_the_jump == pytest.approx(3, abs=1)


class JumpingClock:
    """The run's clocks while it waits: the machine's time jumps in the middle, the other one cannot be set."""

    def __init__(self, machine: time_machine.Traveller, jump: datetime.timedelta) -> None:
        self._machine, self._jump = machine, jump
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self._machine.shift(self._jump if not self.slept else seconds)
        self.slept += seconds


@pytest.mark.parametrize("jump", [-JUMP, JUMP], ids=["back", "forward"])
def test_a_lost_answer_is_waited_for_as_long_as_ever(
    stocked: None, king: KingSandbox, outsmart: OutSmartSandbox, jump: datetime.timedelta, settings: Settings
) -> None:
    settings.KING_WRITE_TIMEOUT = 25.0
    number = scenario.work_order(outsmart)
    king.faults.add(Fault(kind="reset_after", operation="Order_Toevoegen"))

    with time_machine.travel(timezone.now()) as machine, pytest.MonkeyPatch.context() as patch:
        clock = JumpingClock(machine, jump)
        patch.setattr(export_run, "time", clock)
        run = scenario.export()

    assert clock.slept == pytest.approx(25.0 * OUTCOME_UNKNOWN_FACTOR, abs=2)
    assert (run.status, scenario.ledger(number).state) == (RunStatus.SUCCEEDED, LedgerState.DONE)
    assert king.calls.count("Order_Toevoegen") == 1
