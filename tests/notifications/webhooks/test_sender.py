"""Deliveries: signed, retried, given up; and what a receiver cannot do to us."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import socket
from typing import Any

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from kingsync import tasks, webhooks
from kingsync.models.api.webhooks import Event, Webhook, WebhookDelivery
from kingsync.models.tenants import Tenant
from kingsync.notifications.webhooks import sender
from kingsync.runs.thread_pool import PoolFullError
from tests import factories
from tests.notifications.webhooks.receiver import Receiver

DAY = datetime.timedelta(days=1)
PAYLOAD = {"month": "2026-10", "signed_by": "Anneke"}


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def send(webhook: Webhook) -> WebhookDelivery:
    sender.send_of(webhook.pk)
    return WebhookDelivery.objects.order_by("pk")[0]


def test_an_event_is_delivered_signed(tenant: Tenant, webhook: Webhook, receiver: Receiver) -> None:
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)

    delivery = send(webhook)

    [received] = receiver.received
    content = json.loads(received.body)
    assert (delivery.state, delivery.status, delivery.attempts) == ("delivered", 204, 1)
    assert content["id"] == received.headers["Kingsync-Delivery"] == str(delivery.number)
    assert content["event"] == received.headers["Kingsync-Event"] == "month.signed"
    assert (content["company"], content["data"]) == ("jansen", PAYLOAD)
    at, signed = (part.partition("=")[2] for part in received.headers["Kingsync-Signature"].split(","))
    expected = hmac.new(b"whsec_test", at.encode() + b"." + received.body, hashlib.sha256)
    assert signed == expected.hexdigest()
    assert abs(int(at) - timezone.now().timestamp()) < 3600


def test_only_webhooks_that_chose_an_event_hear_of_it(tenant: Tenant, webhook: Webhook) -> None:
    other = factories.webhook(tenant, events=[Event.RUN_ENDED])
    factories.webhook(factories.tenant(), events=[Event.MONTH_SIGNED])

    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)

    assert only().webhook_id == webhook.pk != other.pk
    assert WebhookDelivery.across_tenants.count() == 1


def test_a_refused_delivery_is_tried_again_later_with_the_same_number(
    tenant: Tenant, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.statuses = [500, 503, 200]
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)
    first = send(webhook)
    assert (first.state, first.status, first.problem["code"]) == ("waiting", 500, "webhook.refused")
    assert sender.due(now=timezone.now()) == []

    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=2), tick=False):
        second = send(webhook)
        assert sender.due(now=timezone.now()) == []
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=10), tick=False):
        third = send(webhook)

    assert second.next_try_at - second.tried_at == datetime.timedelta(minutes=2)  # type: ignore[operator]
    assert (third.state, third.status, third.attempts, third.problem) == ("delivered", 200, 3, {})
    assert len({each.headers["Kingsync-Delivery"] for each in receiver.received}) == 1


def test_waits_grow_to_a_limit() -> None:
    waits = [sender.wait_after(attempts) for attempts in range(1, 12)]

    assert waits[:3] == [datetime.timedelta(minutes=minutes) for minutes in (1, 2, 4)]
    assert waits[-1] == sender.LONGEST_WAIT == max(waits)
    assert sender.wait_after(10_000) == sender.LONGEST_WAIT


def test_after_a_day_it_is_given_up_and_told_until_one_arrives(
    tenant: Tenant, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.statuses = [500]
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)
    tries = 0
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        while send(webhook).state == "waiting":
            tries += 1
            clock.move_to(only().next_try_at)
        ended = timezone.now()

    webhook.refresh_from_db()
    assert only().state == "failed"
    assert webhook.gave_up_at == ended
    assert abs(ended - start - DAY) < sender.FIRST_WAIT
    assert 10 < tries < 30

    receiver.statuses = [200]
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)
    sender.send_of(webhook.pk)
    webhook.refresh_from_db()
    assert webhook.gave_up_at is None


def test_a_failure_makes_the_others_wait_for_the_next_round(
    tenant: Tenant, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.statuses = [500, 200]
    for _ in range(3):
        webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)

    sender.send_of(webhook.pk)
    assert len(receiver.received) == 1
    sender.send_of(webhook.pk)

    states = list(WebhookDelivery.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["waiting", "delivered", "delivered"]


def test_a_redirect_is_not_followed(tenant: Tenant, webhook: Webhook, receiver: Receiver) -> None:
    receiver.statuses = [302]
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)

    delivery = send(webhook)

    assert delivery.problem["code"] == "webhook.redirect"
    assert [each.path for each in receiver.received] == ["/in"]


def test_a_private_address_is_not_called(tenant: Tenant, webhook: Webhook, receiver: Receiver) -> None:
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)

    with override_settings(PRIVATE_HOSTS=[]):
        delivery = send(webhook)

    assert delivery.problem["code"] == "webhook.forbidden_address"
    assert receiver.received == []


def test_a_name_that_leads_to_a_private_address_is_not_called(
    tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked, **_how: inside)
    webhook = factories.webhook(tenant, "https://rebound.example/in")
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)

    assert send(webhook).problem["code"] == "webhook.forbidden_address"


def test_a_receiver_that_does_not_answer_costs_its_own_time_only(
    tenant: Tenant, webhook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = sender.SEND.__class__(name="delivery", method="POST", is_write=True, read_timeout=0.2, total_seconds=0.2)
    monkeypatch.setattr(sender, "SEND", quick)
    receiver.silent = True
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)

    delivery = send(webhook)

    assert (delivery.state, delivery.status, delivery.problem["code"]) == ("waiting", None, "webhook.no_answer")


def test_limits_of_a_delivery_are_short() -> None:
    assert sender.SEND.total_seconds <= 10
    assert sender.SEND.max_bytes <= 64 * 1024


def test_a_webhook_that_a_thread_has_is_left_to_it(tenant: Tenant, webhook: Webhook, receiver: Receiver) -> None:
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)
    now = timezone.now()
    Webhook.objects.update(taken_until=now + datetime.timedelta(seconds=5))

    assert sender.due(now=now) == []
    sender.send_of(webhook.pk)
    assert receiver.received == []

    after_a_crash = now + datetime.timedelta(seconds=6)
    assert sender.due(now=after_a_crash) == [(tenant.pk, webhook.pk)]


def test_a_removed_webhook_gets_nothing(tenant: Tenant, webhook: Webhook, receiver: Receiver) -> None:
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)
    key = webhook.pk
    webhook.delete()

    sender.send_of(key)

    assert (receiver.received, WebhookDelivery.objects.count()) == ([], 0)


@pytest.mark.parametrize("fields", [{"is_licensed": False}, {"closing_at": timezone.now()}])
def test_a_company_without_a_licence_sends_nothing(
    tenant: Tenant, webhook: Webhook, receiver: Receiver, fields: dict[str, Any]
) -> None:
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)
    Tenant.objects.filter(pk=tenant.pk).update(**fields)

    delivery = send(webhook)

    assert receiver.received == []
    assert (delivery.state, delivery.attempts) == ("waiting", 0)
    assert delivery.next_try_at > timezone.now()


def test_the_query_of_an_address_is_sent_along(tenant: Tenant, receiver: Receiver) -> None:
    webhook = factories.webhook(tenant, f"{receiver.address}?api-version=2016-06-01&sig=a%2Fb%3D", form="teams")
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)

    send(webhook)

    assert receiver.received[0].path == "/in?api-version=2016-06-01&sig=a%2Fb%3D"


def test_a_secret_that_no_key_opens_is_told(tenant: Tenant, webhook: Webhook) -> None:
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)

    with override_settings(ENCRYPTION_KEYS=["another key, long enough to be taken for a real one"]):
        delivery = send(webhook)

    assert delivery.problem["code"] == "webhook.unreadable"


def test_the_clock_submits_what_is_due_and_waits_for_nothing(
    tenant: Tenant, webhook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Any] = []
    monkeypatch.setattr(sender._pool, "submit", jobs.append)
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)

    tasks.send_webhooks()
    assert (len(jobs), receiver.received) == (1, [])

    jobs[0]()
    assert only().state == "delivered"


def test_a_full_pool_leaves_the_rest_to_the_next_round(
    tenant: Tenant, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_job: object) -> None:
        raise PoolFullError

    monkeypatch.setattr(sender._pool, "submit", full)
    webhooks.emit(Event.MONTH_SIGNED, PAYLOAD)

    tasks.send_webhooks()

    assert only().state == "waiting"
