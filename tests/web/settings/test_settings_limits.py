"""The settings form refuses what the tenant file refuses: nothing is cut, nothing ends in an error of ours."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from django.test import Client

from kingsync import tenant_file
from kingsync.models.sync_settings import COLUMNS, TEXT_LINES
from kingsync.models.tenants import Tenant
from kingsync.rules import limits
from tests.rules.test_limits import KEYS, SECRETS
from tests.web.settings.settings_entries import ADDRESS

TEXTS = [path for path, found in KEYS.items() if isinstance(found, msgspec.inspect.StrType) and path != "slug"]
# The form has four fields: a fifth value cannot be sent.
LISTED = ["exports.extra_text_lines"]
# The form has no field for these.
OPERATORS = ["licence.until"]
NUMBERS = [path for path, found in KEYS.items() if isinstance(found, msgspec.inspect.IntType)]


def field(path: str) -> str:
    """Return the form's field for a key of the tenant file."""
    parts = tuple(path.removesuffix(".0").removesuffix(".*").split("."))
    if parts[:2] == ("exports", "extra_text_lines"):
        return TEXT_LINES[0]
    if parts[0] in {"outsmart", "king"}:
        return f"{parts[0]}-{parts[1]}"
    return COLUMNS.get(parts) or f"company-{parts[0]}"


def typed(path: str, value: str) -> dict[str, str]:
    return {field(path): f"Order_Toevoegen={value}" if path.endswith(".*") else value}


def long(path: str, length: int) -> str:
    """Return a value of this length that is valid otherwise."""
    ends = {"notifications.emails.0": "@example.com", "king.base_url": "", "outsmart.base_url": ""}
    begin = "https://king.example/" if path.endswith("base_url") else ""
    end = ends.get(path, "")
    return begin + "a" * (length - len(begin) - len(end)) + end


def document(tenant: Tenant) -> dict[str, Any]:
    tenant.refresh_from_db()
    return tenant_file._document(tenant)


@pytest.mark.parametrize("path", TEXTS)
def test_a_text_past_its_limit_is_refused_and_nothing_is_stored(
    editor: Client, tenant: Tenant, usual: dict[str, Any], path: str
) -> None:
    before, limit = document(tenant), KEYS[path].max_length  # type: ignore[attr-defined]

    answer = editor.post(ADDRESS, usual | typed(path, long(path, limit + 1)))

    assert answer.status_code == 422
    assert str(limit) in answer.content.decode().replace(".", "")
    assert document(tenant) == before


@pytest.mark.parametrize("path", sorted(set(TEXTS) - SECRETS - {"king.base_url", "outsmart.base_url"}))
def test_a_text_at_its_limit_is_stored_as_it_is(
    editor: Client, tenant: Tenant, usual: dict[str, Any], path: str
) -> None:
    value = long(path, KEYS[path].max_length)  # type: ignore[attr-defined]

    secrets = {"king-access_code": "again", "king-access_codes": "Order_Toevoegen=again", "outsmart-token": "again"}
    answer = editor.post(ADDRESS, usual | secrets | typed(path, value))

    there: Any = document(tenant)
    for part in path.split("."):
        there = there[int(part) if part.isdecimal() else part]
    assert (answer.status_code, there) == (302, value)


@pytest.mark.parametrize("path", NUMBERS)
def test_a_number_past_its_limit_is_refused(editor: Client, tenant: Tenant, usual: dict[str, Any], path: str) -> None:
    before, found = document(tenant), KEYS[path]
    assert isinstance(found, msgspec.inspect.IntType)
    assert found.ge is not None
    assert found.le is not None

    codes = [
        editor.post(ADDRESS, usual | typed(path, str(value))).status_code
        for value in (found.ge - 1, found.le + 1, 10**30)
    ]

    assert codes == [422] * 3
    assert document(tenant) == before


def bad_entries(found: msgspec.inspect.Type) -> list[str]:
    """Return what a browser can send for a key and the form must refuse."""
    if isinstance(found, msgspec.inspect.LiteralType):
        return ["other", "9" * 400, f"{found.values[0]}x"]
    if isinstance(found, msgspec.inspect.DateType):
        return ["2026-02-30", "soon", "99999-01-01", "0"]
    if isinstance(found, msgspec.inspect.IntType):
        return ["a", "1.5", "1e3", "9" * 400]
    if isinstance(found, msgspec.inspect.VarTupleType):
        return ["\n".join(f"{number}@example.com" for number in range(limits.ENTRIES + 1))]
    return []


@pytest.mark.parametrize(
    "path",
    [path for path, found in KEYS.items() if bad_entries(found) and path not in (*LISTED, *OPERATORS)],
)
def test_what_is_no_value_of_a_key_is_refused_at_its_field(
    editor: Client, tenant: Tenant, usual: dict[str, Any], path: str
) -> None:
    before = document(tenant)

    for value in bad_entries(KEYS[path]):
        answer = editor.post(ADDRESS, usual | typed(path, value))

        assert answer.status_code == 422, value
        assert field(path).rpartition("-")[2] in errors_of(answer), value
        assert document(tenant) == before


def errors_of(answer: Any) -> set[str]:
    """Return the refused fields."""
    forms = answer.context["forms"]
    return {name for form in (forms.company, *forms.connections, forms.choices) for name in form.errors}


def test_an_operation_that_king_has_not_is_refused(editor: Client, tenant: Tenant, usual: dict[str, Any]) -> None:
    before = document(tenant)

    answer = editor.post(ADDRESS, usual | {"king-access_codes": "Order_Verzinnen=geheim-99"})

    assert answer.status_code == 422
    assert "Order_Verzinnen" in answer.content.decode()
    assert "geheim-99" not in answer.content.decode()
    assert document(tenant) == before
