"""The ledger as people see it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, OrderLine
from kingsync.web import paging
from tests import factories
from tests.web.pages import text

LEDGER = "/t/jansen/work-orders/"


def numbers(client: Client, **query: str) -> list[str]:
    return [row.order_number for row in client.get(LEDGER, query).context["page"].rows]


def test_list_of_one_state(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, order_number="A", state=LedgerState.DONE)
    factories.work_order(tenant, order_number="B", state=LedgerState.REJECTED)
    factories.work_order(tenant, order_number="C", state=LedgerState.HELD)

    assert numbers(editor, state="held") == ["C"]
    assert numbers(editor, state="person") == ["C", "B"]
    assert numbers(editor, state="nonsense") == ["C", "B", "A"]


@pytest.mark.parametrize("search", ["WB7", "wb7", "mulder", "4711", "26099", " WB7 "])
def test_search_finds_by_number_and_customer(editor: Client, tenant: Tenant, search: str) -> None:
    factories.work_order(
        tenant, order_number="WB777", customer_name="Mulder", outsmart_id="4711", king_order_number="26099"
    )
    factories.work_order(tenant, order_number="WB888", customer_name="Visser")

    assert numbers(editor, q=search) == ["WB777"]


def test_search_for_what_no_database_takes_finds_everything(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, order_number="WB1")

    assert numbers(editor, q="\0") == ["WB1"]


def test_pages_keep_state_and_search(editor: Client, tenant: Tenant) -> None:
    for _ in range(paging.PAGE_SIZE + 1):
        factories.work_order(tenant, state=LedgerState.DONE, customer_name="Smit")

    page = editor.get(LEDGER, {"state": "done", "q": "smit"})

    older = page.context["page"].older
    assert f'href="?state=done&amp;q=smit&amp;before={older}"' in page.content.decode()


def test_work_order_shows_its_reasons_and_lines(editor: Client, tenant: Tenant) -> None:
    order = factories.work_order(
        tenant,
        state=LedgerState.INCOMPLETE,
        king_order_number="26011",
        reasons=[{"code": "line_refused", "params": {"code": "no_hour_type", "line": "08:00"}}],
    )
    factories.order_line(
        order,
        kind=OrderLine.Kind.HOURS,
        state=OrderLine.State.SENT,
        quantity=Decimal("2.500"),
        registered_minutes=137,
        rounded_minutes=150,
    )
    factories.order_line(
        order, state=OrderLine.State.REFUSED, reasons=[{"code": "unknown_article", "params": {"article": "X1"}}]
    )

    page = text(editor.get(f"{LEDGER}{order.pk}/"))

    assert "26011" in page
    assert "Line “08:00”: The work period has no hour type." in page
    assert "2.5 2:30 registered 2:17" in page
    assert "King does not know article X1." in page


def test_work_order_shows_what_happened_to_it_over_all_runs(editor: Client, tenant: Tenant) -> None:
    order = factories.work_order(tenant)
    for event in ("order.rejected", "order.created"):
        factories.log_entry(factories.run(tenant), event=event, outsmart_id=order.outsmart_id)
    factories.log_entry(factories.run(tenant), event="order.other", outsmart_id="another")

    page = text(editor.get(f"{LEDGER}{order.pk}/"))

    assert page.index("order.created") < page.index("order.rejected")
    assert "order.other" not in page


def test_names_from_outside_are_shown_as_text(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, customer_name="<script>alert(1)</script>")

    assert "<script>alert" not in editor.get(LEDGER).content.decode()
