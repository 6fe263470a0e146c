"""Each message and each field of the settings leads to its explanation."""

from __future__ import annotations

from typing import Any

from django.template import Context, Template
from django.test import Client

from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.rules.outcomes import reason
from tests import factories

WHY = stored(reason("unknown_article", article="<KNIE>"))


def rendered(template: str, **values: Any) -> str:
    return Template(template).render(Context(values))


def test_message_ends_with_a_link_to_its_explanation() -> None:
    shown = rendered("{{ why|sentence }}", why=WHY)

    assert "&lt;KNIE&gt;" in shown
    assert 'href="/help/messages/#unknown_article"' in shown


def test_each_of_several_messages_has_its_own_link() -> None:
    shown = rendered("{{ reasons|sentences }}", reasons=[WHY, stored(reason("no_debtor")), {}])

    assert shown.count("href=") == 2


def test_message_that_is_cut_or_mailed_is_text() -> None:
    cut = rendered("{{ why|sentence|truncatechars:12 }}", why=WHY)
    mailed = rendered("{% autoescape off %}{{ why|sentence }}{% endautoescape %}", why=WHY)

    assert "<a" not in cut + mailed
    assert "<KNIE>" in mailed


def test_no_message_is_nothing() -> None:
    assert rendered("{{ why|sentence|default:'-' }}{{ none|sentences }}", why={}, none=[]) == "-"


def test_work_order_leads_to_the_explanation_of_its_reason(editor: Client, tenant: Tenant) -> None:
    with tenants.scope(tenant):
        row = factories.work_order(tenant, state=LedgerState.REJECTED, reasons=[stored(reason("no_debtor"))])

    page = editor.get(f"/t/{tenant.slug}/work-orders/{row.pk}/").content.decode()

    assert 'href="/help/messages/#no_debtor"' in page


def test_each_setting_leads_to_its_explanation(editor: Client, tenant: Tenant) -> None:
    page = editor.get(f"/t/{tenant.slug}/settings/").content.decode()

    for key in ("company-name", "outsmart-token", "king-base_url", "brake_percent", "hour_rounding"):
        assert f'href="/help/settings/#{key}"' in page


def test_field_that_is_no_setting_has_no_link(editor: Client) -> None:
    assert "/help/settings/#" not in editor.get("/account/").content.decode()
