"""A button is pressed while other runs have all places of a worker: it begins after somebody's current work order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.conf import settings as deployment
from redis import Redis

from kingsync.models import tenants
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.runs import queues
from tests import programs, scenario
from tests.e2e.company import Company, connected
from tests.holding import held

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE = queues.QUEUES[RunKind.EXPORT]


@pytest.fixture
def companies(transactional_db: None) -> Iterator[list[Company]]:
    """Connect four companies; the first one has three work orders."""
    with ExitStack() as stack:
        made = [connected(stack, place, "Order_Toevoegen", 0) for place in range(4)]
        with tenants.scope(made[0].tenant):
            for _ in range(2):
                scenario.work_order(made[0].outsmart)
        yield made


@pytest.fixture(params=["threads", "processes"])
def start(request: pytest.FixtureRequest) -> Iterator[Callable[[], object]]:
    """Start a worker with one place."""
    if request.param == "threads":
        with programs.threads(1) as start_threads:
            yield lambda: start_threads("only")
    else:
        with programs.workers() as start_process:
            yield lambda: start_process(queues=QUEUE)


def waiting(length: Callable[[Redis, str], int]) -> int:
    """Return how many messages are in the broker."""
    with Redis.from_url(deployment.REDIS_URL) as broker:
        return length(broker, QUEUE)


def ended(runs: list[SyncRun]) -> bool:
    for run in runs:
        run.refresh_from_db()
    return all(run.status in SyncRun.FINAL for run in runs)


def in_order_of(moment: str) -> list[int]:
    """Return the runs that have just ended."""
    mine = SyncRun.across_tenants.filter(trigger__in=[SyncRun.Trigger.SCHEDULE, SyncRun.Trigger.BUTTON])
    return list(mine.filter(attempt__gt=0, number=2).order_by(moment).values_list("pk", flat=True))


def test_a_pressed_export_begins_before_the_others_that_wait_and_before_a_long_one_ends(
    companies: list[Company], start: Callable[[], object]
) -> None:
    long, *scheduled, pressed = companies
    with held(long.king, long.operation):
        start()
        runs = [long.press(SyncRun.Trigger.SCHEDULE)]
        programs.wait_for(long.is_held)
        runs += [company.press(SyncRun.Trigger.SCHEDULE) for company in scheduled]
        runs.append(pressed.press())

        assert (waiting(queues.length), waiting(queues.length_of_first)) == (3, 1)
    programs.wait_for(lambda: ended(runs))

    assert {run.status for run in runs} == {RunStatus.SUCCEEDED}
    assert in_order_of("started_at")[:2] == [runs[0].pk, runs[-1].pk]
    assert (in_order_of("finished_at")[0], in_order_of("finished_at")[-1]) == (runs[-1].pk, runs[0].pk)
    assert [run.attempt for run in runs] == [2, 1, 1, 1]
    assert len(scenario.orders(long.king)) == 3
