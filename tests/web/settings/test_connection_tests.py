"""The test of a connection: what is at fault is said at its field, and a good test fills the pick lists."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from kingsync.models.connections import Connection, System
from kingsync.models.links import KingRecord, WorkStatus
from kingsync.models.tenants import Tenant
from kingsync.web.settings import connection_faults
from kingsync.web.settings.connection_forms import OutSmartForm, with_scheme
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import conftest
from tests.web.pages import html, text
from tests.web.settings.settings_entries import ADDRESS, entries

USUAL = OutSmartForm.usual_address
ADDRESSES = {system: f"{ADDRESS}test/{system}/" for system in System}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def unconnected(tenant: Tenant) -> Tenant:
    Connection.across_tenants.all().delete()
    return tenant


@pytest.fixture
def connected(unconnected: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> Tenant:
    conftest.connect(unconnected, king, outsmart)
    return unconnected


def checked(editor: Client, system: System, **typed: str) -> str:
    """Press the button with these fields typed, follow it, and return the answer."""
    data = entries(editor) | {f"{system}-{name}": value for name, value in typed.items()}
    page = html(editor.post(ADDRESSES[system], data, headers=HTMX))
    followed = re.findall(r'hx-get="([^"]+)"', page)
    return html(editor.get(followed[0], {"success_status": "typed"}, headers=HTMX)) if followed else page


def fault_at(page: str, field: str) -> str:
    [found] = re.findall(rf'<p class="fault" id="id_{field}_fault" hx-swap-oob="true">([^<]*)</p>', page)
    return str(found).strip()


# --- Addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("king.example.nl:8082", "https://king.example.nl:8082"),
        ("//king.example.nl", "https://king.example.nl"),
        ("http://king.example.nl", "http://king.example.nl"),
        ("https://king.example.nl", "https://king.example.nl"),
        ("", ""),
    ],
)
def test_address_without_a_scheme_means_https(typed: str, meant: str) -> None:
    assert with_scheme(typed) == meant


def test_address_is_stored_with_its_scheme(editor: Client, unconnected: Tenant) -> None:
    typed = {"king-base_url": " king.example.nl:8082 ", "king-administration": "D", "king-access_code": "c"}

    editor.post(ADDRESS, entries(editor) | typed)

    assert Connection.across_tenants.get(system=System.KING).base_url == "https://king.example.nl:8082"


def test_outsmarts_usual_address_is_filled_in_and_alone_is_no_connection(editor: Client, unconnected: Tenant) -> None:
    sent = entries(editor)

    editor.post(ADDRESS, sent | {"hour_rounding": "30"})

    assert sent["outsmart-base_url"] == USUAL
    assert not Connection.across_tenants.exists()


def test_connection_needs_no_more_than_its_token_besides_the_usual_address(editor: Client, unconnected: Tenant) -> None:
    editor.post(ADDRESS, entries(editor) | {"outsmart-token": "secret"})

    stored = Connection.across_tenants.get(system=System.OUTSMART)
    assert (stored.base_url, stored.credentials["token"]) == (USUAL, "secret")


def test_stored_address_is_shown_instead_of_the_usual_one(editor: Client, tenant: Tenant) -> None:
    assert entries(editor)["outsmart-base_url"] != USUAL


# --- The field at fault -----------------------------------------------------------------------------------------------


def test_missing_fields_are_named_before_anything_is_called(editor: Client, unconnected: Tenant) -> None:
    outsmart, king = checked(editor, System.OUTSMART), checked(editor, System.KING)

    assert fault_at(outsmart, "outsmart-token") == "Fill this in."
    assert fault_at(outsmart, "outsmart-base_url") == ""
    assert fault_at(king, "king-base_url") == "This field is required."
    assert fault_at(king, "king-administration") == "This field is required."


def test_wrong_token_is_told_at_the_token(editor: Client, connected: Tenant) -> None:
    page = checked(editor, System.OUTSMART, token="wrong")

    assert "OutSmart does not allow the token (1004)." in fault_at(page, "outsmart-token")
    assert fault_at(page, "outsmart-base_url") == ""
    assert '<a href="#id_outsmart-token">Token</a>: OutSmart does not allow the token' in page


def test_wrong_access_code_is_told_at_the_access_code(editor: Client, connected: Tenant) -> None:
    page = checked(editor, System.KING, access_code="wrong")

    assert "King refused our credentials" in fault_at(page, "king-access_code")


def test_unknown_administration_is_told_at_the_administration(
    editor: Client, connected: Tenant, king: KingSandbox
) -> None:
    page = checked(editor, System.KING, administration="NIETS", access_code=king.access_code)

    assert "Administratie NIETS is niet bekend." in fault_at(page, "king-administration")


def test_address_where_something_else_answers_is_told_at_the_address(
    editor: Client, connected: Tenant, outsmart: OutSmartSandbox
) -> None:
    outsmart.faults.add(Fault(kind="html", times="forever"))

    page = checked(editor, System.OUTSMART)

    assert "OutSmart answered with something other than data" in fault_at(page, "outsmart-base_url")


def test_without_scripts_the_sentence_leads_back_to_its_field(editor: Client, connected: Tenant) -> None:
    page = html(editor.post(ADDRESSES[System.OUTSMART], entries(editor) | {"outsmart-token": "wrong"}, follow=True))

    assert f'<a href="{ADDRESS}#id_outsmart-token">Token</a>' in page
    assert "_fault" not in page


@pytest.mark.parametrize(
    ("system", "code", "params", "field"),
    [
        (System.KING, "system.unreachable", {}, "base_url"),
        (System.KING, "system.certificate", {}, "ca_certificate"),
        (System.OUTSMART, "system.certificate", {}, "base_url"),
        (System.OUTSMART, "system.authentication", {"code": "outsmart-1005"}, "software_token"),
        (System.OUTSMART, "system.software_token", {}, "software_token"),
        (System.KING, "decryption", {}, "access_code"),
        (System.KING, "system.configuration", {"detail": "Webservice onbekend"}, "base_url"),
        (System.KING, "system.rate_limit", {}, ""),
        (System.KING, "call.busy", {}, ""),
    ],
)
def test_each_problem_is_about_one_field_or_none(system: System, code: str, params: dict[str, str], field: str) -> None:
    assert connection_faults.field_of(system, {"code": code, "params": params}) == field


# --- Pick lists -------------------------------------------------------------------------------------------------------


def test_good_test_of_what_is_stored_fills_the_pick_lists(editor: Client, connected: Tenant, king: KingSandbox) -> None:
    king.store.put_record("warehouse", "2", {"Omschrijving": "Bus"})

    outsmart, warehouses = checked(editor, System.OUTSMART), checked(editor, System.KING)

    assert f"To choose from: {WorkStatus.across_tenants.count()} work order statuses." in outsmart
    assert '<option value="typed" selected>typed</option>' in outsmart
    assert "To choose from: 1 warehouse." in warehouses
    assert '<option value="2">2 - Bus</option>' in warehouses


def test_good_test_of_what_was_typed_offers_its_choices_and_stores_none(
    editor: Client, unconnected: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    king.store.put_record("warehouse", "2", {"Omschrijving": "Bus"})
    of_king: Any = {"administration": king.administration, "access_code": king.access_code}
    of_outsmart: Any = {"token": outsmart.token, "software_token": outsmart.software_token}

    warehouses = checked(editor, System.KING, base_url=king.base_url, **of_king)
    statuses = checked(editor, System.OUTSMART, base_url=outsmart.base_url, **of_outsmart)

    assert '<option value="2">2 - Bus</option>' in warehouses
    assert '<option value="1">1 - ' in statuses
    assert not WorkStatus.across_tenants.exists()
    assert not KingRecord.across_tenants.exists()


def test_connection_that_works_without_its_pick_list_says_both(
    editor: Client, connected: Tenant, king: KingSandbox
) -> None:
    king.faults.add(Fault(kind="html", operation="Magazijnen_Opvragen", times="forever"))

    page = checked(editor, System.KING)

    assert "King answered. The connection works." in page
    assert "The pick list could not be read: King answered with something other than data" in page
    assert Connection.across_tenants.get(system=System.KING).state == Connection.State.ACTIVE


def test_no_secret_is_in_any_answer(editor: Client, connected: Tenant) -> None:
    page = checked(editor, System.OUTSMART, token="very-secret-token")

    assert "very-secret-token" not in page
    assert "very-secret-token" not in text(editor.get(ADDRESS))
