"""The OpenAPI document: for everyone, complete, and true of what is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from kingsync.models.tenants import Role, Tenant
from kingsync.models.work_orders import LedgerState
from tests import factories
from tests.api.conftest import Caller
from tests.statements import months


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Client().get("/api/v1/openapi.json").content)
    return found


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for name, value in part.items() if name == "$ref")
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for methods in document["paths"].values() for each in methods.values()]


def test_it_has_the_parts_that_the_standard_demands(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.")
    assert document["info"]["title"] == "kingsync"
    assert document["info"]["version"] == "1"
    names = [each["operationId"] for each in operations(document)]
    assert len(set(names)) == len(names) == 9


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    assert set(references(document["paths"])) <= known
    assert set(references(document["components"])) <= known


def test_every_operation_names_its_token_its_errors_and_what_it_does(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"] == {"Token": {"type": "http", "scheme": "bearer"}}
    for each in operations(document):
        assert each["security"] == [{"Token": []}]
        assert each["description"]
        assert {"200", "401", "403", "422", "429"} <= {str(status) for status in each["responses"]}
        for status, answer in each["responses"].items():
            schema = answer["content"]["application/json"]["schema"]["$ref"]
            assert schema.endswith(("/Error", "/Invalid")) == (int(status) >= 400)
            assert schema.endswith("/Invalid") == (str(status) == "422")


def test_every_parameter_of_an_address_is_described(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for each in methods.values():
            named = {parameter["name"] for parameter in each["parameters"] if parameter["in"] == "path"}
            assert all(f"{{{name}}}" in path for name in named)
            assert len(named) == path.count("{")
    export = document["paths"]["/api/v1/runs/export"]["post"]
    assert [(each["in"], each["name"], each["required"]) for each in export["parameters"]] == [
        ("header", "Idempotency-Key", True)
    ]


def test_nothing_that_is_answered_is_left_out(document: dict[str, Any], tenant: Tenant, caller: Caller) -> None:
    row = factories.work_order(tenant, state=LedgerState.DONE)
    factories.order_line(row)
    run = factories.run(tenant)
    schemas = document["components"]["schemas"]

    months.every_state(tenant)
    months.signed(tenant, factories.member(tenant, Role.OWNER))
    statement = caller.get("statements/2025-10").json()

    found = {
        "WorkOrders": caller.get("work-orders").json(),
        "WorkOrder": caller.get(f"work-orders/{row.outsmart_id}").json(),
        "Line": caller.get(f"work-orders/{row.outsmart_id}").json()["lines"][0],
        "Run": caller.get(f"runs/{run.pk}").json(),
        "Counts": caller.get(f"runs/{run.pk}").json()["counts"],
        "Figures": caller.get("figures").json(),
        "Statement": statement,
        "SignedVersion": statement["versions"][0],
        "StateSum": statement["states"][0],
        "Error": caller.get("runs/0").json(),
    }

    assert {name: value.keys() for name, value in found.items()} == {
        name: schemas[name]["properties"].keys() for name in found
    }
