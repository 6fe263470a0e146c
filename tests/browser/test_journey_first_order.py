"""A new user's first hour: from login to the first order in King, guided by the start page alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.tenants import Role
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.browser import clicks
from tests.browser.journeys import Person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class Newcomer(Person):
    """Does what the onboarding says, and nothing else."""

    @property
    def card(self) -> Locator:
        return self.region("Getting started")

    def step(self, title: str, **values: str) -> Locator:
        """Return the onboarding's current step, checking its title."""
        current = self.card.locator("[aria-current=step]")
        expect(current).to_contain_text(self.reads(title, **values))
        return current

    def saves_and_goes_on(self) -> None:
        self.button("Save").click()
        self.sees("Saved.")
        self.link("Continue getting started").click()

    def saves_connection_and_goes_on(self) -> None:
        self.button("Save").click()
        expect(self.page.locator(".test .success")).to_be_visible()
        self.link("Continue getting started").click()

    def fills_in(self, system: str, **values: str) -> None:
        group = self.page.get_by_role("group", name=system)
        for label, value in values.items():
            group.get_by_label(self.reads(label.replace("_", " ")), exact=True).fill(value)


def test_new_user_gets_from_login_to_the_first_order_without_reading_anything(
    windows: Callable[..., Page],
    live_server: LiveServer,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    lasting_worker: None,
) -> None:
    scenario.stock(king)
    number = scenario.work_order(outsmart)
    scenario.work_order(outsmart)
    factories.member(factories.tenant(slug="nieuw", name="Nieuw B.V."), Role.OWNER, name="nina")
    nina = Newcomer(windows(language="nl"), live_server.url, "nl")

    with clicks.counted(nina.page) as taken:
        nina.logs_in("nina")
        nina.link("Set up the connection", within=nina.step("Connect %(system)s", system="OutSmart")).click()
        nina.fills_in(
            "OutSmart", address=outsmart.base_url, Token=outsmart.token, Software_token=outsmart.software_token
        )
        nina.saves_connection_and_goes_on()

        nina.link("Set up the connection", within=nina.step("Connect %(system)s", system="King")).click()
        code = {"API token (in King: Toegangscode)": king.access_code}
        nina.fills_in("King", address=king.base_url, administration=king.administration, **code)
        nina.saves_connection_and_goes_on()

        nina.link("Choose what to import", within=nina.step("First import")).click()
        for kind in ("customers", "products", "hour types"):
            nina.page.get_by_role("group", name=nina.reads(kind), exact=True).get_by_role("checkbox").first.check()
        nina.saves_and_goes_on()
        nina.button("Start the first import", within=nina.step("First import")).click()

        nina.link("Go to the settings", within=nina.step("Choose how work orders become orders")).click()
        nina.page.get_by_label(nina.reads("Orders"), exact=True).last.check()
        nina.saves_and_goes_on()
        nina.step("Choose the start date").get_by_label(nina.reads("Start date")).fill("2025-11-01")
        nina.button("Save the start date").click()
        nina.button("Preview export", within=nina.step("View the preview")).click()

        nina.link("View", within=nina.step("Export one work order")).click()
        nina.sees("A new King order would be created.")
        assert scenario.orders(king) == []
        nina.page.get_by_role("button", name=nina.reads("Export this work order now")).first.click()
        nina.step("Synchronise automatically")
    taken.within("guided")

    nina.link("Go to the schedule", within=nina.step("Synchronise automatically")).click()
    assert [each["ExternOrderNummer"] for each in scenario.orders(king)] == [f"OS-{number}"]
    nina.page.get_by_label(nina.reads("synchronise automatically")).check()
    nina.button("Save").click()
    nina.sees("Saved.")
    nina.goes_to("Start")
    expect(nina.region("OutSmart → King")).to_be_visible()
    expect(nina.card).to_be_hidden()
