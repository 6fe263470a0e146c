"""The main journey as a user: settings, both buttons, a real worker and both systems behind them, the log."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, programs, scenario

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_from_login_to_the_orders_in_king(
    page: Page,
    live_server: LiveServer,
    tenant: Tenant,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    worker: Callable[[], programs.Program],
) -> None:
    scenario.stock(king)
    factories.settings(tenant)
    factories.operator(name="olga")
    good = scenario.work_order(outsmart, Workperiods=[scenario.period("00:50")])
    scenario.work_order(outsmart, Materials=[scenario.material("ONBEKEND")], OrderNr="2025.LACKS")
    worker()

    page.goto(f"{live_server.url}/login/")
    page.get_by_label("E-mail address").fill(factories.address("olga"))
    page.get_by_label("E-mail address").press("Tab")
    page.keyboard.type(factories.PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Hour rounding").select_option(label="round up to 30 minutes")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    page.get_by_role("link", name="Start", exact=True).click()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("#live-import")).to_contain_text("All went well. 7 read, 7 created.")
    page.get_by_role("button", name="Export workorders").click()
    expect(page.locator("#live-export")).to_contain_text("2 read, 2 created")
    expect(page.locator("#overview")).to_contain_text("1 need attention")

    page.get_by_role("link", name="Work orders", exact=True).click()
    page.get_by_role("link", name="2025.LACKS").click()
    expect(page.get_by_text("King does not know article ONBEKEND (Naam ONBEKEND).").first).to_be_visible()
    page.goto(f"{live_server.url}/admin/kingsync/logentry/")
    expect(page.get_by_text("King does not know article ONBEKEND.").first).to_be_visible()

    assert {row["debtor_number"] for row in outsmart.store.rows("relations")} == {"10", "11"}
    order = next(each for each in scenario.orders(king) if each["ExternOrderNummer"] == f"OS-{good}")
    assert ("TAR", "MONT", "1") in scenario.lines(order)  # 50 minutes, rounded up to an hour
    assert scenario.is_clean(king)
