"""How records come into the index of the search over master data, and what changes afterwards."""

from __future__ import annotations

import pytest

from kingsync import tasks
from kingsync.king_mirror import search_index
from kingsync.models import tenants
from kingsync.models.links import RecordLink
from kingsync.models.tenants import Tenant
from tests import factories
from tests.web.records.indexed import found_by


def test_records_of_all_companies_come_into_the_index_in_small_steps(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "AT_ONCE", 2)
    for owner in (tenant, factories.tenant()):
        for _ in range(3):
            factories.record_link(owner)

    assert [search_index.catch_up() for _ in range(5)] == [2, 2, 2, 0, 0]
    assert not RecordLink.across_tenants.filter(is_in_search=False).exists()


def test_a_name_that_changes_later_is_found_by_its_new_name_alone(tenant: Tenant) -> None:
    row = factories.record_link(tenant, name="Boiler")
    tasks.fill_search()
    with tenants.scope(tenant):
        RecordLink.objects.filter(pk=row.pk).update(name="Radiator")

        assert found_by("boil") == []
        assert found_by("diato") == [row.king_id]
