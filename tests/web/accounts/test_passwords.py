"""Passwords that anyone would try first are refused; all others are taken as they are."""

from __future__ import annotations

import pytest
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from kingsync.models.tenants import Role, Tenant
from tests import factories
from tests.web.conftest import People


@pytest.mark.parametrize("password", ["Kingsync2026!", "king-outsmart", "JansenInstallatie1", "kingkingking"])
def test_a_password_of_obvious_names_is_refused(tenant: Tenant, password: str) -> None:
    user = factories.member(tenant, Role.EDITOR)

    with pytest.raises(ValidationError) as refused:
        validate_password(password, user)

    assert "obvious_names" in {error.code for error in refused.value.error_list}


@pytest.mark.parametrize(
    "password", ["welkom-bij-kingsync", "brandwerende klok", "ÜÆ 漢字 漢字 漢字", "a1" * 64, "x" * 9 + "y"]
)
def test_any_other_password_is_taken_whatever_its_signs_and_length(tenant: Tenant, password: str) -> None:
    user = factories.member(tenant, Role.EDITOR)

    assert SetPasswordForm(user, {"new_password1": password, "new_password2": password}).errors == {}


def test_a_long_password_counts_to_its_last_character_and_with_its_spaces(client: Client, people: People) -> None:
    password = " Vier woorden, " + "lang " * 20
    people.owner.set_password(password)
    people.owner.save()

    assert not client.login(username=people.owner.email, password=password.strip())
    assert not client.login(username=people.owner.email, password=password.casefold())
    assert client.login(username=people.owner.email, password=password)


def test_no_password_field_shows_or_keeps_what_is_typed(client: Client, people: People) -> None:
    login = client.post("/login/", {"username": people.owner.email, "password": "seen-by-nobody-9"}).content.decode()
    client.force_login(people.owner)
    change = client.post("/account/password/", {"old_password": "seen-by-nobody-9"}).content.decode()

    assert login.count('type="password"') == 1
    assert change.count('type="password"') == 3
    assert "seen-by-nobody-9" not in login + change
    assert "onpaste" not in login + change
