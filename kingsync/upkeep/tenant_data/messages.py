"""A tenant's messages in the broker. They only say "look at run N" and expire after two minutes."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator

import redis
from django.conf import settings

CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 10.0


class BrokerAwayError(Exception):
    """The broker does not answer."""


def of(tenant_id: int) -> int:
    """Return how many messages name the tenant: in queues, and those that a worker has just taken."""
    try:
        with _broker() as broker:
            return sum(1 for _place in _found(broker, tenant_id))
    except redis.RedisError as error:
        raise BrokerAwayError(type(error).__name__) from None


def remove(tenant_id: int) -> int:
    """Remove the messages that wait in a queue, and return their number."""
    try:
        with _broker() as broker:
            return sum(int(broker.lrem(key, 0, message)) for key, message in _found(broker, tenant_id) if message)
    except redis.RedisError as error:
        raise BrokerAwayError(type(error).__name__) from None


def _broker() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS
    )


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
