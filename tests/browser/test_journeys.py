"""The essential user journeys, in a real browser."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.connections import System
from kingsync.models.runs import RunStatus, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Role, Tenant
from tests import factories
from tests.browser import sessions

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(made)
    factories.connection(made, System.OUTSMART, base_url="https://outsmart.example/openapi/8")
    factories.connection(made, System.KING, base_url="https://king.example:8082")
    return made


@pytest.fixture
def start_page(page: Page, live_server: LiveServer, tenant: Tenant) -> Page:
    """Return the tenant's start page as an editor sees it."""
    sessions.log_in(page.context, factories.member(tenant, Role.EDITOR, name="Eddy"), live_server.url)
    page.goto(f"{live_server.url}/")
    expect(page.get_by_role("heading", name="Jansen Installatie B.V.")).to_be_visible()
    return page


def test_changed_setting_is_there_after_saving(start_page: Page, tenant: Tenant) -> None:
    start_page.get_by_role("link", name="Settings").click()

    start_page.get_by_label("Hour rounding").select_option(label="round up to 30 minutes")
    start_page.get_by_label("Extra text line 2").fill("Klant {customer_name}")
    start_page.get_by_role("button", name="Save").click()

    expect(start_page.get_by_text("Saved.")).to_be_visible()
    expect(start_page.get_by_label("Hour rounding")).to_have_value("30")
    stored = SyncSettings.across_tenants.get(tenant=tenant)
    assert (stored.hour_rounding, stored.extra_text_line_2) == (30, "Klant {customer_name}")


def test_unknown_tag_is_told_at_its_field(start_page: Page) -> None:
    start_page.get_by_role("link", name="Settings").click()

    start_page.get_by_label("Extra text line 1").fill("Bon {onbekend}")
    start_page.get_by_role("button", name="Save").click()
    start_page.get_by_role("alert").get_by_role("link", name="Extra text line 1").click()

    field = start_page.get_by_label("Extra text line 1")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description("“{onbekend}” is not a known tag.")


def test_run_is_followed_to_its_end_without_a_reload(start_page: Page, tenant: Tenant) -> None:
    start_page.evaluate("window.notReloaded = true")
    start_page.get_by_role("button", name="Export workorders").click()
    panel = start_page.locator("#live-export")
    expect(panel).to_contain_text("queued since")

    runs = SyncRun.across_tenants.filter(tenant=tenant)
    runs.update(
        status=RunStatus.RUNNING, started_at=timezone.now(), progress_done=40, progress_total=120, read_count=40
    )
    expect(panel).to_contain_text("started by Eddy, 40 of 120")
    expect(panel.get_by_role("progressbar")).to_have_attribute("value", "40")

    factories.work_order(tenant, state="rejected")
    runs.update(
        status=RunStatus.PARTLY, finished_at=timezone.now(), read_count=120, created_count=119, rejected_count=1
    )
    expect(panel).to_contain_text("Not everything went well. 120 read, 119 created, 1 rejected.")
    expect(start_page.locator("#overview")).to_contain_text("1 need attention")
    assert start_page.evaluate("window.notReloaded") is True


def test_asking_stops_when_the_run_has_ended(start_page: Page, tenant: Tenant) -> None:
    start_page.get_by_role("button", name="Import").click()
    panel = start_page.locator("#live-import")
    expect(panel).to_have_attribute("hx-trigger", "moved")

    SyncRun.across_tenants.filter(tenant=tenant).update(status=RunStatus.SUCCEEDED, finished_at=timezone.now())

    expect(panel).to_contain_text("There was nothing to do.")
    expect(panel).not_to_have_attribute("hx-trigger", "moved")


def test_a_page_that_nobody_sees_asks_nothing(start_page: Page, tenant: Tenant) -> None:
    factories.run(tenant, status=RunStatus.RUNNING)
    asked: list[str] = []
    start_page.clock.install()
    start_page.reload()
    start_page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    start_page.on("request", lambda request: asked.append(request.url))

    start_page.clock.run_for(60_000)

    assert asked == []
    with start_page.expect_request("**/moved/**"):
        start_page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")


def test_language_is_changed_on_the_spot(start_page: Page) -> None:
    start_page.get_by_role("button", name="NL").click()

    expect(start_page.get_by_role("button", name="Werkbonnen exporteren")).to_be_visible()
    expect(start_page.get_by_role("button", name="Importeren")).to_be_visible()
