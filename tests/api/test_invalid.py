"""A request that is not right: every value is named, with a code and with what to send instead, in both languages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from kingsync.api import invalid
from kingsync.models.tenants import Tenant
from tests.api.conftest import Caller

EXPORT, IMPORT = "runs/export", "runs/import"
KEY = {"Idempotency-Key": "one"}
BY_QUERY = [
    ("work-orders?limit=x", "limit", "no_whole_number"),
    ("work-orders?limit=0", "limit", "too_small"),
    ("work-orders?limit=501", "limit", "too_large"),
    ("work-orders?cursor=x", "cursor", "wrong_form"),
    (f"work-orders?cursor={'9' * 19}", "cursor", "too_long"),
    ("work-orders?state=no", "state", "no_such_choice"),
    ("work-orders?state_changed_since=2026-11-22T10:00:00", "state_changed_since", "no_moment"),
    ("work-orders?state_changed_since=gisteren", "state_changed_since", "no_moment"),
    ("work-orders?administration=", "administration", "too_short"),
]
BY_BODY: list[tuple[str, object, str, str]] = [
    (EXPORT, {"dry_run": "misschien"}, "dry_run", "no_boolean"),
    (EXPORT, {"work_orders": "1"}, "work_orders", "no_list"),
    (EXPORT, {"work_orders": ["1", 7]}, "work_orders[1]", "no_text"),
    (EXPORT, {"work_orders": ["\0"]}, "work_orders[0]", "not_storable"),
    (EXPORT, {"work_orders": ["1"] * 101}, "work_orders", "too_many"),
    (EXPORT, {"workorders": []}, "workorders", "unknown"),
    (EXPORT, [], "", "no_object"),
    (IMPORT, {"kinds": ["bikes"]}, "kinds[0]", "no_such_choice"),
]


def problems(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid"
    assert error["message"].endswith(error["problems"][0]["message"])
    found: list[dict[str, str]] = error["problems"]
    return found


@pytest.mark.parametrize(("path", "field", "kind"), BY_QUERY)
def test_a_wrong_parameter(caller: Caller, path: str, field: str, kind: str) -> None:
    [found] = problems(caller.get(path))

    assert (found["where"], found["field"], found["kind"]) == ("query", field, kind)
    assert "%" not in found["message"].replace("%2B", "")


@pytest.mark.parametrize(("path", "body", "field", "kind"), BY_BODY)
def test_a_wrong_body(tenant: Tenant, caller: Caller, path: str, body: object, field: str, kind: str) -> None:
    [found] = problems(caller.post(path, body, **KEY))

    assert (found["where"], found["field"], found["kind"]) == ("body", field, kind)
    assert found["message"].endswith(".")


def test_a_missing_header(tenant: Tenant, caller: Caller) -> None:
    [found] = problems(caller.post(EXPORT))

    assert (found["where"], found["field"], found["kind"]) == ("header", "Idempotency-Key", "missing")


def test_every_problem_is_named_at_once(tenant: Tenant, caller: Caller) -> None:
    found = problems(caller.post(EXPORT, {"dry_run": 7, "confirmed": [], "later": 1}))

    assert {each["field"] for each in found} == {"dry_run", "confirmed", "later", "Idempotency-Key"}


def test_choices_are_listed_and_limits_are_said(caller: Caller) -> None:
    [state] = problems(caller.get("runs?state=no"))
    [limit] = problems(caller.get("runs?limit=501"))

    assert state["message"] == "Send one of: queued, running, succeeded, partly, failed, cancelled."
    assert limit["message"] == "Send 500 or less."


def test_it_is_said_in_dutch(tenant: Tenant, caller: Caller) -> None:
    caller.language = "nl"
    [found] = problems(caller.get("runs?limit=501"))

    assert found["message"] == "Stuur 500 of minder."


def test_the_document_lists_the_kinds_of_problems(db: None) -> None:
    schemas = json.loads(Client().get("/api/v1/openapi.json").content)["components"]["schemas"]

    assert schemas["Problem"]["properties"]["kind"]["enum"] == list(invalid.KINDS)
    assert set(schemas["Problem"]["required"]) == {"where", "field", "kind", "message"}
    tested = {kind for *_, kind in BY_QUERY} | {kind for *_, kind in BY_BODY}
    assert set(invalid.KINDS) - tested == {"missing", "unusable"}
