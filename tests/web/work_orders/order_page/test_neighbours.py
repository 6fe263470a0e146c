"""From one work order that needs attention to the next."""

from __future__ import annotations

from django.test import Client

from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.web.work_orders.order_page import neighbours
from tests import factories
from tests.web.pages import html

LEDGER = "/t/jansen/work-orders/"


def labels(row: WorkOrder) -> tuple[str, str]:
    with tenants.scope(row.tenant_id):
        found = neighbours.of(row)
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
