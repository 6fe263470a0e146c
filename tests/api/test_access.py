"""Who gets in: every operation for every kind of token, and nothing of another company for any."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kingsync.api import v1
from kingsync.models import tenants
from kingsync.models.api import tokens
from kingsync.models.api.tokens import ApiToken, Scope
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from kingsync.runs import outages
from tests import factories
from tests.api.conftest import ROOT, Caller

YESTERDAY = datetime.timedelta(days=1)
SCHEMA = v1.api.get_openapi_schema(path_prefix=ROOT)
OPERATIONS = sorted(
    (method, path.removeprefix(ROOT)) for path, methods in SCHEMA["paths"].items() for method in methods
)


def call(caller: Caller, method: str, path: str, *, run: int = 0) -> Any:
    path = path.format(outsmart_id="7001", run_id=run, month="2025-10")
    if method == "get":
        return caller.get(path)
    return caller.post(path, **{"Idempotency-Key": "one"})


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def elsewhere(db: None) -> Tenant:
    """Create another company, with a work order and a run."""
    other = factories.tenant(slug="elsewhere")
    factories.settings(other, export_orders=True)
    factories.work_order(other, outsmart_id="7001")
    return other


def test_there_are_operations_of_both_scopes() -> None:
    assert ("get", "work-orders") in OPERATIONS
    assert ("post", "runs/export") in OPERATIONS
    assert len(OPERATIONS) == 9


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_without_a_valid_token_nothing_opens(tenant: Tenant, method: str, path: str) -> None:
    now = timezone.now()
    refused = {
        "no_token": "",
        "wrong_token": "ks_no-such-token",
        "token_revoked": factories.api_token(tenant, revoked_at=now),
        "token_expired": factories.api_token(tenant, expires_at=now),
    }

    found = {code: call(Caller(text), method, path) for code, text in refused.items()}

    assert {code: error_of(answer) for code, answer in found.items()} == {code: (401, code) for code in refused}
    assert {answer["WWW-Authenticate"] for answer in found.values()} == {"Bearer"}
    assert SyncRun.across_tenants.count() == 0


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_token_opens_what_its_scope_says(tenant: Tenant, method: str, path: str) -> None:
    factories.work_order(tenant, outsmart_id="7001")
    run = factories.run(tenant).pk
    needed, other = (Scope.READ, Scope.RUN) if method == "get" else (Scope.RUN, Scope.READ)

    allowed = call(Caller(factories.api_token(tenant, needed)), method, path, run=run)
    refused = call(Caller(factories.api_token(tenant, other)), method, path, run=run)

    assert allowed.status_code in {200, 202}
    assert error_of(refused) == (403, "missing_scope")
    assert needed.value in refused.json()["error"]["message"]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_token_of_another_company_finds_nothing_of_this_one(
    tenant: Tenant, elsewhere: Tenant, method: str, path: str
) -> None:
    factories.work_order(tenant, outsmart_id="7002", customer_name="Bakkerij Mulder", state="held")
    run = factories.run(tenant).pk

    answer = call(Caller(factories.api_token(elsewhere)), method, path.replace("7001", "7002"), run=run)

    assert b"7002" not in answer.content
    assert path != "runs/{run_id}" or error_of(answer) == (404, "not_found")
    with tenants.scope(tenant):
        assert SyncRun.objects.count() == 1


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize(
    ("fields", "code"),
    [({"is_licensed": False}, "licence_inactive"), ({"closing_at": timezone.now() + YESTERDAY}, "closing")],
)
def test_without_a_licence_or_while_it_is_deleted_a_company_is_closed(
    tenant: Tenant, caller: Caller, method: str, path: str, fields: dict[str, Any], code: str
) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(**fields)

    assert error_of(call(caller, method, path)) == (403, code)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_browser_that_is_logged_in_has_no_rights_without_a_token(tenant: Tenant, method: str, path: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(factories.member(tenant, Role.OWNER))

    answer = getattr(browser, method)(f"{ROOT}{path.format(outsmart_id='7001', run_id=1, month='2025-10')}")

    assert error_of(answer) == (401, "no_token")
    assert answer.cookies == {}


def test_revoking_works_at_once(tenant: Tenant, caller: Caller) -> None:
    assert caller.get("runs").status_code == 200

    with tenants.scope(tenant):
        tokens.revoke(ApiToken.objects.get())

    assert error_of(caller.get("runs")) == (401, "token_revoked")


def test_a_token_outlives_the_account_of_its_maker(tenant: Tenant) -> None:
    maker = factories.member(tenant, Role.OWNER)
    with tenants.scope(tenant):
        _row, text = tokens.make(name="BI", scopes=[Scope.READ], expires_at=None, by=maker)
    with tenants.across():
        User.objects.get(pk=maker.pk).delete()

    assert Caller(text).get("runs").status_code == 200
    with tenants.scope(tenant):
        assert ApiToken.objects.get().created_by_name == maker.email


def test_only_a_hash_of_the_token_is_stored(tenant: Tenant) -> None:
    with tenants.scope(tenant):
        row, text = tokens.make(name="BI", scopes=[Scope.READ], expires_at=None, by=factories.user())
        stored = ApiToken.objects.values().get()

    assert len(text) >= 43
    assert text.startswith(row.start)
    assert text not in str(stored)
    assert len(row.start) < 12


def test_use_is_seen(tenant: Tenant, caller: Caller) -> None:
    before = timezone.now()
    caller.get("runs")

    with tenants.scope(tenant):
        assert ApiToken.objects.get().last_used_at >= before  # type: ignore[operator]


# --- Answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["no-such", "runs/", "", "work-orders/7001/lines", "../../admin"])
def test_an_unknown_address_is_answered_in_json(caller: Caller, path: str) -> None:
    assert error_of(caller.get(path)) == (404, "not_found")


def test_another_version_is_answered_in_json(db: None) -> None:
    assert error_of(Client().get("/api/v2/runs")) == (404, "not_found")
    assert error_of(Client().post("/api/")) == (404, "not_found")


def test_a_method_that_an_address_does_not_know_is_answered_in_json(caller: Caller) -> None:
    answer = caller.post("causes")

    assert error_of(answer) == (405, "method_not_allowed")
    assert answer["Allow"] == "GET"


@pytest.mark.parametrize("path", ["runs?cursor=%00", "work-orders/%00", "runs?%00=1", "work-orders?administration=%00"])
def test_a_sign_that_cannot_be_stored_is_answered_in_json(caller: Caller, path: str) -> None:
    assert error_of(caller.get(path)) == (400, "invalid")


def test_no_answer_is_kept_by_anyone(caller: Caller) -> None:
    for answer in (caller.get("runs"), caller.get("no-such"), Caller("").get("runs"), caller.get("openapi.json")):
        assert answer["Cache-Control"] == "no-store"


def test_errors_speak_the_language_asked_for(tenant: Tenant) -> None:
    text = factories.api_token(tenant, Scope.READ)

    english, dutch, of_company = (
        Caller(text, language=language).post("runs/export", **{"Idempotency-Key": "1"}) for language in ("en", "nl", "")
    )

    assert "may not do this" in english.json()["error"]["message"]
    assert dutch.json() == of_company.json() != english.json()
    assert (english["Content-Language"], of_company["Content-Language"]) == ("en", "nl")


def test_a_fault_of_our_own_shows_nothing_of_itself(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_details: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("kingsync.exports.overview.causes.causes", broken)

    answer = caller.get("causes")

    assert error_of(answer) == (500, "internal")
    assert b"secret" not in answer.content
    assert "api.failed" in caplog.text


def test_a_fault_that_passes_asks_to_try_again(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_details: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("kingsync.exports.overview.causes.causes", broken)
    monkeypatch.setattr(outages, "is_passing", lambda _error: True)

    answer = caller.get("causes")

    assert error_of(answer) == (503, "unavailable")
    assert answer["Retry-After"] == "60"
