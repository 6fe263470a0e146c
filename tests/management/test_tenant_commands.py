"""Commands for operators: which companies there are, and their first owner."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from kingsync.models.tenants import Membership, Role, Tenant
from kingsync.models.users import User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return factories.tenant(slug="jansen", name="Jansen Installatie B.V.")


def command(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_tenants_are_listed_with_licence_users_and_deletion(tenant: Tenant) -> None:
    factories.member(tenant, Role.OWNER)
    factories.member(tenant)
    factories.tenant(slug="bakker", is_licensed=False, closing_at=timezone.now())

    bakker, jansen = json.loads(command("list_tenants", "--json"))

    assert (jansen["slug"], jansen["licensed"], jansen["users"], jansen["owners"]) == ("jansen", True, 2, 1)
    assert (bakker["licensed"], bakker["users"], bakker["deleted_after"] is None) == (False, 0, False)
    assert "Jansen Installatie B.V. (licensed; users: 2, owners: 1)" in command("list_tenants")


def test_a_new_owner_chooses_a_password_by_the_link(tenant: Tenant, client: Client) -> None:
    made = json.loads(command("create_owner", "jansen", " Anna@Jansen.example ", "--name", "Anna", "--json"))

    user = User.objects.get(email="anna@jansen.example")
    assert (made["new_account"], user.name, user.memberships.get().role) == (True, "Anna", Role.OWNER)
    page = client.get(made["link"].partition("8000")[2], follow=True)
    new = {"new_password1": factories.PASSWORD, "new_password2": factories.PASSWORD}
    client.post(page.redirect_chain[-1][0], new)
    user.refresh_from_db()
    assert user.check_password(factories.PASSWORD)


def test_an_existing_account_becomes_owner_and_gets_no_link(tenant: Tenant) -> None:
    user = factories.member(tenant, Role.VIEWER)

    for _twice in range(2):
        made = json.loads(command("create_owner", "jansen", user.email.upper(), "--json"))

    assert made == {"email": user.email, "new_account": False, "link": None}
    assert Membership.objects.get(user=user).role == Role.OWNER


@pytest.mark.parametrize("email", ["", "no address", "a" * 250 + "@jansen.example"])
def test_what_is_no_address_is_refused(tenant: Tenant, email: str) -> None:
    with pytest.raises(CommandError) as refused:
        command("create_owner", "jansen", email)

    assert refused.value.returncode == 2
    assert not User.objects.exists()


def test_an_unknown_company_is_refused() -> None:
    with pytest.raises(CommandError, match="There is no tenant"):
        command("create_owner", "nobody", "anna@jansen.example")
