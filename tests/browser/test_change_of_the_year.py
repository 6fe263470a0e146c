"""The change of the year: an owner switches to the next administration, and an old work order comes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models import tenants
from kingsync.models.tenants import Role, Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.browser.journeys import Person
from tests.browser.slow_pages import SlowPages

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_change_of_the_year(
    windows: Callable[..., Page],
    live_server: LiveServer,
    tenant: Tenant,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    language: str,
) -> None:
    scenario.stock(king)
    scenario.stock_administration(king.add_administration("2027"))
    factories.settings(tenant)
    old = scenario.work_order(outsmart, OrderNr="2026.OUD")
    scenario.export()
    factories.member(tenant, Role.OWNER, name="alice")
    alice = Person(windows(language=language), live_server.url, language)
    alice.logs_in("alice", wanted="/t/jansen/settings/")

    alice.link("Switch administration").click()
    alice.sees("Nothing is open.")
    alice.page.locator("#id_king-administration").fill("2027")
    alice.page.locator("#id_king-access_code").fill(king.access_code)
    alice.button("Test connection").click()
    expect(alice.page.locator("#tested-king .success")).to_be_visible()
    alice.page.locator("#id_king-from_date").fill("")
    alice.page.locator("#id_king-confirmation").fill("2027")
    slow = SlowPages(alice.page, "**/calls/*/")
    alice.button("Switch administration").click()
    expect(alice.page.locator(".success").get_by_text("2027")).to_be_visible()
    assert slow.led_there == 1

    outsmart.store.edit_work_order(old, {"status": "Compleet", "WorkStatus": "1"})
    with tenants.scope(tenant.pk):
        scenario.export()
    alice.opens(tenant, "work-orders/")
    alice.page.get_by_role("link", name="2026.OUD").click()
    alice.page.locator(".reasons").get_by_text(king.administration).wait_for()
    alice.page.locator("a", has_text=king.administration).click()
    expect(alice.page.locator(".notice").get_by_text(king.administration)).to_be_visible()
    assert alice.button("Exclude", "decision").count() == 0
