"""How many messages wait in the broker, and since when the oldest does."""

from __future__ import annotations

import datetime
import json

from django.conf import settings
from django.utils import timezone

from kingsync import tasks
from kingsync.runs import heartbeats, queues
from kingsync.watch import catalog
from kingsync.web.watch.snapshot import Found


def ask() -> Found | None:
    """Return length and age of each queue; None when the broker does not answer a single short try."""
    import redis  # noqa: PLC0415 - see `kingsync.runs.heartbeats.broker_answers`
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    seconds = heartbeats.BROKER_SECONDS
    limits = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "retry": Retry(NoBackoff(), 0)}
    names = sorted(queues.QUEUES.values())
    keys = [key for name in names for key in queues.lists(name)]
    try:
        with redis.Redis.from_url(settings.REDIS_URL, **limits) as broker, broker.pipeline(transaction=False) as asked:
            for key in keys:
                asked.llen(key).lindex(key, -1)  # new messages are put in at the other end
            answers = asked.execute()
    except (redis.RedisError, OSError):
        return None
    found: Found = []
    lengths, oldest = dict(zip(keys, answers[::2], strict=True)), dict(zip(keys, answers[1::2], strict=True))
    for name in names:
        parts = queues.lists(name)
        found.append((catalog.QUEUE, (name,), float(sum(lengths[key] for key in parts))))
        found.append((catalog.QUEUE_AGE, (name,), max(_age(oldest[key]) for key in parts)))
    return found


def _age(message: bytes | None) -> float:
    """Return how long ago a message was sent; 0 for none, and for one that does not say."""
    try:
        sent = datetime.datetime.fromisoformat(json.loads(message or b"{}")["headers"][tasks.SENT_AT])
        return max(0.0, (timezone.now() - sent).total_seconds())
    except (ValueError, KeyError, TypeError):
        return 0.0
