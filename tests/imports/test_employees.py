"""The names of employees: read with the pick lists, and by an import once a day."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from kingsync.king_mirror import pick_list_refresh, pick_lists
from kingsync.models.links import Employee
from kingsync.models.tenants import Tenant
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario


@pytest.fixture(autouse=True)
def _employed(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    factories.settings(tenant)
    hire(outsmart, "105", "Jan")


def hire(outsmart: OutSmartSandbox, number: str, first: str) -> None:
    outsmart.store.masters.put("employees", {"number": number, "firstname": first, "lastname": "de Vries"})


def names() -> dict[str, str]:
    return dict(Employee.objects.values_list("number", "name"))


def reads(outsmart: OutSmartSandbox) -> int:
    return [call.operation for call in outsmart.calls.all()].count("employees")


def test_an_import_reads_the_names_once_a_day(outsmart: OutSmartSandbox) -> None:
    scenario.load()
    scenario.load()
    assert (names(), reads(outsmart)) == ({"105": "Jan de Vries"}, 1)

    Employee.objects.update(read_at=timezone.now() - pick_lists.NAMES_KEPT - datetime.timedelta(seconds=1))
    hire(outsmart, "106", "Bea")
    scenario.load()

    assert (names(), reads(outsmart)) == ({"105": "Jan de Vries", "106": "Bea de Vries"}, 2)


def test_refreshed_pick_lists_read_them_at_once(outsmart: OutSmartSandbox) -> None:
    scenario.load()
    hire(outsmart, "105", "Johan")

    pick_list_refresh.refresh_choices()

    assert names() == {"105": "Johan de Vries"}


def test_names_that_cannot_be_read_stop_no_import(outsmart: OutSmartSandbox) -> None:
    outsmart.faults.add(Fault(kind="html", operation="employees", times="forever"))

    assert scenario.load().status == "succeeded"
    assert names() == {}
