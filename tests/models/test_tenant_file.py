"""`apply_tenant`: invalid values are refused with their path, and what is stored is exactly what was given."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.king import names
from kingsync.models.tenants import Tenant
from kingsync.rules import limits
from tests import documents
from tests.rules.test_limits import KEYS

CODES = dict.fromkeys(names.OPERATIONS, "code")
# Every key of the file, none with its default.
FULL: dict[str, Any] = {
    "slug": "jansen", "name": "Jansen & Zn. \"Installatie\" – ☃", "language": "en",
    "licence": {"active": False, "until": "2026-12-31"},
    "outsmart": {
        "base_url": "https://app.out-smart.com/openapi/8", "token": "a", "software_token": "b", "bearer_token": "c",
    },
    "king": {
        "base_url": "https://king.jansen.example:8082", "administration": "JANSEN01", "access_code": "d",
        "access_codes": CODES, "verify_tls": False, "ca_certificate": "-----BEGIN", "busy_codes": ["LOCK", "a,b"],
        "sql_timeout": 3600, "reader": "files",
    },
    "schedule": {"enabled": True, "import_minutes": 10080, "export_minutes": 1},
    "imports": {
        "customers": {
            "enabled": True, "inactive": "skip", "delivery_addresses": False, "contact_persons": False,
        },
        "products": {"enabled": True, "inactive": "import", "price": "none", "revenue_groups": ["0123456789", " 2"]},
        "hour_types": {"enabled": True, "inactive": "import"},
        "warehouses": {"enabled": True},
        "orders": {
            "enabled": True, "from_date": "2026-02-28", "type_of_work": "W" * 255, "payment_method": "",
            "work_status": "é" * 255, "materials": False,
        },
        "missing": "deactivate", "brake_percent": 0,
    },
    "exports": {
        "orders": True, "work_order_status": "***", "default_warehouse": "", "hour_rounding": 30,
        "work_description": False, "create_new_order": False, "approve_order": True,
        "order_line_sequence": "text_hours_materials", "assign_relation": "customer",
        "extra_text_lines": ["{{" + "x" * 498, " {reference} ", "\ttab", ""], "interim_updates": True,
        "order_update_status": "2", "create_interim_order": True, "incomplete_orders": "hold",
        "order_of_other_customer": "send",
        "free_line_article": "A" * 20, "send_prices": True, "success_status": "3", "failure_status": "4",
        "from_date": "2026-12-31", "review": ["zero_price", "credit"], "travel_article": "K" * 20,
    },
    "notifications": {"emails": ["a" * 240 + "@example.com", "b@example.com"], "mode": "each"},
}  # fmt: skip
EXAMPLE: dict[str, Any] = json.loads(documents.EXAMPLE.read_bytes())
SECRET_PATHS = [path for path in KEYS if path.startswith(("outsmart.", "king.access_code")) and "url" not in path]


def apply(content: bytes, folder: Path) -> str:
    """Run the command; return its refusal, "" if it stored the file."""
    file = folder / "tenant.json"
    file.write_bytes(content)
    try:
        call_command("apply_tenant", str(file), stdout=StringIO(), stderr=StringIO())
    except CommandError as error:
        return str(error) if error.returncode == 2 else f"exit {error.returncode}"
    return ""


def shown() -> dict[str, Any]:
    out = StringIO()
    call_command("show_tenant", "jansen", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def with_value(path: str, value: object, *, of: dict[str, Any] = FULL) -> dict[str, Any]:
    """Return the file with another value at a path; `.0` is the first of a list, `.*` one of the operations."""
    changed = copy.deepcopy(of)
    *above, last = path.replace("*", "Order_Toevoegen").split(".")
    here: Any = changed
    for part in above:
        here = here[int(part) if part.isdecimal() else part]
    here[int(last) if last.isdecimal() else last] = value
    return changed


@pytest.fixture
def stored(db: None, tmp_path: Path) -> dict[str, Any]:
    assert apply(json.dumps(FULL).encode(), tmp_path) == ""
    return shown()


# --- What is stored ---------------------------------------------------------------------------------------------------


def test_what_is_stored_is_exactly_what_was_given(stored: dict[str, Any]) -> None:
    expected = copy.deepcopy(FULL)
    expected["outsmart"] |= dict.fromkeys(("token", "software_token", "bearer_token"), "***")
    expected["king"] |= {"access_code": "***", "access_codes": dict.fromkeys(CODES, "***")}

    assert stored == expected


def paths(value: dict[str, Any], before: str = "") -> Iterator[str]:
    for name, each in value.items():
        here = f"{before}.{name}".strip(".")
        yield from paths(each, here) if isinstance(each, dict) and name != "access_codes" else [here]


@pytest.mark.parametrize("file", [FULL, EXAMPLE], ids=["of this test", "of the docs"])
def test_the_file_names_every_key(file: dict[str, Any]) -> None:
    assert set(paths(file)) == {path for path in KEYS if not path.endswith((".0", ".*"))}


def test_the_example_of_the_docs_is_stored_and_shown_again(db: None, tmp_path: Path) -> None:
    expected = copy.deepcopy(EXAMPLE)
    expected["outsmart"] |= dict.fromkeys(("token", "software_token", "bearer_token"), "***")
    expected["king"] |= {"access_code": "***", "access_codes": {"Order_Toevoegen": "***"}}

    assert apply(documents.EXAMPLE.read_bytes(), tmp_path) == ""

    assert shown() == expected


def test_a_file_with_a_byte_order_mark_is_read(db: None, tmp_path: Path) -> None:
    assert apply(b"\xef\xbb\xbf" + json.dumps(FULL).encode(), tmp_path) == ""


def test_three_stars_stand_for_a_secret_only(stored: dict[str, Any], tmp_path: Path) -> None:
    assert apply(json.dumps(stored | {"name": "***"}).encode(), tmp_path) == ""

    assert (shown()["name"], shown()["exports"]["work_order_status"]) == ("***", "***")


# --- What is refused --------------------------------------------------------------------------------------------------


def too_much(found: msgspec.inspect.Type) -> list[tuple[object, str]]:
    """Return values just past the limit of a key, each with what the refusal must name."""
    if isinstance(found, msgspec.inspect.StrType):
        assert found.max_length
        return [("a" * (found.max_length + 1), str(found.max_length))]
    if isinstance(found, msgspec.inspect.VarTupleType):
        inner = found.item_type
        entry = inner.values[0] if isinstance(inner, msgspec.inspect.LiteralType) else "a"
        return [([entry] * ((found.max_length or 0) + 1), str(found.max_length))]
    if isinstance(found, msgspec.inspect.IntType):
        return [((found.le or 0) + 1, str(found.le)), ((found.ge or 0) - 1, str(found.ge)), (10**400, str(found.le))]
    if isinstance(found, msgspec.inspect.LiteralType):
        return [("other", ""), (10**30, ""), (str(found.values[0]) + " ", "")]
    return []


def bad_values(path: str) -> list[tuple[object, str]]:
    """Return values that a key does not accept, each with what the refusal must name."""
    found = KEYS[path]
    text = isinstance(found, msgspec.inspect.StrType | msgspec.inspect.LiteralType)
    wrong: list[object] = [{"deep": [{}]}, 1.5, 7 if text else "a", {}] if path != "king.access_codes" else [[], 7]
    if isinstance(found, msgspec.inspect.VarTupleType):
        wrong += [[None], [["a"]], [1]]
    signs = ["a\0b", "a\ud800", "\udfff\ud800"] if isinstance(found, msgspec.inspect.StrType) else []
    return [*too_much(found), *((value, "") for value in wrong), *((value, "NUL") for value in signs)]


@pytest.mark.parametrize("path", KEYS)
def test_a_value_that_does_not_fit_is_refused_with_its_path(stored: dict[str, Any], tmp_path: Path, path: str) -> None:
    place = path.replace("*", "Order_Toevoegen")
    for value, limit in bad_values(path):
        refused = apply(json.dumps(with_value(path, value)).encode(), tmp_path)

        assert refused.startswith((place, place.removesuffix(".Order_Toevoegen"))), (value, refused)
        assert limit in refused
        assert path not in SECRET_PATHS or "aaaa" not in refused
    assert shown() == stored


@pytest.mark.parametrize(
    "section", ["", "licence", "outsmart", "king", "schedule", "imports", "imports.customers", "exports"]
)
def test_an_unknown_key_is_refused_with_its_path(stored: dict[str, Any], tmp_path: Path, section: str) -> None:
    path = f"{section}.unknown".strip(".")

    assert apply(json.dumps(with_value(path, 1)).encode(), tmp_path).startswith(path)
    assert shown() == stored


def test_more_operations_than_king_has_are_refused(stored: dict[str, Any], tmp_path: Path) -> None:
    codes = {f"Operation_{number}": "a" for number in range(limits.ENTRIES + 1)}

    assert apply(json.dumps(with_value("king.access_codes", codes)).encode(), tmp_path).startswith("king.access_codes")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ""),
        (b"[]", "object"),
        (b"null", "object"),
        (b'"jansen"', "object"),
        (b'{"slug": "jansen", "name": NaN}', "JSON"),
        (b'{"slug": "jansen", "name": "a\xff"}', "UTF-8"),
        ("{}".encode("utf-16"), "UTF-8"),
        (b"[" * 100_000, ""),
        (b'{"slug": "jansen", "king": ' + b'{"a": ' * 50_000 + b"1" + b"}" * 50_001, ""),
        (b'{"slug": "jansen", "name": "A", "name": "B"}', "name"),
        (b'{"slug": "jansen", "king": {"access_codes": {"A": "1", "A": "2"}}}', "king.access_codes.A"),
        (b'{"slug": "jansen", "schedule": {"import_minutes": ' + b"9" * 5000 + b"}}", ""),
        (b'{"slug": "jansen", "schedule": {"import_minutes": 1e999}}', "schedule.import_minutes"),
        (b'{"slug": "jansen", "a\\u0000b": 1}', "NUL"),
        (b'{"slug": "jan\\u0000sen", "name": "A"}', "slug"),
        (b'{"slug": ["jansen"], "name": "A"}', "slug"),
        (b'{"slug": {}, "name": "A"}', "slug"),
        (b'{"name": "A"}', "slug"),
    ],
    ids=range(18),
)
def test_a_file_that_is_no_tenant_file_is_refused_with_a_sentence(
    stored: dict[str, Any], tmp_path: Path, content: bytes, told: str
) -> None:
    refused = apply(content, tmp_path)

    assert refused
    assert told in refused
    assert (shown(), Tenant.objects.count()) == (stored, 1)


LONG_TEXTS = st.integers(1, 600).map("x".__mul__)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | LONG_TEXTS
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(sorted(set(KEYS) - {"slug"})), value=ANYTHING)
def test_whatever_is_given_is_stored_as_it_is_or_refused_with_its_path(
    stored: dict[str, Any], tmp_path: Path, path: str, value: object
) -> None:
    before = shown()
    refused = apply(json.dumps(with_value(path, value)).encode(), tmp_path)

    if refused:
        assert shown() == before
    elif path not in SECRET_PATHS:
        there: Any = shown()
        for part in path.split("."):
            there = there[int(part) if part.isdecimal() else part]
        lines = (
            [*value, "", "", "", ""][:4] if path == "exports.extra_text_lines" and isinstance(value, list) else value
        )
        assert there == lines
