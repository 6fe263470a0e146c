"""A tenant's messages in the broker. They only say "look at run N" and expire after two minutes."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    import redis

CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 10.0


class BrokerAwayError(Exception):
    """The broker does not answer."""


def of(tenant_id: int) -> int:
    """Return how many messages name the tenant: in queues, and those that a worker has just taken."""
    with _broker() as broker:
        return sum(1 for _place in _found(broker, tenant_id))


def remove(tenant_id: int) -> int:
    """Remove the messages that wait in a queue, and return their number."""
    with _broker() as broker:
        waiting = [(key, message) for key, message in _found(broker, tenant_id) if message]
        return sum(broker.lrem(key, 0, message) for key, message in waiting)  # type: ignore[arg-type,misc]


@contextmanager
def _broker() -> Iterator[redis.Redis]:
    """Ask the broker inside the block. Raises `BrokerAwayError` when it does not answer."""
    import redis  # noqa: PLC0415 - see `kingsync.runs.queues.asked_once`

    limits = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": ANSWER_SECONDS}
    try:
        with redis.Redis.from_url(settings.REDIS_URL, **limits) as broker:
            yield broker
    except redis.RedisError as error:
        raise BrokerAwayError(type(error).__name__) from None


def _found(broker: redis.Redis, tenant_id: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the queue and the message as it is there; b"" for one that a worker has taken."""
    for key in list(broker.scan_iter(_type="list")):
        waiting: list[bytes] = broker.lrange(key, 0, -1)  # type: ignore[assignment]
        yield from ((key, message) for message in waiting if _tenant_of(message) == tenant_id)
    taken: dict[bytes, bytes] = broker.hgetall("unacked")  # type: ignore[assignment]
    yield from ((b"unacked", b"") for message in taken.values() if _tenant_of(message) == tenant_id)


def _tenant_of(message: bytes) -> object:
    """Return the tenant that a task's message names; None for any other message."""
    try:
        envelope = json.loads(message)
        envelope = envelope[0] if isinstance(envelope, list) else envelope
        _arguments, named, _rest = json.loads(base64.b64decode(envelope["body"]))
        return named.get("tenant_id")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, binascii.Error):
        return None
