"""From the admin to a company's own pages."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.connections import System
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
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


@pytest.mark.parametrize("kind", ["lists", "forms"])
def test_pages_of_the_admin_obey_their_policy(olga: Person, kind: str) -> None:
    """A blocked script or style is an error in the console, which fails the test (`windows`)."""
    tenant = factories.tenant(slug="jansen")
    factories.connection(tenant)
    names = [f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry]
    lists = [reverse(f"admin:{name}_changelist") for name in names]
    user = User.objects.get()
    forms = [
        reverse("admin:kingsync_tenant_change", args=[tenant.pk]),
        reverse("admin:kingsync_user_change", args=[user.pk]),
        reverse("admin:kingsync_user_add"),
        reverse("admin:auth_user_password_change", args=[user.pk]),
        reverse("admin:auth_group_add"),
    ]

    for address in [reverse("admin:index"), *lists] if kind == "lists" else forms:
        answer = olga.page.goto(f"{olga.site}{address}")
        assert answer is not None
        # Alpine, which needs 'unsafe-eval', has taken the page over.
        expect(olga.page.locator("html[x-cloak]")).to_have_count(0)
        assert answer.status == 200
