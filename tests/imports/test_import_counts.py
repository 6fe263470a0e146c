"""What an import asks of our own database does not grow with the records of a batch."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kingsync.imports import reading_phase
from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

FEW, MANY = 2, 20  # as many as may change without being asked


@pytest.fixture(autouse=True)
def _settled(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.settings(tenant)
    monkeypatch.setattr(reading_phase, "SAVE_SECONDS", 1e6)  # by the number of records alone


def price(king: KingSandbox, count: int, price: float) -> None:
    for number in range(count):
        fields = {"OmschrijvingKort": f"Buis {number}", "VerkoopPrijsExclBtw": price}
        king.store.put_record("article", f"A{number:03}", fields)


def statements() -> Counter[str]:
    """Return the statements of a whole import of products, by their first words and table; no savepoint has a name."""
    with CaptureQueriesContext(connection) as captured:
        run = scenario.load("products", full=True)
    assert run.status == "succeeded"
    return Counter(_kind_of(query["sql"]) for query in captured.captured_queries)


def _kind_of(sql: str) -> str:
    return "SAVEPOINT" if "SAVEPOINT" in sql else " ".join(sql.split()[:3])


def test_a_batch_takes_as_many_statements_for_many_changed_records_as_for_few(
    king: KingSandbox,
    outsmart: OutSmartSandbox,
) -> None:
    price(king, 60, 1.0)
    scenario.load("products")
    price(king, FEW, 2.0)
    few = statements()

    price(king, MANY, 3.0)
    many = statements()

    assert many == few


def test_an_import_without_changes_takes_fewer_statements_than_one_with_a_change(
    king: KingSandbox,
    outsmart: OutSmartSandbox,
) -> None:
    price(king, 60, 1.0)
    scenario.load("products")
    same = statements()

    price(king, 1, 2.0)
    changed = statements()

    assert same.total() < changed.total()
    assert [name for name in same if name.startswith(("COPY", "INSERT INTO kingsync_recordlink"))] == []
