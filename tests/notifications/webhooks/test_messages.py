"""What is sent of each event, to programs, to Slack and to Teams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kingsync import webhooks
from kingsync.models.api.webhooks import Event, Form, Webhook, WebhookDelivery
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.notifications.webhooks import messages
from kingsync.runs import lifecycle
from tests import factories

REASON = {"code": "exports_off", "params": {}}


def content(form: str = Form.PLAIN) -> Any:
    delivery = WebhookDelivery.objects.order_by("-pk")[0]
    webhook = Webhook.objects.get()
    webhook.form = form
    return json.loads(messages.body_of(delivery, webhook, Tenant.objects.get(pk=delivery.tenant_id)))


def row(tenant: Tenant, **fields: Any) -> WorkOrder:
    return factories.work_order(tenant, state=LedgerState.HELD, reasons=[REASON], **fields)


def card_lines(card: Any) -> list[str]:
    [attachment] = card["attachments"]
    return [block["inlines"][0]["text"] for block in attachment["content"]["body"]]


def test_work_orders_of_a_moment_are_told_of_together(tenant: Tenant, webhook: Webhook) -> None:
    for number in range(3):
        webhooks.emit_work_order(row(tenant, outsmart_id=f"70{number}", order_number=f"B{number}"))

    assert WebhookDelivery.objects.count() == 1
    entries = content()["data"]["work_orders"]
    assert [each["outsmart_id"] for each in entries] == ["700", "701", "702"]
    assert entries[0].keys() == {"outsmart_id", "order_number", "king_order_number", "state", "reason", "page"}
    assert "Orders" in entries[0]["reason"]
    assert entries[0]["page"].endswith(f"/t/jansen/work-orders/{WorkOrder.objects.earliest('pk').pk}/")


def test_so_many_are_told_of_at_once_and_what_was_tried_gets_no_more(tenant: Tenant, webhook: Webhook) -> None:
    for number in range(webhooks.TOGETHER + 1):
        webhooks.emit_work_order(row(tenant, outsmart_id=str(number)))
    assert WebhookDelivery.objects.count() == 2

    WebhookDelivery.objects.update(attempts=1)
    webhooks.emit_work_order(row(tenant))
    assert WebhookDelivery.objects.count() == 3


def test_chats_get_sentences(tenant: Tenant, webhook: Webhook) -> None:
    for number in range(12):
        webhooks.emit_work_order(row(tenant, order_number=f"B{number}"))

    text, lines = content(Form.SLACK)["text"], card_lines(content(Form.TEAMS))

    assert text.splitlines() == lines
    assert lines[0] == "Jansen Installatie B.V.: 12 work orders need attention."
    assert lines[1].startswith("B0: held. ")
    assert lines[-1] == "and 2 more"
    assert len(lines) == 1 + messages.LISTED + 1


def test_chats_get_the_language_of_the_company(tenant: Tenant, webhook: Webhook) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(language="nl")
    webhooks.emit_work_order(row(tenant))

    assert "1 werkbon vraagt aandacht." in content(Form.SLACK)["text"]


def test_what_a_work_order_contains_is_no_markup_of_slack(tenant: Tenant, webhook: Webhook) -> None:
    webhooks.emit_work_order(row(tenant, order_number="<!channel> & <https://evil.example|click>"))

    text = content(Form.SLACK)["text"]

    assert "<" not in text
    assert "&lt;!channel&gt; &amp; " in text


@pytest.mark.parametrize("form", Form.values)
@pytest.mark.parametrize("event", Event.values)
def test_each_event_has_a_message_in_each_form(tenant: Tenant, webhook: Webhook, event: str, form: str) -> None:
    run = factories.run(tenant, RunKind.EXPORT, RunStatus.RUNNING, rejected_count=2)
    lifecycle._save_ended(run)
    webhooks.emit_work_order(row(tenant))
    webhooks.emit(Event.MONTH_SIGNED, {"month": "2026-10"})
    webhooks.add(webhook, Event.TEST, {})
    WebhookDelivery.objects.exclude(event=event).delete()

    assert content(form)


def test_the_end_of_a_run_is_told_once_with_its_counts(tenant: Tenant, webhook: Webhook) -> None:
    run = factories.run(tenant, RunKind.EXPORT, RunStatus.QUEUED, error={})
    lifecycle.request_cancel(run)
    lifecycle.request_cancel(run)

    data = content()["data"]

    assert WebhookDelivery.objects.count() == 1
    assert (data["run"], data["kind"], data["state"]) == (run.pk, "export", "cancelled")
    assert data["counts"]["read"] == 0
    assert data["error"]
    assert data["page"].endswith(f"/t/jansen/runs/{run.pk}/")


def test_previews_are_not_told(tenant: Tenant, webhook: Webhook) -> None:
    run = factories.run(tenant, RunKind.EXPORT, RunStatus.QUEUED, options={"dry_run": True})

    lifecycle.request_cancel(run)

    assert SyncRun.objects.get().status == RunStatus.CANCELLED
    assert WebhookDelivery.objects.count() == 0
