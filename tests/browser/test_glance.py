"""What pages say at a glance: a question before old work is exported, links of counts and bars, title, telephone."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.runs import RunKind, RunStatus
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Role, Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.browser.journeys import Person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Arrives = Callable[[str], Person]
TELEPHONE: ViewportSize = {"width": 380, "height": 800}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
OLD = {"WorkDate": "03-11-2025", "WorkEndDate": "03-11-2025", "Workperiods": []}


@pytest.fixture
def arrives(windows: Callable[..., Page], live_server: LiveServer, tenant: Tenant) -> Arrives:
    def arrive(language: str) -> Person:
        user = factories.member(tenant, Role.EDITOR, name="Eddy")
        return Person.arriving(windows(language=language), live_server.url, language, user)

    return arrive


def rows(page: Page) -> Locator:
    return page.locator("table.ledger tbody tr")


@pytest.mark.parametrize("language", ["nl", "en"])
def test_work_from_before_the_start_date_asks_and_the_title_says_that_it_is_held(
    arrives: Arrives,
    tenant: Tenant,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    lasting_worker: None,
    language: str,
) -> None:
    factories.settings(tenant)
    SyncSettings.across_tenants.filter(tenant=tenant).update(export_from_date="2025-11-10")
    scenario.stock(king)
    scenario.work_order(outsmart)
    scenario.work_order(outsmart, **OLD)
    eddy = arrives(language)
    icon = eddy.page.locator("#icon")
    expect(icon).not_to_have_attribute("href", "/static/shared/mark-trouble.svg")

    eddy.starts("export", eddy.button("Export workorders"))
    question = eddy.live("export").locator(".question")
    expect(question).to_contain_text(eddy.reads("There is work from before the start date."))
    expect(eddy.link("Change the start date", within=question)).to_be_visible()
    assert scenario.orders(king) == []
    question.get_by_role("button").click()

    expect(eddy.page.locator("#alerts")).to_be_visible()
    expect(eddy.page).to_have_title(f"(1) {tenant.name} · kingsync")
    assert "mark-trouble" in (icon.get_attribute("href") or "")
    assert len(scenario.orders(king)) == 1


@pytest.mark.parametrize("language", ["nl", "en"])
def test_counts_and_bars_lead_to_exactly_what_they_count(arrives: Arrives, tenant: Tenant, language: str) -> None:
    factories.settings(tenant)
    stopped = [{"code": "unknown_article", "params": {"article": "BUIS"}}]
    for _ in range(3):
        factories.work_order(tenant, state="rejected", reasons=stopped)
    factories.work_order(tenant, state="held", reasons=[{"code": "nothing_to_invoice", "params": {}}])
    for days in (0, 2, 2):
        at = timezone.now() - datetime.timedelta(days=days)
        factories.work_order(tenant, state="done", exported_at=at, amount=10)
    eddy = arrives(language)

    eddy.page.get_by_role("link", name=eddy.reads("%(count)s of them") % {"count": 3}).click()
    expect(rows(eddy.page)).to_have_count(3)
    eddy.opens(tenant, "work-orders/causes/")
    eddy.page.locator(".badge.count").first.click()
    expect(rows(eddy.page)).to_have_count(3)

    eddy.opens(tenant)
    bars = eddy.page.get_by_role("figure", name=eddy.reads("Work orders into King"), exact=True).get_by_role("link")
    expect(bars).to_have_count(2)
    assert [bar.get_attribute("tabindex") for bar in bars.all()] == ["-1", "0"]
    bars.last.focus()
    eddy.page.keyboard.press("ArrowLeft")
    expect(bars.first).to_be_focused()
    expect(bars.first.locator(".label")).to_be_visible()
    expect(bars.last.locator(".label")).to_be_hidden()
    eddy.page.keyboard.press("Enter")
    expect(rows(eddy.page)).to_have_count(2)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_nothing_is_cut_off_and_on_a_telephone_the_list_comes_before_the_filters(
    arrives: Arrives, tenant: Tenant, language: str
) -> None:
    factories.settings(tenant)
    why = [{"code": "unknown_article", "params": {"article": "EENHEELLANGARTIKELNUMMER"}}]
    for _ in range(4):
        name = "Vereniging van eigenaren De Zwaluw fase twee"
        factories.work_order(
            tenant, state="uncertain", reasons=why, customer_name=name, king_order_number="20250001", amount=99999
        )
    factories.run(tenant, RunKind.IMPORT, RunStatus.FAILED, kinds_left=["products", "hour_types"])
    eddy = arrives(language)

    eddy.page.set_viewport_size(DESKTOP)
    for page in ("", "work-orders/", "runs/", "records/", "log/"):
        eddy.opens(tenant, page)
        widths = "[...document.querySelectorAll('.scroll')].map((each) => each.scrollWidth - each.clientWidth)"
        assert all(width <= 0 for width in eddy.page.evaluate(widths)), page
    eddy.opens(tenant, "runs/")
    expect(eddy.page.locator("form.filters")).to_be_visible()
    not_reached = eddy.reads("Not reached: %(kinds)s.", kinds=f"{eddy.reads('products').lower()}, ")
    expect(eddy.page.locator("table.rows")).to_contain_text(not_reached.removesuffix("."))

    eddy.page.set_viewport_size(TELEPHONE)
    expect(eddy.page.locator("form.filters")).to_be_hidden()
    tabs = eddy.page.locator(".tabs a")
    assert len({round((tab.bounding_box() or {"y": -1})["y"]) for tab in tabs.all()}) == 1
    eddy.page.locator(".filter-box summary").click()
    expect(eddy.page.locator("form.filters")).to_be_visible()
    eddy.opens(tenant, "people/")
    expect(tabs.last).to_be_in_viewport()
