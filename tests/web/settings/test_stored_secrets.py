"""Editors cannot read a stored secret: it is never sent elsewhere or differently without being typed again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from integrations.errors import ConfigurationError
from kingsync import tenant_file
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.destinations import Destination, may_follow
from kingsync.models.tenants import Tenant
from kingsync.runs import clients
from kingsync.tenant_file import TenantFileError
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import conftest, factories
from tests.web.pages import html, text
from tests.web.settings.settings_entries import ADDRESS, entries
from tests.web.settings.settings_entries import king as kings

CA = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n"
STORED = Destination("https://king.example:8082", "DEMO01", verify_tls=True, ca_certificate=CA)
# What an editor could change to intercept one of King's secrets.
KING_CHANGES: dict[str, dict[str, object]] = {
    "host": {"base_url": "https://thief.example:8082"},
    "port": {"base_url": "https://king.example:9999"},
    "scheme": {"base_url": "http://king.example:8082"},
    "path": {"base_url": "https://king.example:8082/elsewhere"},
    "verification": {"verify_tls": False},
    "authority": {"ca_certificate": CA.replace("AAAA", "AAAB")},
    "no authority": {"ca_certificate": ""},
    "administration": {"administration": "OTHER"},
}
EVERY_KING_CHANGE = pytest.mark.parametrize("change", KING_CHANGES.values(), ids=KING_CHANGES)


@pytest.fixture
def thief() -> Iterator[OutSmartSandbox]:
    """Run a server of the editor's own; as a sandbox it records every call."""
    with OutSmartSandbox(empty=True) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _plain_king(settings: Settings) -> None:
    settings.KING_PLAIN_HTTP = True


def everything_typed() -> dict[str, str]:
    """Return the secrets of `factories.SECRETS` as a user types them."""
    return {"king-access_code": "typed", "king-access_codes": "Order_Toevoegen=typed"}


def sent(change: dict[str, object]) -> dict[str, str]:
    return {f"king-{name}": str(value) for name, value in change.items() if value is not False}


def posted(
    browser: Client, address: str, form: dict[str, Any], change: dict[str, object], **typed: str
) -> tuple[int, str]:
    data = form | sent(change) | typed
    if change.get("verify_tls") is False:
        del data["king-verify_tls"]
    answer = browser.post(address, data, follow=True)
    return answer.status_code, text(answer)


@pytest.fixture
def secured(tenant: Tenant) -> Connection:
    with tenants.scope(tenant):
        Connection.objects.filter(system=System.KING).update(ca_certificate=CA, administration="DEMO01")
    return kings(tenant)


@pytest.fixture(scope="module")
def _loaded_secured() -> dict[str, Any]:
    return {}


@pytest.fixture
def usual_secured(editor: Client, secured: Connection, _loaded_secured: dict[str, Any]) -> dict[str, Any]:
    """Return what `usual` returns, for a company whose King is `secured`."""
    if not _loaded_secured:
        _loaded_secured.update(entries(editor))
    return dict(_loaded_secured)


# --- The rule ---------------------------------------------------------------------------------------------------------


@EVERY_KING_CHANGE
def test_every_change_of_where_or_how_is_another_destination(change: dict[str, object]) -> None:
    wanted = dataclasses.replace(STORED, **change)  # type: ignore[arg-type]

    assert not may_follow(stored=STORED, wanted=wanted)


@pytest.mark.parametrize(
    "base_url", ["https://king.example:8082/", "HTTPS://King.Example:8082", "https://king.example.:8082"]
)
def test_other_notations_of_the_same_address_are_no_change(base_url: str) -> None:
    wanted = Destination(base_url, "DEMO01", verify_tls=True, ca_certificate=CA.replace("\n", "\r\n").strip())

    assert may_follow(stored=STORED, wanted=wanted)


def test_switching_the_check_on_needs_no_secret() -> None:
    unchecked = Destination("https://king.example", verify_tls=False)

    assert may_follow(stored=unchecked, wanted=Destination("https://king.example:443", verify_tls=True))


# --- The settings page ------------------------------------------------------------------------------------------------


@EVERY_KING_CHANGE
def test_saving_asks_for_the_secrets_again_and_the_stored_ones_stay(
    editor: Client, tenant: Tenant, secured: Connection, usual_secured: dict[str, Any], change: dict[str, object]
) -> None:
    status, told = posted(editor, ADDRESS, usual_secured, change)

    assert status == 422
    assert "enter this again" in told
    assert "enter those of Order_Toevoegen again" in told
    assert (Destination.of(kings(tenant)), kings(tenant).credentials) == (
        Destination.of(secured),
        factories.SECRETS[System.KING],
    )


@EVERY_KING_CHANGE
def test_saving_with_the_secrets_typed_again_works(
    editor: Client, tenant: Tenant, secured: Connection, usual_secured: dict[str, Any], change: dict[str, object]
) -> None:
    status, told = posted(editor, ADDRESS, usual_secured, change, **everything_typed())

    assert (status, "enter this again" in told) == (200, False)
    assert kings(tenant).credentials == {"access_code": "typed", "access_codes": {"Order_Toevoegen": "typed"}}


@EVERY_KING_CHANGE
def test_testing_asks_for_the_secrets_again(
    editor: Client, usual_secured: dict[str, Any], change: dict[str, object]
) -> None:
    _status, told = posted(editor, f"{ADDRESS}test/king/", usual_secured, change)

    assert "enter this again" in told


def test_code_of_a_single_operation_alone_does_not_follow(
    editor: Client, tenant: Tenant, usual: dict[str, Any]
) -> None:
    typed = {"king-base_url": "https://king.example:1", "king-access_code": "typed"}

    answer = editor.post(ADDRESS, usual | typed)
    removed = editor.post(ADDRESS, usual | typed | {"king-access_codes": "Order_Toevoegen="})

    assert (answer.status_code, removed.status_code) == (422, 302)
    assert kings(tenant).credentials == {"access_code": "typed", "access_codes": {}}


@pytest.mark.parametrize("name", ["token", "software_token", "bearer_token"])
def test_each_secret_of_outsmart_stays_behind(editor: Client, tenant: Tenant, usual: dict[str, Any], name: str) -> None:
    others = {"token", "software_token", "bearer_token"} - {name}
    typed = {f"outsmart-{other}": "typed" for other in others}
    elsewhere = {"outsmart-base_url": "https://outsmart.example/openapi/9"}

    answer = editor.post(ADDRESS, usual | elsewhere | typed)

    assert answer.status_code == 422
    assert f'id="id_outsmart-{name}_error"' in html(answer)


@pytest.mark.parametrize("path", ["", "/elsewhere"])
def test_servers_of_others_hear_nothing(
    editor: Client, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, thief: OutSmartSandbox, path: str
) -> None:
    with tenants.scope(tenant):
        Connection.objects.all().delete()
        conftest.connect(tenant, king, outsmart)
    theirs = {"outsmart-base_url": f"{thief.base_url}{path}", "king-base_url": f"{thief.base_url}{path}"}

    for address in (f"{ADDRESS}test/outsmart/", f"{ADDRESS}test/king/", ADDRESS):
        editor.post(address, entries(editor) | theirs, follow=True)

    assert thief.calls.all() == []


# --- The operator's software token ------------------------------------------------------------------------------------


def without_own_software_token(tenant: Tenant, address: str) -> None:
    with tenants.scope(tenant):
        row = Connection.objects.get(system=System.OUTSMART)
        row.base_url, row.credentials = address, {"token": "tok"}
        row.save()


