"""From the admin to a company's own pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.connections import System
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Tenant
from tests import factories
from tests.browser.journeys import Person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def olga(page: Page, live_server: LiveServer, transactional_db: None) -> Person:
    factories.operator(name="olga")
    person = Person(page, live_server.url)
    person.logs_in("olga", wanted="/account/")
    return person


def test_operator_exports_from_the_page_of_a_company(olga: Person) -> None:
    tenant = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(tenant)
    for system in System:
        factories.connection(tenant, system)

    olga.page.goto(f"{olga.site}/admin/kingsync/tenant/{tenant.pk}/change/")
    olga.button("Export workorders").click()

    expect(olga.live("export")).to_contain_text("queued since")
    assert str(SyncRun.across_tenants.get().requested_by) == factories.address("olga")


def test_new_company_leads_on_to_its_first_owner(olga: Person) -> None:
    olga.page.goto(f"{olga.site}/admin/kingsync/tenant/add/")
    olga.page.locator("#id_slug").fill("nieuw")
    olga.page.locator("#id_name").fill("Nieuw B.V.")
    olga.page.locator("[name=_save]").click()

    olga.sees("Now invite the first owner.")
    expect(olga.page.locator("[name=role]")).to_have_value("owner")
    assert Tenant.objects.get().is_licence_active
