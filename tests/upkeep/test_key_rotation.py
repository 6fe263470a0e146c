"""Every stored secret is encrypted with the newest key, and what no key opens is told and kept."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from kingsync.models import encryption, tenants
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.connections import Connection, System
from kingsync.upkeep import key_rotation
from tests import factories

OLD, NEW = "an older key, long and random: 8e2f61c0", "a newer key, long and random: 77aa01d3"
pytestmark = pytest.mark.django_db


@pytest.fixture
def secrets(settings: Settings) -> list[Connection]:
    """Store credentials of two tenants under the old key; the new one comes after that."""
    settings.ENCRYPTION_KEYS = [OLD]
    made = [factories.connection(factories.tenant(), system) for _ in range(2) for system in System]
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    return made


def told(*words: str) -> tuple[int, str]:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("rotate_keys", *words, stdout=out, stderr=out)
    return int(ended.value.code or 0), out.getvalue()


def counts() -> list[int]:
    code, text = told("--status", "--json")
    assert code == 0
    return [each["values"] for each in json.loads(text)["keys"]]


def test_every_secret_gets_the_newest_key_and_stays_what_it_is(secrets: list[Connection], settings: Settings) -> None:
    assert counts() == [0, 4]

    code, text = told("--json")

    assert (code, json.loads(text)["rotated"], counts()) == (0, 4, [4, 0])
    settings.ENCRYPTION_KEYS = [NEW]
    for row in secrets:
        assert Connection.across_tenants.get(pk=row.pk).credentials == factories.SECRETS[row.system]


def test_keys_of_authenticator_apps_are_rotated_too(secrets: list[Connection], settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    device = Authenticator.objects.create(user=factories.user())
    key = device.key
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    before = counts()
    told()

    settings.ENCRYPTION_KEYS = [NEW]

    assert (before, counts()) == ([0, 5], [5])
    assert Authenticator.objects.get().key == key


def test_status_changes_nothing(secrets: list[Connection]) -> None:
    _code, text = told("--status")

    assert "4 values, still needed" in text
    assert counts() == [0, 4]


def test_what_has_the_newest_key_is_not_written_again(secrets: list[Connection]) -> None:
    told()

    assert json.loads(told("--json")[1])["rotated"] == 0


def test_what_no_key_opens_stays_and_is_told(secrets: list[Connection], settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [NEW]
    before = stored()

    code, text = told()

    assert (code, stored()) == (1, before)
    assert "no key: 4 values" in text
    assert "Put the key that is missing behind the others" in text


def test_a_secret_that_is_entered_meanwhile_is_kept(secrets: list[Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    row = secrets[0]
    decrypt = encryption.decrypt

    def saved_meanwhile(text: str) -> dict[str, Any]:
        Connection.across_tenants.filter(pk=row.pk).update(credentials={"token": "newer"})
        return decrypt(text)

    monkeypatch.setattr(encryption, "decrypt", saved_meanwhile)
    key_rotation.rotate()
    monkeypatch.undo()

    assert Connection.across_tenants.get(pk=row.pk).credentials == {"token": "newer"}


def test_nothing_that_is_printed_is_a_key_or_a_secret(secrets: list[Connection]) -> None:
    printed = told()[1] + told("--status", "--json")[1]

    assert not [word for word in (OLD, NEW, "tok-7f3a", "code-2468") if word in printed]


def stored() -> list[str]:
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM kingsync_connection ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_addresses_and_secrets_of_webhooks_are_rotated_too(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    row = factories.webhook(factories.tenant(), "https://hooks.example/in")
    settings.ENCRYPTION_KEYS = [NEW, OLD]

    told("--json")

    settings.ENCRYPTION_KEYS = [NEW]
    with tenants.scope(row.tenant):
        row.refresh_from_db()
    assert row.target == {"address": "https://hooks.example/in", "secret": "whsec_test"}
