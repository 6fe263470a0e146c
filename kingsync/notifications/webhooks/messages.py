"""What is sent of an event: plain JSON for programs, or a sentence for Slack or Teams, in the tenant's language."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.utils import translation
from django.utils.translation import gettext, ngettext

from kingsync.messages.reason_texts import sentence, sentences
from kingsync.models.api.webhooks import Event, Form, Webhook, WebhookDelivery
from kingsync.models.runs import COUNTS, RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.notifications import mailer
from kingsync.runs.run_answers import moment
from kingsync.webhooks import WORK_ORDERS

# Lines of a message in a chat; the page has all.
LISTED = 10


def body_of(delivery: WebhookDelivery, webhook: Webhook, tenant: Tenant) -> bytes:
    """Return the content of a delivery, as its webhook wants it."""
    with translation.override(tenant.language):
        data = _readable(delivery, tenant)
        if webhook.form == Form.PLAIN:
            return _encoded(_envelope(delivery, tenant, data))
        text = "\n".join([_headline(delivery, tenant, data), *_lines(delivery, data)])
        return _encoded(_teams(text) if webhook.form == Form.TEAMS else {"text": _escaped_for_slack(text)})


def _encoded(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


# --- Plain JSON -------------------------------------------------------------------------------------------------------


def _envelope(delivery: WebhookDelivery, tenant: Tenant, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(delivery.number),
        "event": delivery.event,
        "created_at": moment(delivery.created_at),
        "company": tenant.slug,
        "data": data,
    }


def _readable(delivery: WebhookDelivery, tenant: Tenant) -> dict[str, Any]:
    """Return the content with sentences for reasons, and the addresses of pages."""
    data = dict(delivery.data)
    if delivery.event == Event.RUN_ENDED:
        return data | {"error": sentence(data["error"]) or None, "page": mailer.link("run", tenant.slug, data["run"])}
    if delivery.event == Event.ATTENTION:
        return {WORK_ORDERS: [_work_order(entry, tenant) for entry in data[WORK_ORDERS]]}
    return data


def _work_order(entry: Mapping[str, Any], tenant: Tenant) -> dict[str, Any]:
    rest = {name: value for name, value in entry.items() if name not in {"reasons", "key"}}
    page = mailer.link("work_order", tenant.slug, entry["key"])
    return rest | {"reason": sentences(entry["reasons"]), "page": page}


# --- Chats ------------------------------------------------------------------------------------------------------------


def _headline(delivery: WebhookDelivery, tenant: Tenant, data: dict[str, Any]) -> str:
    return f"{tenant.name}: {_HEADLINES[Event(delivery.event)](data)}"


def _of_attention(data: dict[str, Any]) -> str:
    count = len(data[WORK_ORDERS])
    text = ngettext("%(count)s work order needs attention.", "%(count)s work orders need attention.", count)
    return text % {"count": count}


def _of_run(data: dict[str, Any]) -> str:
    kind, state = RunKind(data["kind"]).label, RunStatus(data["state"]).label
    return gettext("%(kind)s %(number)s: %(state)s.") % {
        "kind": str(kind).capitalize(),
        "number": data["number"],
        "state": state,
    }


def _of_month(data: dict[str, Any]) -> str:
    return gettext("month %(month)s was signed.") % {"month": data.get("month", "")}


def _of_test(_data: dict[str, Any]) -> str:
    return gettext("this is a test message of kingsync.")


_HEADLINES: dict[Event, Callable[[dict[str, Any]], str]] = {
    Event.ATTENTION: _of_attention,
    Event.RUN_ENDED: _of_run,
    Event.MONTH_SIGNED: _of_month,
    Event.TEST: _of_test,
}


def _lines(delivery: WebhookDelivery, data: dict[str, Any]) -> list[str]:
    if delivery.event == Event.ATTENTION:
        return _work_order_lines(data[WORK_ORDERS])
    if delivery.event == Event.RUN_ENDED:
        counts = ", ".join(f"{_count_label(name)} {data['counts'][name]}" for name in COUNTS if data["counts"][name])
        return [line for line in (counts, data["error"], data["page"]) if line]
    return []


def _count_label(name: str) -> str:
    return str(SyncRun._meta.get_field(f"{name}_count").verbose_name)  # type: ignore[union-attr]


def _work_order_lines(entries: list[dict[str, Any]]) -> list[str]:
    lines = []
    for entry in entries[:LISTED]:
        state = LedgerState(entry["state"]).label
        name = entry["order_number"] or entry["outsmart_id"]
        lines.append(f"{name}: {state}. {entry['reason']} {entry['page']}")
    more = len(entries) - LISTED
    if more > 0:
        lines.append(ngettext("and %(count)s more", "and %(count)s more", more) % {"count": more})
    return lines


def _escaped_for_slack(text: str) -> str:
    """Return the text with the three signs of Slack's own language as themselves: reasons are data."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(text: str) -> dict[str, Any]:
    """Return an adaptive card, which both kinds of Teams webhooks take; plain text runs, so that nothing is markup."""
    blocks = [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line}]} for line in text.splitlines() if line
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }
