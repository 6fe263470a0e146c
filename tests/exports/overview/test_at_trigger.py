"""What OutSmart still holds at the trigger is counted when an export asks, and less what was seen since."""

from __future__ import annotations

import pytest
from django.utils import translation

from kingsync.exports.overview import at_trigger
from kingsync.models.runs import RunStatus
from kingsync.models.tenants import Tenant
from kingsync.notifications import silence
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario

pytestmark = pytest.mark.usefixtures("stocked")


def unseen() -> int:
    found = at_trigger.at_trigger()
    assert found
    return found.unseen


def test_nothing_is_known_before_outsmart_was_asked(tenant: Tenant) -> None:
    assert at_trigger.at_trigger() is None


def test_export_that_reached_all_leaves_nothing_unseen(outsmart: OutSmartSandbox) -> None:
    for _ in range(2):
        scenario.work_order(outsmart)

    run = scenario.export()

    found = at_trigger.at_trigger()
    assert found
    assert (found.unseen, found.run_id) == (0, run.pk)
    assert run.started_at
    assert run.started_at <= found.asked_at


def test_what_a_failed_export_did_not_reach_waits(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    for _ in range(3):
        scenario.work_order(outsmart)
    king.faults.add(Fault(kind="unauthorized", operation="Order_Toevoegen", times="forever"))

    run = scenario.export()

    assert run.status == RunStatus.FAILED
    assert unseen() == 2
    with translation.override("en"):
        assert silence.waiting_text() == "At least 3 work orders wait."


def test_what_only_outsmart_has_is_named(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(3)]
    king.faults.add(Fault(kind="unauthorized", operation="Order_Toevoegen", times="forever"))

    scenario.export()

    found = at_trigger.at_trigger()
    assert found
    assert found.listed == 3
    assert len(found.named) == 2
    assert set(found.named) < set(numbers)


def test_preview_asks_too_and_archived_work_orders_do_not_wait(outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.work_order(outsmart, Archived="True")

    scenario.export(dry_run=True)

    assert unseen() == 1


def test_export_of_one_work_order_does_not_ask(outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)

    scenario.export(work_orders=[number])

    assert at_trigger.at_trigger() is None
