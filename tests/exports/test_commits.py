"""What one exported order costs our database: statements, commits, and commits that wait for the disk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kingsync.exports import export_job, export_run, king_order
from kingsync.exports.overview import at_trigger
from kingsync.exports.restore_guard import RestoreGuard
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import Step, WorkOrder
from kingsync.runs import run_log
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

pytestmark = pytest.mark.django_db(transaction=True)

# Per new order of ten lines; docs/performance.md says what they are.
STATEMENTS, COMMITS, FLUSHES = 12, 8, 3
# Saved while time passes, not for each order: a busy machine does it more often for the same work.
OVER_TIME = 'UPDATE kingsync_workorder SET "outcome_unknown_until" = '


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario.stock(king)
    factories.settings(tenant)
    scenario.export()  # fills the mirror
    for module, name in (
        (king_order, "LAZY_SAVE_WAIT_SECONDS"),
        (run_log, "PAUSE_SECONDS"),
        (export_job, "HEARTBEAT_SECONDS"),
        (export_run, "REREAD_AFTER_SECONDS"),
    ):
        monkeypatch.setattr(module, name, math.inf)


@dataclass
class Cost:
    statements: int = 0
    commits: int = 0
    flushes: int = 0


def cost_of(captured: CaptureQueriesContext) -> Cost:
    """Count: outside a transaction each statement is a commit; what writes waits for the disk unless told not to."""
    cost, transaction = Cost(), list[str]()
    is_open = False
    for sql in (each["sql"].strip() for each in captured):
        if sql.startswith(OVER_TIME):
            continue
        cost.statements += 1
        is_open = (is_open or sql == "BEGIN") and sql != "COMMIT"
        transaction.append(sql)
        if not is_open:
            cost.commits += 1
            cost.flushes += _waits_for_disk(transaction)
            transaction = []
    return cost


def _waits_for_disk(transaction: list[str]) -> bool:
    writes = any(sql.startswith(("INSERT", "UPDATE", "DELETE", "WITH")) for sql in transaction)
    return writes and not any("synchronous_commit" in sql for sql in transaction)


def exported(outsmart: OutSmartSandbox, orders: int) -> Cost:
    """Export so many new work orders of ten lines each and return what all of it cost."""
    for _ in range(orders):
        scenario.work_order(outsmart, Materials=[scenario.material() for _ in range(7)])
    with CaptureQueriesContext(connection) as captured:
        run = scenario.export()
    assert scenario.counts(run) == {"read": orders, "created": orders}
    return cost_of(captured)


def test_a_new_order_takes_few_statements_commits_and_waits_for_the_disk(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    few, many = exported(outsmart, 2), exported(outsmart, 12)

    assert (many.statements - few.statements) / 10 <= STATEMENTS
    assert (many.commits - few.commits) / 10 <= COMMITS
    assert (many.flushes - few.flushes) / 10 <= FLUSHES
    assert scenario.is_clean(king)


def test_what_must_survive_a_power_cut_is_on_disk_before_the_next_call(outsmart: OutSmartSandbox) -> None:
    """Pending before the order is created, its number right after, and the end (docs/decisions/0001)."""
    scenario.work_order(outsmart)
    with CaptureQueriesContext(connection) as captured:
        scenario.export()

    found = [each["sql"].strip() for each in captured]
    pending = next(place for place, sql in enumerate(found) if "\"step\" = 'pending'" in sql)
    number = next(place for place, sql in enumerate(found) if "\"step\" = 'created'" in sql)
    end = next(place for place, sql in enumerate(found) if "\"step\" = 'confirmed'" in sql)
    begin = max(place for place, sql in enumerate(found[:pending]) if sql == "BEGIN")
    commit = next(place for place, sql in enumerate(found) if place > pending and sql == "COMMIT")
    assert not [sql for sql in found[begin:commit] if "synchronous_commit" in sql]
    assert any("INSERT INTO" in sql and "kingsync_orderline" in sql for sql in found[begin:commit])
    assert commit < number < end
    assert "kingsync_orderlink" in found[number]
    assert not [place for place in (number, end) if "synchronous_commit" in found[place]]


def test_an_order_that_someone_linked_meanwhile_is_not_created(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked between two orders of a run, so the save itself notices what others changed."""
    other = scenario.work_order(outsmart)
    scenario.export()
    number = scenario.ledger(other).king_order_number
    wanted = scenario.work_order(outsmart)
    honest = RestoreGuard.before_create

    def linked_meanwhile(self: RestoreGuard, row: WorkOrder) -> bool:
        learned = honest(self, row)
        columns: dict[str, Any] = {"king_order_number": number, "step": Step.CREATED, "is_created_by_us": False}
        WorkOrder.objects.filter(pk=row.pk).update(**columns)
        return learned

    monkeypatch.setattr(RestoreGuard, "before_create", linked_meanwhile)

    scenario.export()

    assert [each["ExternOrderNummer"] for each in scenario.orders(king)] == [f"OS-{other}"]
    assert scenario.ledger(wanted).king_order_number == number
    assert scenario.is_clean(king)


def test_a_work_order_that_the_ledger_got_meanwhile_is_not_added_twice(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    outsmart.store.edit_work_order(number, {"status": "Compleet", "WorkStatus": "1"})
    monkeypatch.setattr(at_trigger, "missing", list)  # as if it had come after the list was read

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "unchanged": 1}
    assert WorkOrder.objects.filter(outsmart_id=number).count() == 1
    assert len(scenario.orders(king)) == 1


def test_an_unlocked_order_is_saved_as_unlocked_with_the_next_or_at_the_end(outsmart: OutSmartSandbox) -> None:
    for _ in range(3):
        scenario.work_order(outsmart)

    scenario.export()

    assert not WorkOrder.objects.filter(is_locked=True).exists()
    assert not WorkOrder.objects.filter(outcome_unknown_until__isnull=False).exists()
