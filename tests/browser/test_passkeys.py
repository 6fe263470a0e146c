"""Passkeys in a real browser, with its virtual authenticator: a journey from adding to logging in and removing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from kingsync.models.accounts.passkeys import Passkey
from kingsync.models.tenants import Role
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DEVICE = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True}


def virtual_authenticator(page: Page) -> None:
    """Give the window a device that holds passkeys and always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": {**DEVICE, "automaticPresenceSimulation": True}})


def log_in(page: Page, site: str) -> None:
    page.goto(f"{site}/login/")
    page.get_by_label("E-mail address").fill(factories.address("bob"))
    page.get_by_label("Password", exact=True).fill(factories.PASSWORD)
    page.get_by_role("button", name="Log in").click()


def add(page: Page, name: str) -> None:
    page.get_by_label("Name of this passkey").fill(name)
    page.get_by_role("button", name="Add", exact=True).click()


def test_passkey_is_added_used_and_removed(
    page: Page, live_server: LiveServer, settings: Settings, transactional_db: None
) -> None:
    site = settings.SITE_URL = live_server.url
    factories.member(factories.tenant(slug="jansen"), Role.VIEWER, name="bob")
    virtual_authenticator(page)
    log_in(page, site)
    page.goto(f"{site}/account/two-step/")
    page.get_by_role("link", name="Add a passkey").click()
    add(page, "Laptop")
    expect(page.get_by_text("Two-step verification is on.")).to_be_visible()

    page.get_by_role("button", name="Log out").click()
    log_in(page, site)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Two-step verification")).to_be_hidden()

    page.goto(f"{site}/account/two-step/")
    page.get_by_role("link", name="Add a passkey").click()
    add(page, "Laptop again")
    expect(page.get_by_text("This device already has a passkey for kingsync.")).to_be_visible()

    assert [(row.name, row.sign_count > 1) for row in Passkey.objects.all()] == [("Laptop", True)]
    page.goto(f"{site}/account/two-step/")
    page.get_by_role("button", name="Remove Laptop").click()
    expect(page.get_by_text("The passkey has been removed.")).to_be_visible()


def test_nobody_can_send_the_form_before_its_script_is_there(
    page: Page, live_server: LiveServer, settings: Settings, transactional_db: None
) -> None:
    site = settings.SITE_URL = live_server.url
    factories.member(factories.tenant(slug="jansen"), Role.VIEWER, name="bob")
    virtual_authenticator(page)
    log_in(page, site)
    page.goto(f"{site}/account/two-step/")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/passkeys.js", hold)

    with page.expect_request("**/passkeys.js"):
        answer = page.goto(f"{site}/account/two-step/passkeys/new/", wait_until="commit")
    assert answer is not None
    answer.finished()
    page.evaluate("() => new Promise((done) => setTimeout(() => setTimeout(done)))")
    assert page.get_by_role("button", name="Add", exact=True).count() == 0

    held[0].continue_()
    add(page, "Laptop")
    expect(page.get_by_text("Two-step verification is on.")).to_be_visible()


def test_browser_without_its_passkey_says_so_and_takes_a_backup_code(
    page: Page, live_server: LiveServer, settings: Settings, transactional_db: None
) -> None:
    site = settings.SITE_URL = live_server.url
    user = factories.member(factories.tenant(slug="jansen"), Role.VIEWER, name="bob")
    Passkey(user=user, name="Elsewhere", credential_id="AAAA", public_key=b"-").save()
    virtual_authenticator(page)
    log_in(page, site)

    page.get_by_role("button", name="Use a passkey").click()

    expect(page.get_by_text("No passkey was used. Try again.")).to_be_visible()
    expect(page.get_by_text("Enter one of your backup codes.")).to_be_visible()
