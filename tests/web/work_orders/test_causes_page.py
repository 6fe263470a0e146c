"""The page of causes: what each is about by name, what it amounts to, what solves it, and what follows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kingsync.models.links import KingRecord
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from tests import factories
from tests.scenario import material
from tests.web.pages import html, text

CAUSES = "/t/jansen/work-orders/causes/"


def stopped(tenant: Tenant, code: str, params: dict[str, str], **fields: Any) -> WorkOrder:
    return factories.work_order(tenant, state="rejected", reasons=[{"code": code, "params": params}], **fields)


def page_of(client: Client, language: str = "en") -> str:
    client.cookies["django_language"] = language
    return text(client.get(CAUSES))


def test_a_cause_names_its_customer_and_those_of_its_work_orders(viewer: Client, tenant: Tenant) -> None:
    KingRecord(tenant=tenant, kind="debtor", number="10023", name="Beheer Midden B.V.").save()
    stopped(tenant, "blocked_debtor", {"debtor": "10023"}, order_number="WB1", customer_name="VvE De Linden")

    assert "Customer 10023 (Beheer Midden B.V.) is blocked for orders in King." in page_of(viewer)
    assert "Klant 10023 (Beheer Midden B.V.) is in King geblokkeerd" in page_of(viewer, "nl")
    assert "WB1 VvE De Linden" in page_of(viewer)


def test_an_article_that_king_does_not_know_is_named_as_on_the_work_order(viewer: Client, tenant: Tenant) -> None:
    source = json.dumps({"id": "1", "Materials": [material("NIEUW", MaterialName="Pomp 25-60")]})
    params = {"line": "NIEUW", "code": "unknown_article", "article": "NIEUW"}
    stopped(tenant, "line_refused", params, source=source)

    page = page_of(viewer)

    assert "King does not know article NIEUW (Pomp 25-60). " in page
    assert "Create article NIEUW (Pomp 25-60) in King, or correct the article number in OutSmart." in page


def test_a_work_order_that_cannot_be_read_names_nothing(viewer: Client, tenant: Tenant) -> None:
    stopped(tenant, "unknown_debtor", {"debtor": "10"}, source="<html>")

    assert "King does not know customer 10. " in page_of(viewer)


def test_amounts_of_a_cause_are_added_and_unknown_ones_are_said(viewer: Client, tenant: Tenant) -> None:
    for value in ("100.25", "1000"):
        stopped(tenant, "no_debtor", {}, amount=Decimal(value))
    whole = page_of(viewer)
    stopped(tenant, "no_debtor", {}, amount=None)
    partly = page_of(viewer)

    assert "€ 1,100.25 excl. VAT" in whole
    assert "at least €" in partly
    assert "at least" not in whole


def test_a_cause_without_any_known_price_shows_no_amount(viewer: Client, tenant: Tenant) -> None:
    stopped(tenant, "no_debtor", {})

    assert "excl. VAT" not in page_of(viewer)


def test_a_cause_leads_to_the_setting_that_solves_it(viewer: Client, tenant: Tenant) -> None:
    stopped(tenant, "line_refused", {"line": "1", "code": "no_article_code"})
    stopped(tenant, "no_debtor", {})

    page = html(viewer.get(CAUSES))

    assert '<a href="/t/jansen/settings/#id_free_line_article">Article for lines without a code</a>' in page
    assert page.count("settings/#id_") == 1


def test_a_cause_says_what_follows_its_repair(viewer: Client, tenant: Tenant) -> None:
    stopped(tenant, "no_debtor", {})
    off = page_of(viewer)
    SyncSettings.across_tenants.filter(tenant=tenant).update(schedule_enabled=True)

    assert "Start it yourself: automatic exports are off." in off
    assert "The next export then picks it up automatically" in page_of(viewer)
    assert "De volgende export neemt het daarna automatisch mee" in page_of(viewer, "nl")


def test_what_is_to_be_excluded_is_not_said_to_go_along(viewer: Client, tenant: Tenant) -> None:
    stopped(tenant, "deleted_in_outsmart", {})
    stopped(tenant, "changed_after_export", {"detail": "x"})

    assert "The next export then picks it up" not in page_of(viewer)


def queries(client: Client) -> int:
    with CaptureQueriesContext(connection) as asked:
        client.get(CAUSES)
    return len(asked)


def test_many_causes_take_as_many_queries_as_one(viewer: Client, tenant: Tenant) -> None:
    stopped(tenant, "unknown_debtor", {"debtor": "1"}, source='{"id": "1"}')
    one = queries(viewer)
    for number in range(2, 12):
        stopped(tenant, "unknown_debtor", {"debtor": str(number)}, source='{"id": "1"}')

    assert queries(viewer) == one
