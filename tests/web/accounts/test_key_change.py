"""A new SECRET_KEY: with the former one among SECRET_KEY_FALLBACKS everything that it signed stays valid."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from kingsync.models.tenants import Tenant
from kingsync.notifications import recipients
from kingsync.web.accounts import known_devices, two_step_codes
from tests import factories
from tests.web.accounts.test_password_reset import link_of_mail
from tests.web.conftest import People

NEW = "a-newer-secret-key-that-is-long-and-random-0123456789"


def change(settings: Settings, *, is_former_kept: bool) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if is_former_kept else []
    settings.SECRET_KEY = NEW


def log_in(visitor: Client, name: str) -> None:
    visitor.post("/login/", {"username": factories.address(name), "password": factories.PASSWORD})


def is_logged_in(visitor: Client) -> bool:
    return visitor.get("/account/").status_code == 200


@pytest.mark.parametrize("is_former_kept", [True, False])
def test_logins_survive_with_the_former_key_only(people: People, settings: Settings, is_former_kept: bool) -> None:
    visitor = Client()
    log_in(visitor, "eddy")
    change(settings, is_former_kept=is_former_kept)

    assert is_logged_in(visitor) is is_former_kept
    # Signed with the new key by now: the former one can go.
    settings.SECRET_KEY_FALLBACKS = []
    assert is_logged_in(visitor) is is_former_kept


@pytest.mark.parametrize("is_former_kept", [True, False])
def test_backup_codes_survive_and_a_wrong_one_counts_once(
    people: People, settings: Settings, is_former_kept: bool
) -> None:
    first, second, *_others = two_step_codes.new_backup_codes(people.editor)
    change(settings, is_former_kept=is_former_kept)

    assert (two_step_codes.verify(people.editor, first) is not None) is is_former_kept
    if is_former_kept:
        assert two_step_codes.verify(people.editor, first) is None
        with pytest.raises(two_step_codes.WaitError) as waited:
            two_step_codes.verify(people.editor, second)
        assert waited.value.seconds == 1


@pytest.mark.parametrize("is_former_kept", [True, False])
def test_known_browsers_survive(people: People, settings: Settings, is_former_kept: bool) -> None:
    visitor = Client()
    log_in(visitor, "eddy")
    change(settings, is_former_kept=is_former_kept)

    request = visitor.get("/login/").wsgi_request

    assert (known_devices.of(request, people.editor) != "") is is_former_kept


@pytest.mark.parametrize("is_former_kept", [True, False])
def test_links_in_mails_survive(
    tenant: Tenant, people: People, settings: Settings, client: Client, is_former_kept: bool
) -> None:
    link = recipients.unsubscribe_link(tenant, people.owner.email)
    client.post("/login/password/", {"email": people.owner.email})
    change(settings, is_former_kept=is_former_kept)

    subscription = recipients.of_link(link.rstrip("/").rpartition("/")[2])
    reset = client.get(link_of_mail("login/password"), follow=True)

    assert len(mail.outbox) == 1
    assert (subscription is not None and subscription.address == people.owner.email) is is_former_kept
    assert (b"new_password1" in reset.content) is is_former_kept
