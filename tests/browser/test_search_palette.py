"""The search over the page by keyboard, and the way back to a filtered list."""

from __future__ import annotations

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.tenants import Role
from tests import factories
from tests.browser import sessions

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_work_order_is_found_by_keyboard_and_the_way_back_keeps_the_filters(
    page: Page, live_server: LiveServer, transactional_db: None
) -> None:
    tenant = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(tenant)
    factories.work_order(tenant, order_number="WB1", customer_name="Café Zoë", state="held")
    row = factories.work_order(tenant, order_number="WB2", customer_name="Café Zoë", state="held")
    sessions.log_in(page.context, factories.member(tenant, Role.EDITOR, name="eddy"), live_server.url)
    page.goto(f"{live_server.url}/t/jansen/work-orders/?state=held&q=cafe&sort=number")

    page.locator("#id_q").press("/")
    expect(page.locator("#palette")).to_be_hidden()
    page.locator("h1").click()
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Number, name or setting")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()

    page.keyboard.press("Control+k")
    page.keyboard.type("zoe")
    options = page.locator("#palette [role=option]")
    expect(options).to_have_count(2)
    expect(page.locator("#palette [role=status]")).to_have_text("2 results")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "palette-work-orders-1")
    assert serious(page) == []
    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{live_server.url}/t/jansen/work-orders/{row.pk}/")
    page.locator(".crumbs a").click()
    expect(page).to_have_url(f"{live_server.url}/t/jansen/work-orders/?state=held&q=cafe&sort=number")


def test_slash_does_nothing_for_a_user_who_switched_it_off(
    page: Page, live_server: LiveServer, transactional_db: None
) -> None:
    tenant = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(tenant)
    sessions.log_in(page.context, factories.member(tenant, Role.EDITOR, name="eddy"), live_server.url)
    page.goto(f"{live_server.url}/account/")
    page.get_by_label("“/” opens the search").uncheck()
    page.get_by_role("button", name="Save keyboard").click()
    expect(page.get_by_label("“/” opens the search")).not_to_be_checked()
    page.goto(f"{live_server.url}/t/jansen/work-orders/")

    page.locator("h1").click()
    page.keyboard.press("/")
    expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.press("Control+k")

    expect(page.get_by_role("combobox", name="Number, name or setting")).to_be_focused()


def serious(page: Page) -> list[str]:
    page.evaluate(AXE_SCRIPT)
    violations = page.evaluate("async () => (await axe.run(document.getElementById('palette'))).violations")
    return [each["id"] for each in violations if each["impact"] in {"serious", "critical"}]
