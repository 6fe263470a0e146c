"""What the sweeper sends again: not what waits in the broker, and each lost message once."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import redis
import time_machine
from django.conf import settings as deployment
from django.utils import timezone
from pytest_django import Settings

from devservers import ports
from kingsync import tasks
from kingsync.models import tenants
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.runs import lifecycle, queues
from tests import factories, programs

pytestmark = pytest.mark.django_db(transaction=True)
EXPORTS = queues.QUEUES[RunKind.EXPORT]


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    programs.forget_messages()
    with redis.Redis.from_url(deployment.REDIS_URL) as client:
        yield client
    programs.forget_messages()


def run(status: RunStatus = RunStatus.QUEUED, kind: RunKind = RunKind.EXPORT) -> SyncRun:
    """Return a run of a company of its own: one that waits, or one whose worker is dead."""
    return factories.run(factories.tenant(), kind, status, attempt=int(status == RunStatus.RUNNING))


def sweep_after(seconds: float) -> None:
    with time_machine.travel(timezone.now() + datetime.timedelta(seconds=seconds)):
        tasks.sweep()


def test_a_run_whose_message_waits_in_the_broker_is_not_sent_again(broker: redis.Redis) -> None:
    waiting = run()
    tasks._send(waiting)

    sweep_after(queues.MESSAGE_SECONDS - 20)

    assert queues.length(broker, EXPORTS) == 1


def test_a_run_whose_message_has_expired_behind_others_is_sent_once(broker: redis.Redis) -> None:
    tasks._send(run())

    sweep_after(queues.MESSAGE_SECONDS + 20)
    after_one = queues.length(broker, EXPORTS)
    sweep_after(queues.MESSAGE_SECONDS + 40)

    assert (after_one, queues.length(broker, EXPORTS)) == (2, 2)


def test_a_run_whose_message_was_lost_is_sent_again_at_each_look_while_none_waits(broker: redis.Redis) -> None:
    lost = run()

    sweep_after(70)
    programs.forget_messages()  # this one is lost too
    sweep_after(85)

    assert queues.length(broker, EXPORTS) == 1
    assert SyncRun.across_tenants.get(pk=lost.pk).resent_at is not None


def test_a_killed_run_is_sent_at_once_behind_others_and_then_once(broker: redis.Redis) -> None:
    tasks._send(run())
    run(RunStatus.RUNNING)

    for seconds in (0, 15, 30):
        sweep_after(seconds)

    assert queues.length(broker, EXPORTS) == 2


def test_a_run_that_was_sent_again_and_killed_again_is_sent_at_once(broker: redis.Redis) -> None:
    killed = run(RunStatus.RUNNING)
    tasks.sweep()
    with tenants.scope(killed.tenant_id), lifecycle.claimed(killed.pk, slice_seconds=60) as claim:
        assert claim is not None
    tasks._send(run())

    tasks.sweep()

    # The last goes where nothing else is lost with it.
    assert [queues.length(broker, each) for each in (EXPORTS, queues.QUEUES[RunKind.IMPORT])] == [2, 1]


def test_what_waits_in_one_queue_does_not_delay_the_other(broker: redis.Redis) -> None:
    tasks._send(run())
    run(kind=RunKind.IMPORT)

    sweep_after(70)

    assert queues.length(broker, queues.QUEUES[RunKind.IMPORT]) == 1


def test_the_sweeper_looks_also_while_the_broker_is_away(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://{ports.HOST}:{ports.free_port()}/0"

    assert tasks._busy() == ()
