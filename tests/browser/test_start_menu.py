"""The menu beside a button: by keyboard, and closed again when its run has begun."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.connections import System
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Role
from tests import factories
from tests.browser import sessions

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_trial_of_one_kind_is_started_by_keyboard(page: Page, live_server: LiveServer, transactional_db: None) -> None:
    tenant = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(tenant)
    for system in System:
        factories.connection(tenant, system)
    sessions.log_in(page.context, factories.member(tenant, Role.EDITOR, name="eddy"), live_server.url)
    page.goto(f"{live_server.url}/t/jansen/")  # until its script is loaded: no user is as fast as this test
    menu = page.get_by_text("Other import…")

    menu.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Scope")).to_be_hidden()
    menu.press("Enter")
    page.get_by_label("What", exact=True).select_option(label="Products")
    page.get_by_label("Scope").select_option(label="Everything")
    page.get_by_label("Preview only").check()
    page.get_by_role("button", name="Start import").press("Enter")

    expect(page.locator("#live-import")).to_contain_text("queued since")
    expect(page.get_by_label("Scope")).to_be_hidden()
    expect(menu).to_be_focused()
    run = SyncRun.across_tenants.get(tenant=tenant)
    assert run.options == {"kinds": ["products"], "full": True, "dry_run": True}
