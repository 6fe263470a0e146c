"""An order that may still be locked for King's staff stays visible until unlocked; a colleague's lock is waited for."""

from __future__ import annotations

import datetime
import json

import pytest
from django.utils import timezone

from kingsync.manual_actions import order_actions
from kingsync.models.connections import Connection, System
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.management.test_commands import command

pytestmark = pytest.mark.usefixtures("lost_answers_soon_settled")

UNLOCK = "Order_LockVrijgeven"


@pytest.fixture(autouse=True)
def _stocked(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    factories.settings(tenant, extra_text_line_1="")


def notice(outsmart_id: str) -> str:
    entries = json.loads(command("ledger", "jansen", "--json")[1])
    return next(str(each["notice"]) for each in entries if each["outsmart_id"] == outsmart_id)


def locks(king: KingSandbox) -> int:
    return len(king.store.locks())


def errors_in(run: SyncRun) -> list[str]:
    return list(LogEntry.objects.filter(run=run, level=LogEntry.Level.ERROR).values_list("event", flat=True))


REFUSALS = {
    "refused": Fault(kind="refuse", operation=UNLOCK, code="K9", message="Nu niet", times="forever"),
    "a lasting fault": Fault(kind="http_500", operation=UNLOCK, times="forever"),
    "no answer": Fault(kind="reset_before", operation=UNLOCK, times="forever"),
}


@pytest.mark.parametrize("fault", REFUSALS.values(), ids=REFUSALS.keys())
def test_an_order_that_king_does_not_free_is_a_problem_once_and_seen_until_it_is_free(
    king: KingSandbox, outsmart: OutSmartSandbox, fault: Fault
) -> None:
    number = scenario.work_order(outsmart)
    king.faults.add(fault)

    first = scenario.export()
    second = scenario.export()

    row = scenario.ledger(number)
    assert (first.status, errors_in(first)) == ("partly", ["order.not_unlocked"])
    assert (second.status, errors_in(second)) == ("succeeded", [])
    assert (row.state, row.is_locked, locks(king)) == (LedgerState.DONE, True, 1)
    assert str(row.king_order_number) in notice(number)

    king.faults.clear()
    third = scenario.export()

    assert (third.status, locks(king), notice(number)) == ("succeeded", 0, "")
    assert scenario.ledger(number).lock_failed_at is None


@pytest.mark.parametrize("count", [1, 2])
def test_a_code_that_may_not_free_orders_stops_the_run(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, count: int
) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(count)]
    king.access_codes[UNLOCK] = "another code"

    code, told = command("sync", "jansen", "export", "--json")

    result = json.loads(told)
    assert (code, result["state"]) == (2, "failed")
    assert UNLOCK in result["error"]
    assert Connection.objects.get(system=System.KING).state == Connection.State.PAUSED
    assert all(notice(number) for number in numbers if scenario.ledger(number).king_order_number)

    king.access_codes.clear()
    run = scenario.export()

    assert (run.status, locks(king)) == ("succeeded", 0)
    assert [scenario.ledger(number).state for number in numbers] == [LedgerState.DONE] * count
    assert len(scenario.orders(king)) == count


def test_an_order_that_left_king_is_not_called_locked(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    king.faults.add(REFUSALS["refused"])
    scenario.export()
    king.faults.clear()
    king.store.remove_record("order", str(scenario.ledger(number).king_order_number))

    run = scenario.export()

    assert (run.status, notice(number)) == ("succeeded", "")


def test_a_lock_that_a_colleague_took_over_is_not_ours(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    king.faults.add(REFUSALS["refused"])
    scenario.export()
    king.faults.clear()
    order = int(scenario.ledger(number).king_order_number or 0)
    king.store.unlock_order(order)
    king.store.lock_order(order, "ANNA")

    run = scenario.export()

    assert (run.status, notice(number), locks(king)) == ("succeeded", "", 1)


def test_an_order_is_freed_before_it_is_forgotten(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.put_record("order", "500", {"DebiteurNummer": 10})
    scenario.export()  # reads King's articles
    king.store.put_record("article", "BUIS", {"GeblokkeerdVoorVerkoop": 1})
    number = scenario.work_order(outsmart, WorkorderNo="500", WorkDescription="", OrderNr="", Workperiods=[])
    king.faults.add(REFUSALS["refused"])
    scenario.export()
    king.faults.clear()
    left = locks(king)

    order_actions.reset_link(work_order=scenario.ledger(number), by="Jan")

    assert (left, locks(king)) == (1, 0)


# --- A colleague's lock -----------------------------------------------------------------------------------------------


@pytest.fixture
def busy(king: KingSandbox, outsmart: OutSmartSandbox) -> str:
    """Set up a work order whose King order a colleague has open."""
    king.store.put_record("order", "500", {"DebiteurNummer": 10})
    king.store.lock_order(500, "ANNA")
    return scenario.work_order(outsmart, WorkorderNo="500")


def age(outsmart_id: str, **by: float) -> None:
    """Move the clock forward by this much."""
    row = scenario.ledger(outsmart_id)
    assert row.busy_since
    WorkOrder.objects.filter(pk=row.pk).update(busy_since=row.busy_since - datetime.timedelta(**by))


def test_an_order_that_a_colleague_has_open_is_no_problem(king: KingSandbox, busy: str) -> None:
    runs = [scenario.export(), scenario.export()]

    row = scenario.ledger(busy)
    assert [(run.status, scenario.counts(run), errors_in(run)) for run in runs] == [
        ("succeeded", {"read": 1, "skipped": 1}, [])
    ] * 2
    assert (row.state, [why["code"] for why in row.reasons]) == (LedgerState.SENDING, ["order_busy"])
    assert (row.is_locked, king.store.locks()[0]["LockEigenaar"]) == (False, "ANNA")


def test_an_order_that_is_open_for_a_day_is_told_once(king: KingSandbox, busy: str) -> None:
    scenario.export()
    age(busy, hours=23)
    before = scenario.export()
    age(busy, hours=2)

    told, again = scenario.export(), scenario.export()

    assert [run.status for run in (before, told, again)] == ["succeeded", "partly", "succeeded"]
    assert [errors_in(run) for run in (told, again)] == [["order.postponed"], []]
    assert [why["code"] for why in scenario.ledger(busy).reasons] == ["order_busy_long"]


def test_an_order_that_was_closed_again_is_sent_and_a_later_lock_counts_anew(
    king: KingSandbox, outsmart: OutSmartSandbox, busy: str
) -> None:
    scenario.export()
    age(busy, days=3)
    king.store.unlock_order(500)
    sent = scenario.export()
    king.store.lock_order(500, "ANNA")
    outsmart.store.edit_work_order(busy, {"status": "Compleet", "Materials": [scenario.material("BUIS", "7")]})

    run = scenario.export()

    row = scenario.ledger(busy)
    assert scenario.counts(sent) == {"read": 1, "updated": 1}
    assert run.status == "succeeded"
    assert row.busy_since
    assert row.busy_since > timezone.now() - datetime.timedelta(days=1)


def test_a_debtor_that_a_colleague_has_open_waits_without_an_attempt_left_behind(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart)
    king.faults.add(Fault(kind="refuse", operation="Order_Toevoegen", code="LOCK", message="In gebruik", times=2))

    runs = [scenario.export(), scenario.export()]

    assert [run.status for run in runs] == ["succeeded", "succeeded"]
    assert scenario.ledger(number).state == LedgerState.WAITING
    assert scenario.counts(scenario.export()) == {"read": 1, "created": 1}
