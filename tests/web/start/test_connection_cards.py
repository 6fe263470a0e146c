"""The card of a connection shows its last attempt, and what only the stored address and credentials answered."""

from __future__ import annotations

import datetime
import re

import pytest
from django.test import Client
from django.utils import timezone

from integrations import errors
from kingsync.king_mirror import connection_check
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.tenants import Tenant
from kingsync.web.shared.template_tags import when
from tests.web.pages import text

NOW = timezone.now


def king(of: Tenant) -> Connection:
    return Connection.across_tenants.get(tenant=of, system=System.KING)


def card(browser: Client) -> str:
    found = re.search(r"Connections (.*) Latest runs", text(browser.get("/t/jansen/")))
    assert found
    return found[1].partition(" King ")[2]


def fail(tenant: Tenant, error: errors.IntegrationError) -> None:
    with tenants.scope(tenant):
        connection_check.save_failure(error)


def test_last_attempt_is_shown_rather_than_the_last_success(editor: Client, tenant: Tenant) -> None:
    worked_at = NOW() - datetime.timedelta(days=3)
    king(tenant).worked(now=worked_at)

    fail(tenant, errors.UnreachableError(system="king", operation="Debiteuren_Opvragen"))

    assert card(editor).startswith(f"failed last attempt {when(NOW())} King could not be reached.")
    assert f"last answered {when(worked_at)}" in card(editor)


def test_success_supersedes_a_failure(editor: Client, tenant: Tenant) -> None:
    fail(tenant, errors.UnreachableError(system="king", operation="Debiteuren_Opvragen"))

    king(tenant).worked(now=NOW())

    assert card(editor).startswith(f"works last attempt {when(NOW())} https://king.example:8082")


def test_refused_credentials_pause_the_connection(editor: Client, tenant: Tenant) -> None:
    fail(tenant, errors.AuthenticationError(system="king", operation="Debiteuren_Opvragen"))

    assert card(editor).startswith(f"paused last attempt {when(NOW())} King refused our credentials")


def test_call_that_was_not_made_is_no_attempt(editor: Client, tenant: Tenant) -> None:
    fail(tenant, errors.TransientError(system="king", operation="Order_Opvragen", reason="occupied_by_import"))

    assert card(editor).startswith("has not answered yet https://king.example:8082")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("base_url", "https://other.example:8082"),
        ("administration", "OTHER"),
        ("credentials", {"access_code": "another"}),
    ],
)
def test_answers_to_another_address_do_not_count(editor: Client, tenant: Tenant, column: str, value: object) -> None:
    king(tenant).worked(now=NOW())
    connection = king(tenant)
    setattr(connection, column, value)

    connection.save()

    assert card(editor).startswith("has not answered yet http")


def test_other_changes_keep_the_answers(editor: Client, tenant: Tenant) -> None:
    king(tenant).worked(now=NOW())
    connection = king(tenant)
    connection.sql_timeout = 90

    connection.save()

    assert card(editor).startswith("works last attempt")
