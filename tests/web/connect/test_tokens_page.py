"""The page of API tokens: shown once, revoked at once, in the audit trail."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from kingsync.models import tenants
from kingsync.models.api.tokens import ApiToken, hash_of
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.tenants import Tenant
from kingsync.rules import limits
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text

PAGE = "/t/jansen/tokens/"
FORM = {"name": "Power BI", "scope": "read", "days": "", "password": factories.PASSWORD}


@pytest.fixture
def owner(english: Client, people: People) -> Client:
    english.force_login(people.owner)
    return english


def token(tenant: Tenant) -> ApiToken:
    with tenants.scope(tenant):
        return ApiToken.objects.get()


def test_a_token_is_shown_once_and_works(tenant: Tenant, owner: Client) -> None:
    made = owner.post(f"{PAGE}new/", FORM)

    found = re.search(r'id="token">(ks_[\w-]+)<', html(made))
    assert found
    assert "no-store" in made["Cache-Control"]
    assert token(tenant).digest == hash_of(found[1])
    assert found[1] not in html(owner.get(PAGE))
    assert token(tenant).start in html(owner.get(PAGE))
    answer = Client().get("/api/v1/runs", headers={"Authorization": f"Bearer {found[1]}"})
    assert answer.status_code == 200


def test_the_password_is_asked_for_once_in_a_while(tenant: Tenant, owner: Client) -> None:
    refused = owner.post(f"{PAGE}new/", FORM | {"password": "wrong"})
    assert refused.status_code == 422
    assert ApiToken.across_tenants.count() == 0

    owner.post(f"{PAGE}new/", FORM)
    assert 'type="password"' not in html(owner.get(PAGE))
    assert owner.post(f"{PAGE}new/", {**FORM, "password": ""}).status_code == 200


@pytest.mark.parametrize(("scope", "stored"), [("read", ["read"]), ("read_run", ["read", "run"]), ("run", ["run"])])
def test_scopes_and_days_are_stored(tenant: Tenant, owner: Client, scope: str, stored: list[str]) -> None:
    owner.post(f"{PAGE}new/", FORM | {"scope": scope, "days": "30"})

    row = token(tenant)
    assert row.scopes == stored
    assert row.expires_at is not None
    assert (row.expires_at - row.created_at).days in {29, 30}


@pytest.mark.parametrize("changed", [{"name": ""}, {"scope": "all"}, {"days": "0"}, {"days": "99999"}, {"days": "x"}])
def test_a_wrong_form_makes_nothing(tenant: Tenant, owner: Client, changed: dict[str, str]) -> None:
    assert owner.post(f"{PAGE}new/", FORM | changed).status_code == 422
    assert ApiToken.across_tenants.count() == 0


def test_there_is_a_limit(tenant: Tenant, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOKENS", 1)
    owner.post(f"{PAGE}new/", FORM)

    refused = owner.post(f"{PAGE}new/", FORM)

    assert refused.status_code == 422
    assert "Revoke one" in text(refused)


def test_revoking_is_final_and_shown(tenant: Tenant, owner: Client) -> None:
    factories.api_token(tenant, name="Old tool")

    answer = owner.post(f"{PAGE}{token(tenant).pk}/revoke/", follow=True)
    revoked_at = token(tenant).revoked_at
    owner.post(f"{PAGE}{token(tenant).pk}/revoke/")

    assert "The token “Old tool” has been revoked." in text(answer)
    assert "/revoke/" not in html(answer)
    assert revoked_at is not None
    assert token(tenant).revoked_at == revoked_at


def test_the_audit_trail_names_who_made_and_revoked_what_and_no_secret(
    tenant: Tenant, owner: Client, people: People
) -> None:
    made = owner.post(f"{PAGE}new/", FORM)
    owner.post(f"{PAGE}{token(tenant).pk}/revoke/")

    entries = AuditEntry.across_tenants.filter(tenant=tenant, action__startswith="api.").order_by("pk")
    assert [each.action for each in entries] == ["api.token_made", "api.token_revoked"]
    assert {each.user_id for each in entries} == {people.owner.pk}
    secret = re.search(r'id="token">(ks_[\w-]+)<', html(made))
    assert secret
    assert secret[1] not in str(list(entries.values()))
    assert "API token made" in text(owner.get("/t/jansen/audit/?group=api"))
