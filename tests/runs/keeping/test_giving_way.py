"""Slices end for persons who wait: one for each, and none when the broker does not answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings as deployment
from pytest_django import Settings
from redis import Redis

from devservers import ports
from kingsync.models.runs import RunKind
from kingsync.runs import queues
from kingsync.runs.keeping import giving_way
from kingsync.runs.keeping.giving_way import GivingWay

EXPORTS, IMPORTS = queues.QUEUES[RunKind.EXPORT], queues.QUEUES[RunKind.IMPORT]


@pytest.fixture
def broker() -> Iterator[Redis]:
    """Return the broker with empty queues, and leave it so."""
    every = [name for queue in queues.QUEUES.values() for name in queues.lists(queue)]
    with Redis.from_url(deployment.REDIS_URL) as client:
        client.delete(*every)
        yield client
        client.delete(*every)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which queues are looked at."""
    found: list[str] = []
    usual = queues.length_of_first

    def noted(broker: Redis, queue: str) -> int:
        found.append(queue)
        return usual(broker, queue)

    monkeypatch.setattr(queues, "length_of_first", noted)
    return found


def asked(giving: GivingWay, *names: str) -> list[bool]:
    """Ask five times."""
    return [giving.is_asked(names) for _ in range(5)]


def test_as_many_slices_end_as_persons_wait(broker: Redis, looks: list[str]) -> None:
    broker.lpush(queues.lists(EXPORTS)[0], "one", "two")

    assert asked(GivingWay(), EXPORTS) == [True, True, False, False, False]
    assert looks == [EXPORTS]


def test_nobody_gives_way_to_the_schedule_or_to_another_queue(broker: Redis) -> None:
    broker.lpush(queues.lists(EXPORTS)[1], "scheduled")
    broker.lpush(queues.lists(IMPORTS)[0], "an import")

    assert asked(GivingWay(), EXPORTS) == [False] * 5
    assert asked(GivingWay(), EXPORTS, IMPORTS) == [True, False, False, False, False]


def test_who_still_waits_at_the_next_look_ends_another_slice(broker: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving_way, "LOOK_SECONDS", 0.0)
    broker.lpush(queues.lists(EXPORTS)[0], "one")
    giving = GivingWay()

    assert asked(giving, EXPORTS) == [True] * 5
    broker.delete(queues.lists(EXPORTS)[0])
    assert asked(giving, EXPORTS) == [False] * 5


def test_a_broker_that_is_away_is_asked_once_in_a_while(
    settings: Settings, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_way, "LOOK_SECONDS", 0.0)
    settings.REDIS_URL = f"redis://127.0.0.1:{ports.free_port()}/0"

    assert asked(GivingWay(), EXPORTS) == [False] * 5
    assert len(looks) == 1
