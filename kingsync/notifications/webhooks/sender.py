"""Send what waits in the outbox: in order, one webhook at a time, with longer and longer waits after a failure.

A slow or dead receiver costs only its own webhook time: each has a thread of a small pool, and after its first failure
the rest waits for the next round.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from integrations import errors
from integrations.calls import Answer, Operation
from integrations.proxies import Proxy
from integrations.transport import Transport
from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.api.webhooks import Event, Webhook, WebhookDelivery
from kingsync.models.encryption import DecryptionError
from kingsync.models.tenants import Tenant
from kingsync.notifications.webhooks import addresses, messages, signature
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs import wanted
from kingsync.runs.thread_pool import Pool, PoolFullError

# A receiver must take a delivery and answer within this time; what it does with it comes later.
SECONDS = 10.0
# The first wait after a failure, and the longest; each is twice the one before.
FIRST_WAIT, LONGEST_WAIT = datetime.timedelta(minutes=1), datetime.timedelta(hours=2)
# How long one thread stays with one webhook, and when another may take over from a process that died.
TURN_SECONDS = 30.0
TAKEN_FOR = datetime.timedelta(seconds=TURN_SECONDS + 3 * SECONDS)
WEBHOOKS_AT_ONCE = 200

SEND = Operation(
    name="delivery",
    method="POST",
    is_write=True,
    connect_timeout=5.0,
    read_timeout=SECONDS,
    total_seconds=SECONDS,
    max_bytes=64 * 1024,
)
_REASONS = {
    "unreachable": "unreachable",
    "proxy": "unreachable",
    "certificate": "certificate",
    "forbidden_address": "forbidden_address",
    "redirect": "redirect",
}
# To a paused webhook goes what its owner asks for only.
_MAY_GO = Q(state=WebhookDelivery.State.WAITING) & (Q(webhook__paused_at=None) | Q(event=Event.TEST))
_pool = Pool(threads=8, waiting=WEBHOOKS_AT_ONCE)


def submit_due(*, now: datetime.datetime) -> None:
    """Let the threads of this process send what is due, of all tenants."""
    for tenant_id, webhook_id in due(now=now):
        try:
            _pool.submit(_job(tenant_id, webhook_id))
        except PoolFullError:
            return  # the next round goes on


def due(*, now: datetime.datetime) -> list[tuple[int, int]]:
    """Return the webhooks, with their tenants, for which something is due and that no thread has."""
    free = Q(webhook__taken_until=None) | Q(webhook__taken_until__lt=now)
    waiting = WebhookDelivery.across_tenants.filter(free, _MAY_GO, next_try_at__lte=now)
    pairs = waiting.order_by("tenant_id", "webhook_id").values_list("tenant_id", "webhook_id").distinct()
    return list(pairs[:WEBHOOKS_AT_ONCE])


def _job(tenant_id: int, webhook_id: int) -> Callable[[], None]:
    def job() -> None:
        with tenants.scope(tenant_id):
            send_of(webhook_id)

    return job


def send_of(webhook_id: int) -> None:
    """Send what is due of a webhook of the current tenant, until one delivery fails or the turn is over."""
    ends_at = time.monotonic() + TURN_SECONDS
    if not _take(webhook_id):
        return
    try:
        for delivery in _waiting(webhook_id):
            if not _is_sent(delivery) or time.monotonic() >= ends_at:
                return
    finally:
        Webhook.objects.filter(pk=webhook_id).update(taken_until=None)


def _take(webhook_id: int) -> bool:
    now = timezone.now()
    free = Webhook.objects.filter(Q(taken_until=None) | Q(taken_until__lt=now), pk=webhook_id)
    return bool(free.update(taken_until=now + TAKEN_FOR))


def _waiting(webhook_id: int) -> Iterator[WebhookDelivery]:
    """Yield what is due, oldest first, each as it is when its turn comes."""
    while True:
        rows = WebhookDelivery.objects.filter(_MAY_GO, webhook=webhook_id)
        row = rows.filter(next_try_at__lte=timezone.now()).order_by("id").first()
        if row is None:
            return
        yield row


def _is_sent(delivery: WebhookDelivery) -> bool:
    """Try a delivery once and store what became of it; False when the next one should wait."""
    tenant = Tenant.objects.get(pk=delivery.tenant_id)
    if wanted.why_nothing_runs(tenant) is not None:
        _postpone(delivery)
        return False
    delivery.attempts, delivery.tried_at = delivery.attempts + 1, timezone.now()
    why: Reason | None = None
    try:
        delivery.status = _post(delivery, Webhook.objects.get(pk=delivery.webhook_id), tenant)
    except Webhook.DoesNotExist:
        return False  # an owner has just removed it
    except errors.IntegrationError as error:
        delivery.status, why = error.status, _why(error)
    except DecryptionError:
        delivery.status, why = None, reason("webhook.unreadable")
    _store(delivery, why)
    return why is None


def _postpone(delivery: WebhookDelivery) -> None:
    """Leave a delivery of a company without a licence until it has one again, or until it is given up."""
    if timezone.now() >= delivery.give_up_at:
        delivery.state = WebhookDelivery.State.FAILED
    delivery.next_try_at = timezone.now() + LONGEST_WAIT
    _save(delivery, "state", "next_try_at")


def _post(delivery: WebhookDelivery, webhook: Webhook, tenant: Tenant) -> int:
    """Send a delivery and return the status of the answer. Raises the errors of `integrations`, `DecryptionError`."""
    body = messages.body_of(delivery, webhook, tenant)
    base, query = addresses.split(webhook.target["address"])
    now = int(timezone.now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "Kingsync-Event": delivery.event,
        "Kingsync-Delivery": str(delivery.number),
        signature.HEADER: signature.of(body, secret=webhook.target["secret"], at=now),
    }
    with Transport(addresses.SYSTEM, policy=addresses.policy(), proxy=Proxy(settings.OUTGOING_PROXY)) as transport:
        return transport.send(SEND, base, query=query, headers=headers, body=body, read=_status)


def _status(answer: Answer) -> int:
    return answer.status


def _why(error: errors.IntegrationError) -> Reason:
    if error.reason in _REASONS:
        return reason(f"webhook.{_REASONS[error.reason]}")
    if error.status is not None:
        return reason("webhook.refused", status=str(error.status))
    return reason("webhook.no_answer")


def _store(delivery: WebhookDelivery, why: Reason | None) -> None:
    now = timezone.now()
    delivery.problem = dict(stored(why)) if why else {}
    if why is None:
        delivery.state = WebhookDelivery.State.DELIVERED
        Webhook.objects.filter(pk=delivery.webhook_id).update(gave_up_at=None)
    elif now >= delivery.give_up_at:
        delivery.state = WebhookDelivery.State.FAILED
        Webhook.objects.filter(pk=delivery.webhook_id, gave_up_at=None).update(gave_up_at=now)
    else:
        # The last try comes at the end of the time, not somewhere before it.
        delivery.next_try_at = min(now + wait_after(delivery.attempts), max(now + FIRST_WAIT, delivery.give_up_at))
    _save(delivery, "attempts", "tried_at", "status", "problem", "state", "next_try_at")


def _save(delivery: WebhookDelivery, *columns: str) -> None:
    """Save columns; an owner may have removed the webhook meanwhile, with all that waited for it."""
    values = {name: getattr(delivery, name) for name in columns}
    WebhookDelivery.objects.filter(pk=delivery.pk).update(**values)


def wait_after(attempts: int) -> datetime.timedelta:
    """Return how long a delivery waits after so many attempts."""
    doublings = min(attempts - 1, 20)
    return min(FIRST_WAIT * 2.0**doublings, LONGEST_WAIT)
