"""Finding one's way on the settings page: the current section, the search, one tick, the effect beside the field."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.tenants import Role, Tenant
from tests.browser import test_settings
from tests.browser.test_settings import opened

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
tenant = test_settings.tenant


@pytest.fixture
def form(page: Page, live_server: LiveServer, tenant: Tenant) -> Page:
    return opened(page, live_server, tenant, Role.EDITOR)


def current(form: Page) -> Locator:
    return form.get_by_role("navigation", name="Sections").locator("[aria-current]")


def test_section_is_marked_by_the_address_and_while_scrolling(form: Page) -> None:
    expect(current(form)).to_have_text("Company")

    form.goto(form.url + "#notifications")
    expect(current(form)).to_have_text("E-mail notifications")

    form.mouse.move(700, 400)
    form.mouse.wheel(0, -20_000)
    expect(current(form)).to_have_text("Company")


def test_setting_is_found_by_its_label_or_help_and_what_was_hidden_returns(form: Page) -> None:
    search, update = form.get_by_label("Find a setting"), form.get_by_label("Order update status")
    expect(update).to_be_hidden()

    search.fill("INTERIM starts")  # in its help text; the setting itself does not apply now

    expect(update).to_be_visible()
    expect(form.get_by_label("Default warehouse")).to_be_hidden()
    expect(form.get_by_role("heading", name="Schedule")).to_be_hidden()
    expect(form.locator("#found")).to_have_text("Settings found: 1")
    search.press("Enter")
    expect(update).to_be_focused()

    search.fill("no such words")
    expect(form.get_by_text("No setting has these words.")).to_be_visible()
    search.press("Escape")
    expect(form.get_by_label("Default warehouse")).to_be_visible()
    expect(update).to_be_hidden()
    expect(form.locator("#unsaved")).to_be_empty()


def test_all_imports_are_switched_on_by_one_tick(form: Page) -> None:
    form.get_by_label("Import all master data").check()

    for name in ("Customers", "Products", "Hour types", "Warehouses"):
        expect(form.get_by_role("checkbox", name=name, exact=True)).to_be_checked()
    expect(form.get_by_label("Blocked customers")).to_be_visible()
    form.get_by_role("checkbox", name="Products", exact=True).uncheck()
    expect(form.get_by_label("Import all master data")).to_have_js_property("indeterminate", True)


def test_effect_is_shown_below_the_setting_that_was_changed(form: Page) -> None:
    form.get_by_label("Create new order").uncheck()

    expect(form.locator(".field:has([name=create_new_order]) + #impact")).to_contain_text("1 waiting work order")
    form.get_by_role("button", name="Show effect").click()
    expect(form.locator("#impact + .save-bar")).to_be_visible()
