"""What the search over master data reads of many records: rows by the database's own account, never times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from kingsync import tasks
from kingsync.database import sessions
from kingsync.models import tenants
from kingsync.models.links import RecordLink
from kingsync.models.tenants import Tenant
from kingsync.web.shared.paging import PAGE_SIZE
from tests import factories, plans, standing
from tests.standing import Standing
from tests.web.conftest import Company
from tests.web.records.indexed import found_by

RECORDS = 20_000
_FILL = """
    INSERT INTO kingsync_recordlink (tenant_id, administration_id, kind, king_id, outsmart_id, name, state, is_active,
        sent, difference, reason)
    SELECT %(tenant)s, %(administration)s, 'product', 'ART-' || n, 'ART-' || n,
        CASE WHEN n = 77 THEN 'Café-buis' ELSE 'Product ' || md5(n::text) END, 'linked', true, '', '[]', '{}'
    FROM generate_series(1, %(count)s) n
"""


@pytest.fixture(scope="module", autouse=True)
def _many_records(_standing_company: Standing[Company], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give the standing company its records, for all tests."""
    with django_db_blocker.unblock(), standing.standing(lambda: fill(_standing_company.rows().tenant)):
        yield


def fill(tenant: Tenant) -> None:
    with tenants.scope(tenant), connection.cursor() as cursor:
        asked = {"tenant": tenant.pk, "administration": tenant.administration_id, "count": RECORDS}
        cursor.execute(_FILL, asked)
    tasks.fill_search()
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE kingsync_recordlink")


@pytest.mark.parametrize(
    ("address", "text", "number"),
    [
        ("records/", "quagga", 0),
        ("records/", "cafe-BUIS", 1),
        ("records/", "afé-b", 1),
        ("search/", "quagga", 0),
        ("search/", "fé-bui", 1),
    ],
)
def test_a_search_reads_little_more_than_it_finds(
    editor: Client, tenant: Tenant, address: str, text: str, number: int
) -> None:
    with CaptureQueriesContext(connection) as captured:
        answer = editor.get(f"/t/jansen/{address}", {"q": text})
    asked = [
        each["sql"]
        for each in captured
        if "LIKE" in each["sql"] and ("kingsync_searchedrecord" in each["sql"] or "kingsync_recordlink" in each["sql"])
    ]
    with tenants.scope(tenant):
        read = plans.rows_read(asked)

    assert asked
    assert answer.content.decode().count("<b>ART-77</b>") + answer.content.decode().count("Café-buis") >= number
    # For each kind of record what the index finds, and it once more to look at it.
    assert read <= 100


def test_what_is_not_in_the_index_yet_is_found_all_the_same(tenant: Tenant) -> None:
    with tenants.scope(tenant):
        new = factories.record_link(tenant, kind="product", king_id="NEW-1", name="Café-bocht")
        assert found_by("cafe-b") == ["ART-77", "NEW-1"]
        RecordLink.objects.filter(pk=new.pk).update(name="Ketel")
        assert found_by("cafe-b") == ["ART-77"]


@pytest.mark.parametrize("asked", ["product", "Product 0", "ART-1"])
def test_what_most_records_have_is_found_without_the_index(editor: Client, asked: str) -> None:
    rows = editor.get("/t/jansen/records/", {"q": asked}).context["page"].rows

    assert len(rows) == PAGE_SIZE
    assert all(asked in f"{row.name} {row.king_id}" or asked == "product" for row in rows)
