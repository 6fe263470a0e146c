"""How many messages wait in the broker, and since when the oldest does."""

from __future__ import annotations

import datetime
import json

from django.utils import timezone

from kingsync import tasks
from kingsync.runs import queues
from kingsync.watch import catalog
from kingsync.web.watch.snapshot import Found


def ask() -> Found | None:
    """Return length and age of each queue; None when the broker does not answer a single short try."""
    names = sorted(queues.QUEUES.values())
    keys = [key for name in names for key in queues.lists(name)]
    try:
        with queues.asked_once() as broker, broker.pipeline(transaction=False) as asked:
            for key in keys:
                asked.llen(key).lindex(key, -1)  # new messages are put in at the other end
            answers = asked.execute()
    except queues.is_away():
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
