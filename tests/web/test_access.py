"""Attempts to get around access control. Who may open which URL is in `test_roles.py`."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from kingsync.models.tenants import Role, Tenant
from tests import factories
from tests.web.conftest import People


def test_expired_login_takes_the_whole_page_to_the_login(client: Client, tenant: Tenant) -> None:
    answer = client.get(reverse("live", args=[tenant.slug, "export"]), headers={"HX-Request": "true"})

    assert answer["HX-Redirect"] == reverse("login")


def test_buttons_are_refused_without_the_csrf_token(tenant: Tenant, people: People) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people.editor)

    answer = strict.post(reverse("start_run", args=[tenant.slug, "export"]))

    assert answer.status_code == 403


def test_person_with_one_tenant_goes_straight_to_it(editor: Client) -> None:
    assert editor.get("/").headers["Location"] == "/t/jansen/"


def test_person_with_two_tenants_chooses(editor: Client, people: People) -> None:
    second = factories.tenant(slug="bakker", name="Bakker Klimaat")
    second.memberships.create(user=people.editor, role=Role.VIEWER)

    page = editor.get("/").content.decode()

    assert "/t/jansen/" in page
    assert "/t/bakker/" in page
    assert "elsewhere" not in page


def test_person_without_a_tenant_is_told_so(english: Client, db: None) -> None:
    english.force_login(factories.user())

    assert "You do not have access to a company yet" in english.get("/").content.decode()
