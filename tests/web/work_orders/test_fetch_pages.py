"""A work order that no export ever read: found in OutSmart from the list, seen, and exported whatever its status."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from kingsync import worker
from kingsync.models import tenants
from kingsync.models.connections import Connection
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.conftest import connect
from tests.web.pages import Answer, html, text

LEDGER = "/t/jansen/work-orders/"
pytestmark = pytest.mark.usefixtures("calls_at_once")


@pytest.fixture
def tenant(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> Tenant:
    """Connect the tenant to both sandboxes, outside its scope as pages are."""
    with tenants.scope(tenant):
        Connection.objects.all().delete()
        connect(tenant, king, outsmart)
    scenario.stock(king)
    return tenant


def fetch(client: Client, number: str) -> Answer:
    return client.post(f"{LEDGER}fetch/", {"number": number}, follow=True)


def use(client: Client, page: Answer, **fields: str) -> Answer:
    [address] = set(re.findall(r'action="(/t/jansen/work-orders/fetch/\d+/)"', html(page)))
    answer = client.post(address, fields, follow=True)
    for run in SyncRun.across_tenants.filter(status="queued"):
        with tenants.scope(run.tenant_id):
            worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)
    return answer


def test_the_list_offers_to_fetch_a_number_that_it_does_not_have(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, order_number="WB1")

    assert "Fetch from OutSmart" in text(editor.get(LEDGER, {"q": "2025.99"}))
    assert "Fetch from OutSmart" not in text(editor.get(LEDGER, {"q": "de Boer"}))
    assert "Fetch from OutSmart" not in text(editor.get(LEDGER, {"q": "WB1"}))


def test_a_viewer_is_not_offered_it(viewer: Client, tenant: Tenant) -> None:
    assert "Fetch from OutSmart" not in text(viewer.get(LEDGER, {"q": "2025.99"}))


@pytest.mark.parametrize("by", ["id", "OrderNr", "WorkorderNo"])
def test_a_work_order_is_found_by_each_of_its_numbers(
    editor: Client, tenant: Tenant, outsmart: OutSmartSandbox, by: str
) -> None:
    number = scenario.work_order(outsmart, OrderNr="WB-9", WorkorderNo="26-A", WorkStatus="3")

    page = text(fetch(editor, {"id": number, "OrderNr": "WB-9", "WorkorderNo": "26-A"}[by]))

    assert "Work order WB-9" in page
    assert "Its work order status is 3; an export takes status 1." in page
    assert scenario.work_order_in_outsmart(outsmart, number)["status"] == "Compleet"


def test_a_number_that_outsmart_does_not_have(editor: Client, tenant: Tenant) -> None:
    assert "OutSmart has no work order with" in text(fetch(editor, "123456"))
    assert "Enter a number of at most 50 characters." in text(fetch(editor, "x" * 51))


def test_the_preview_writes_nothing_and_leads_to_the_export(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart, WorkStatus="3")

    use(editor, fetch(editor, number), outsmart_id=number)
    run = SyncRun.across_tenants.get()
    page = html(editor.get(f"/t/jansen/runs/{run.pk}/"))

    assert "A new King order would be created." in page
    assert (scenario.orders(king), WorkOrder.across_tenants.count()) == ([], 0)
    editor.post(f"/t/jansen/runs/{run.pk}/export/", {"outsmart_id": number})
    export = SyncRun.across_tenants.latest("pk")
    assert export.options == {"work_orders": [number], "whatever_status": True}


def test_it_is_exported_anyway(editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, WorkStatus="3")

    use(editor, fetch(editor, number), outsmart_id=number, export="1")

    assert len(scenario.orders(king)) == 1
    assert WorkOrder.across_tenants.get().state == LedgerState.DONE


def test_only_what_was_found_can_be_used(editor: Client, tenant: Tenant, outsmart: OutSmartSandbox) -> None:
    found, other = scenario.work_order(outsmart), scenario.work_order(outsmart)

    use(editor, fetch(editor, found), outsmart_id=other)

    assert SyncRun.across_tenants.count() == 0


def test_the_page_exports_a_work_order_that_left_the_trigger(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart, WorkStatus="3")
    with tenants.scope(tenant):
        scenario.export(work_orders=[number])
    row = WorkOrder.across_tenants.get()

    page = html(editor.get(f"{LEDGER}{row.pk}/"))
    editor.post(f"{LEDGER}{row.pk}/export/", {"whatever_status": "1"})

    assert "The work order has not had the status that starts the export yet." in page
    assert 'name="whatever_status"' in page
    assert SyncRun.across_tenants.latest("pk").options == {"whatever_status": True, "work_orders": [number]}
