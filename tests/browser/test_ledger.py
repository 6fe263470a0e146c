"""The work orders in a real browser: ticks, the dry run that follows its run, a manual action."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync import worker
from kingsync.models import tenants
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Role, Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.browser import sessions
from tests.conftest import connect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def tenant(transactional_db: None, king: KingSandbox, outsmart: OutSmartSandbox) -> Tenant:
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    with tenants.scope(made):
        connect(made, king, outsmart)
    factories.settings(made)
    scenario.stock(king)
    return made


@pytest.fixture
def ledger(page: Page, live_server: LiveServer, tenant: Tenant) -> Page:
    """Open the list of work orders as an editor."""
    sessions.log_in(page.context, factories.member(tenant, Role.EDITOR, name="Eddy"), live_server.url)
    page.goto(f"{live_server.url}/t/jansen/work-orders/")
    expect(page.get_by_role("heading", name="Work orders", exact=True)).to_be_visible()
    return page


def incomplete(tenant: Tenant, outsmart: OutSmartSandbox) -> WorkOrder:
    with tenants.scope(tenant):
        number = scenario.work_order(outsmart, Materials=[scenario.material(), scenario.material("ONBEKEND")])
        scenario.export()
        return scenario.ledger(number)


def work(tenant: Tenant) -> None:
    """Run the newest run as a worker would."""
    with tenants.scope(tenant):
        worker.work_slice(SyncRun.objects.order_by("-id")[0].pk, slice_seconds=scenario.FOREVER)


def test_all_of_a_page_are_ticked_and_excluded_with_a_reason(ledger: Page, tenant: Tenant) -> None:
    for _ in range(3):
        factories.work_order(tenant, state=LedgerState.HELD)
    ledger.reload()
    expect(ledger.get_by_label("Reason")).to_be_hidden()

    ledger.get_by_label("All on this page").check()
    expect(ledger.locator("[data-ticked]")).to_have_text(re.compile(r"Selected:\s*3"))
    ledger.get_by_label("With the selected work orders").select_option("exclude")
    ledger.get_by_label("Reason").fill("oud werk")
    ledger.get_by_role("button", name="Apply to selection").click()

    expect(ledger.get_by_text("3 work orders excluded.")).to_be_visible()
    expect(ledger.get_by_role("link", name="Excluded 3")).to_be_visible()


def test_preview_appears_by_itself_and_the_export_of_one_shows_the_new_state(
    ledger: Page, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    row = incomplete(tenant, outsmart)
    king.store.put_record("article", "ONBEKEND", {"OmschrijvingKort": "Nieuw", "AantalDecimalen": 0})
    ledger.reload()
    ledger.get_by_role("link", name=str(row)).click()

    ledger.get_by_role("button", name="Show preview").click()
    expect(ledger.get_by_text("queued since")).to_be_visible()
    work(tenant)
    expect(ledger.get_by_text(f"King order {row.king_order_number} would be changed.")).to_be_visible()
    ledger.get_by_role("button", name="Export this work order now").click()
    expect(ledger.get_by_text("queued since")).to_be_visible()
    work(tenant)

    expect(ledger.get_by_text("All went well. 1 read, 1 updated.")).to_be_visible()
    expect(ledger.locator("main .badge").first).to_have_text("done")


def test_a_number_is_copied_and_the_button_says_so(ledger: Page, tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.HELD, order_number="2025.0077")
    ledger.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ledger.goto(f"{ledger.url}{row.pk}/")

    ledger.get_by_role("button", name="Copy 2025.0077").click()

    expect(ledger.get_by_text("Copied")).to_be_visible()
    assert ledger.evaluate("navigator.clipboard.readText()") == "2025.0077"


def test_what_is_printed_has_nothing_to_press(ledger: Page, tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.HELD)
    ledger.goto(f"{ledger.url}{row.pk}/")
    expect(ledger.get_by_role("button", name="Show preview")).to_be_visible()

    ledger.emulate_media(media="print")

    expect(ledger.get_by_role("heading", name=f"Work order {row}")).to_be_visible()
    assert ledger.locator("main button:visible, main input:visible, nav:visible").count() == 0