def test_operators_software_token_goes_to_no_address_that_a_tenant_thought_of(
    editor: Client, tenant: Tenant, settings: Settings
) -> None:
    settings.OUTSMART_SOFTWARE_TOKEN = "the-operators"
    settings.PRIVATE_HOSTS = ["10.0.0.0/8"]  # the operator trusts these with a tenant's own secrets, not with the token
    without_own_software_token(tenant, "https://10.0.0.7/openapi/8")

    answer = editor.post(f"{ADDRESS}test/outsmart/", entries(editor), follow=True)

    assert "The operator's software token is only sent to OutSmart's own address." in text(answer).replace(
        "&#x27;", "'"
    )
    assert "the-operators" not in html(answer)


@pytest.mark.parametrize("hosts", [["app.out-smart.com"], ["elsewhere.example"]])
def test_operators_software_token_goes_to_this_machine(
    editor: Client, tenant: Tenant, outsmart: OutSmartSandbox, settings: Settings, hosts: list[str]
) -> None:
    settings.OUTSMART_SOFTWARE_TOKEN, settings.OUTSMART_HOSTS = outsmart.software_token, hosts
    without_own_software_token(tenant, outsmart.base_url)
    with tenants.scope(tenant):
        row = Connection.objects.get(system=System.OUTSMART)
        row.credentials = {"token": outsmart.token}
        row.save()

    answer = editor.post(f"{ADDRESS}test/outsmart/", entries(editor), follow=True)

    assert "OutSmart answered. The connection works." in text(answer)


def test_operators_software_token_goes_to_outsmarts_own_address(tenant: Tenant, settings: Settings) -> None:
    settings.OUTSMART_SOFTWARE_TOKEN = "the-operators"
    own = Connection(tenant=tenant, system=System.OUTSMART, base_url="https://App.out-smart.com/openapi/8")
    near = Connection(tenant=tenant, system=System.OUTSMART, base_url="https://app.out-smart.com.thief.example")
    unchecked = Connection(tenant=tenant, system=System.OUTSMART, base_url=own.base_url, verify_tls=False)

    with clients.transport_of(own) as transport:
        assert clients.outsmart(own, transport)
        for each in (near, unchecked):
            with pytest.raises(ConfigurationError):
                clients.outsmart(each, transport)


# --- The tenant file --------------------------------------------------------------------------------------------------


def applied(tenant: Tenant, **sections: dict[str, object]) -> None:
    tenant_file.apply(json.dumps({"slug": tenant.slug, **sections}).encode())


@EVERY_KING_CHANGE
def test_tenant_file_must_name_the_secrets_again(
    tenant: Tenant, secured: Connection, change: dict[str, object]
) -> None:
    masked = {"access_code": "***", "access_codes": {"Order_Toevoegen": "***"}}

    for section in (change, change | masked):
        with pytest.raises(TenantFileError) as refused:
            applied(tenant, king=section)
        assert refused.value.problems.keys() == {"king.access_code", "king.access_codes.Order_Toevoegen"}

    assert Destination.of(kings(tenant)) == Destination.of(secured)


@EVERY_KING_CHANGE
def test_tenant_file_that_names_them_is_applied(tenant: Tenant, secured: Connection, change: dict[str, object]) -> None:
    applied(tenant, king=change | {"access_code": "typed", "access_codes": {}})

    assert kings(tenant).credentials == {"access_code": "typed", "access_codes": {}}


def test_tenant_file_says_which_secrets_of_outsmart_stay_behind(tenant: Tenant) -> None:
    section: dict[str, object] = {"base_url": "https://outsmart.example/openapi/9", "token": "typed"}

    with pytest.raises(TenantFileError) as refused:
        applied(tenant, outsmart=section)

    assert refused.value.problems.keys() == {"outsmart.software_token", "outsmart.bearer_token"}


def test_applying_what_was_shown_keeps_the_stored_secrets(tenant: Tenant, secured: Connection) -> None:
    with tenants.scope(tenant):
        shown = tenant_file.show(tenant)

    tenant_file.apply(json.dumps(shown).encode())

    assert kings(tenant).credentials == factories.SECRETS[System.KING]
