"""The queues of the broker, and the lists of Redis that each of them is: one for each priority in use."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.conf import settings

from kingsync.models.runs import RunKind

if TYPE_CHECKING:
    from redis import Redis

QUEUES = {RunKind.IMPORT: "imports", RunKind.EXPORT: "exports"}
# Of a message: the broker hands out those of the lowest number first, each in the order in which they came.
FIRST, USUAL = 0, 6
# A message that no worker took in time is dropped: the sweeper sends another, so messages never pile up.
MESSAGE_SECONDS = 120
ANSWER_SECONDS = 1.5
# What the broker's client puts between the name of a queue and a priority above zero.
_SEPARATOR = "\x06\x16"


def lists(queue: str) -> tuple[str, str]:
    """Return the keys of the lists in which the messages of a queue wait: what goes first, and all others."""
    return queue, f"{queue}{_SEPARATOR}{USUAL}"


def asked_once() -> Redis:
    """Return a client of the broker, to be closed, for which a single short try has to do."""
    import redis  # noqa: PLC0415 - a tenth of a program's start, and most never ask the broker
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    limits = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
    return redis.Redis.from_url(settings.REDIS_URL, **limits, retry=Retry(NoBackoff(), 0))


def is_away() -> tuple[type[Exception], ...]:
    """Return what a client raises when the broker does not answer."""
    import redis  # noqa: PLC0415 - as above

    return redis.RedisError, OSError


def length(broker: Redis, queue: str) -> int:
    """Return how many messages wait in a queue. Raises `RedisError`, `OSError`."""
    return sum(int(str(broker.llen(key))) for key in lists(queue))


def length_of_first(broker: Redis, queue: str) -> int:
    """Return how many messages of runs that a person waits for are in a queue. Raises as `length`."""
    return int(str(broker.llen(lists(queue)[0])))


def busy(broker: Redis) -> Collection[RunKind]:
    """Return the kinds of runs whose messages wait for a worker. Raises `RedisError`, `OSError`."""
    return [kind for kind, queue in QUEUES.items() if length(broker, queue)]
