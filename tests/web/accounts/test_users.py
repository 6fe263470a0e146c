"""Accounts: one per e-mail address, regardless of case and of how it is created."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import reverse
from django.utils import translation

from kingsync.models.users import User
from tests import factories
from tests.web import pages
from tests.web.conftest import People

EMAIL = "nina@jansen.example"
NEW = {"password1": "paard batterij nietje", "password2": "paard batterij nietje", "usable_password": "true"}


@pytest.mark.django_db
@pytest.mark.parametrize("written", [EMAIL, "NINA@Jansen.Example", f"  {EMAIL}\n"])
def test_an_address_is_stored_trimmed_and_folded(written: str) -> None:
    made = User.objects.create_user(written, factories.PASSWORD)

    assert made.email == EMAIL
    assert User.objects.get(email=written).email == EMAIL


@pytest.mark.django_db
def test_an_account_needs_an_address() -> None:
    with pytest.raises(ValueError, match="e-mail address"):
        User.objects.create_user(" ")


@pytest.mark.django_db
def test_a_second_account_of_an_address_is_refused_in_words() -> None:
    factories.user(email=EMAIL)
    second = User(email=EMAIL.upper(), password="x")

    with translation.override("en"), pytest.raises(ValidationError) as refused:
        second.full_clean()

    with translation.override("en"):
        assert refused.value.message_dict == {"email": ["Another account has this e-mail address."]}


@pytest.mark.django_db
@pytest.mark.parametrize("email", [EMAIL, EMAIL.upper()])
def test_the_database_itself_takes_no_second_account_of_an_address(email: str) -> None:
    made = factories.user(email=EMAIL)
    copied = "password, is_superuser, name, is_staff, is_active, joined_at"

    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO kingsync_user (email, {copied}) SELECT %s, {copied} FROM kingsync_user WHERE id = %s",
            [email, made.pk],
        )


@pytest.mark.django_db
def test_createsuperuser_asks_for_an_address_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", factories.PASSWORD)

    call_command("createsuperuser", "--no-input", "--email", " Olga@Kingsync.Example", verbosity=0)

    made = User.objects.get(email="olga@kingsync.example")
    assert (made.is_superuser, made.is_staff) == (True, True)
    assert Client().login(username="OLGA@kingsync.example", password=factories.PASSWORD)


@pytest.mark.django_db
def test_createsuperuser_refuses_an_address_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", factories.PASSWORD)
    factories.user(email=EMAIL)

    with translation.override("en"), pytest.raises(CommandError, match=r"That e-mail address is already taken\."):
        call_command("createsuperuser", "--no-input", "--email", EMAIL.upper(), verbosity=0)


def test_the_operator_makes_an_account_in_the_admin(english: Client, people: People) -> None:
    english.force_login(people.operator)

    english.post(reverse("admin:kingsync_user_add"), {"email": EMAIL.upper(), "name": "Nina"} | NEW)
    again = english.post(reverse("admin:kingsync_user_add"), {"email": EMAIL, "name": "Nina"} | NEW)

    assert User.objects.get(email=EMAIL).name == "Nina"
    assert "Another account has this e-mail address." in pages.text(again)


def test_the_operator_finds_an_account_by_its_name(english: Client, people: People) -> None:
    english.force_login(people.operator)

    found = english.get(reverse("admin:kingsync_user_changelist"), {"q": "bob"})

    assert [user.pk for user in found.context["cl"].result_list] == [people.viewer.pk]


def test_a_person_without_a_name_is_shown_by_the_address() -> None:
    assert User(email=EMAIL).display_name == EMAIL
    assert User(email=EMAIL, name="Bob").display_name == "Bob"
