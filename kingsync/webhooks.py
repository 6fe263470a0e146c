"""The outbox of webhooks: `emit` stores an event for each that hears of it, in the transaction of the event itself.

The clock sends what is stored: `kingsync.notifications.webhooks`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from kingsync.models.api.webhooks import Event, Webhook, WebhookDelivery
from kingsync.models.work_orders import WorkOrder

# A delivery that nobody accepts is tried for so long.
TRIED_FOR = datetime.timedelta(days=1)
# A run may stop hundreds of work orders: they are told of together, so many at once.
COLLECTED_FOR = datetime.timedelta(seconds=20)
TOGETHER = 50
WORK_ORDERS = "work_orders"


def emit(event: Event, payload: Mapping[str, Any]) -> None:
    """Store an event of the current tenant for each webhook that its owners chose for it; `payload` is JSON."""
    for webhook in _hearing(event):
        add(webhook, event, payload)


def emit_work_order(row: WorkOrder) -> None:
    """Store that a work order needs attention, together with others of the last moments."""
    entry = {
        "outsmart_id": row.outsmart_id,
        "order_number": row.order_number,
        "king_order_number": row.king_order_number,
        "state": str(row.state),
        "reasons": row.reasons,
        "key": row.pk,
    }
    for webhook in _hearing(Event.ATTENTION):
        with transaction.atomic():
            if not _is_added_to_last(webhook, entry):
                add(webhook, Event.ATTENTION, {WORK_ORDERS: [entry]}, after=COLLECTED_FOR)


def add(
    webhook: Webhook, event: Event, payload: Mapping[str, Any], *, after: datetime.timedelta = datetime.timedelta()
) -> WebhookDelivery:
    """Store one delivery, to be sent after a while."""
    due = timezone.now() + after
    row = WebhookDelivery(webhook=webhook, event=event, data=dict(payload), next_try_at=due, give_up_at=due + TRIED_FOR)
    row.save()
    return row


def _hearing(event: Event) -> list[Webhook]:
    return list(Webhook.objects.filter(events__contains=[event.value], paused_at=None).defer("target"))


def _is_added_to_last(webhook: Webhook, entry: Mapping[str, Any]) -> bool:
    """Add a work order to a delivery that is not due yet; False if there is none, or it is full."""
    waiting = WebhookDelivery.objects.filter(
        webhook=webhook,
        event=Event.ATTENTION,
        state=WebhookDelivery.State.WAITING,
        attempts=0,
        next_try_at__gt=timezone.now(),
    )
    last = waiting.select_for_update().order_by("-id").first()
    if last is None or len(last.data[WORK_ORDERS]) >= TOGETHER:
        return False
    last.data[WORK_ORDERS].append(dict(entry))
    last.save(update_fields=["data"])
    return True
