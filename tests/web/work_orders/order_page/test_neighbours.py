"""From one work order that needs attention to the next."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.test import Client

from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.web.work_orders import work_order_list
from kingsync.web.work_orders.order_page import neighbours
from tests import factories
from tests.web.pages import html

LEDGER = "/t/jansen/work-orders/"


def labels(row: WorkOrder, asked: str = "") -> tuple[str, str]:
    with tenants.scope(row.tenant_id):
        wanted = work_order_list.wanted(QueryDict(asked), user_id=0)[0] if asked else None
        found = neighbours.of(row, wanted)
    return found.previous.label if found.previous else "", found.next.label if found.next else ""


def test_neighbours_are_the_nearest_that_need_attention_in_the_order_of_the_list(tenant: Tenant) -> None:
    rows = [
        factories.work_order(tenant, order_number=f"{state} {number}", state=state)
        for number, state in enumerate(["held", "rejected", "done", "changed", "waiting", "uncertain"])
    ]
    factories.work_order(factories.tenant(), state="held")

    assert [labels(row) for row in rows] == [
        ("rejected 1", ""),
        ("changed 3", "held 0"),
        ("changed 3", "rejected 1"),
        ("uncertain 5", "rejected 1"),
        ("uncertain 5", "changed 3"),
        ("", "changed 3"),
    ]


def test_neighbours_are_links_and_nothing_where_there_are_none(viewer: Client, tenant: Tenant) -> None:
    only = factories.work_order(tenant, state="held")
    alone = html(viewer.get(f"{LEDGER}{only.pk}/"))
    newer = factories.work_order(tenant, state="rejected")

    page = html(viewer.get(f"{LEDGER}{only.pk}/"))

    assert 'class="neighbours"' not in alone
    assert f'rel="prev" href="{LEDGER}{newer.pk}/"' in page
    assert 'rel="next"' not in page


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("column", ["number", "customer", "date", "king", "amount"])
def test_neighbours_are_those_of_the_list_in_its_order(
    tenant: Tenant, viewer: Client, column: str, direction: str
) -> None:
    """Some rows have no date, King order or amount, and some have the same: the order is that of the list's page."""
    for number in range(7):
        some = {
            "work_date": f"2026-11-{1 + number % 3:02}",
            "amount": number % 3,
            "king_order_number": f"K{number % 3}",
        }
        factories.work_order(
            tenant, order_number=f"W{9 - number}", customer_name=f"C{number % 2}", **(some if number % 2 else {})
        )
    asked = f"sort={direction}{column}&q=W"
    listed = [row.order_number for row in viewer.get(f"{LEDGER}?{asked}").context["page"].rows]

    found = [labels(WorkOrder.across_tenants.get(order_number=number), asked) for number in listed]

    assert found == list(zip(["", *listed], [*listed[1:], ""], strict=False))[: len(listed)]


@pytest.mark.parametrize("asked", ["state=held", "state=held&q=de"])
def test_neighbours_of_a_list_leave_out_what_it_leaves_out(tenant: Tenant, asked: str) -> None:
    rows = [
        factories.work_order(tenant, order_number=f"{state} {number}", customer_name="De Boer", state=state)
        for number, state in enumerate(["held", "rejected", "held", "done", "held"])
    ]

    assert labels(rows[2], asked) == ("held 4", "held 0")
    assert labels(rows[1], asked) == ("held 2", "held 0")  # decided meanwhile: no longer one of the list


def test_filter_survives_the_way_to_the_next_one_an_action_and_the_way_back(editor: Client, tenant: Tenant) -> None:
    older, row = (factories.work_order(tenant, state=LedgerState.HELD, customer_name="Visser") for _ in range(2))
    factories.work_order(tenant, state=LedgerState.HELD, customer_name="Boer")
    query = "?state=held&amp;q=visser"
    asked = "?state=held&q=visser"
    listed = html(editor.get(f"{LEDGER}{asked}&before=&unknown=1"))

    page = html(editor.get(f"{LEDGER}{row.pk}/{asked}"))
    after_care = editor.post(f"{LEDGER}{row.pk}/care/{asked}", {"take": "1"})
    after_retry = editor.post(f"{LEDGER}{row.pk}/decide/{asked}", {"kind": "retry"})

    assert f'href="{LEDGER}{row.pk}/{query}"' in listed
    assert f'rel="next" href="{LEDGER}{older.pk}/{query}"' in page
    assert 'rel="prev"' not in page
    assert f'<p class="crumbs"><a href="{LEDGER}{query}">' in page
    assert f'action="{LEDGER}{row.pk}/care/{query}"' in page
    assert f'action="{LEDGER}{row.pk}/decide/{query}"' in page
    assert after_care["Location"] == after_retry["Location"] == f"{LEDGER}{row.pk}/{asked}"
