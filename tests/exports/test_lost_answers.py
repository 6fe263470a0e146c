"""Answers that are lost, late, broken or a temporary refusal, at each kind of write of an update and an approval.

Those for creating an order are in test_exports.py. At the end: what King's staff did to the order meanwhile.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kingsync import worker
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, Step, WorkOrder
from kingsync.runs import lifecycle
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.scenario import choose

pytestmark = pytest.mark.usefixtures("lost_answers_soon_settled")

INTERIM = {"status": "Opgehaald", "WorkStatus": "5"}
FINAL = {"status": "Compleet", "WorkStatus": "1"}
STAFF = {"RegelSoort": "ART", "ArtikelNummer": "KNIE", "AantalBesteld": 4}
# Operation, and which call of it in the update below.
WRITES = [
    ("Order_OrderRegel_Wijzigen", 0),  # the one that locks the order
    ("Order_OrderRegel_Wijzigen", 1),
    ("Order_OrderRegel_Verwijderen", 0),
    ("Order_OrderRegel_Verwijderen", 2),
    ("Order_OrderRegel_Toevoegen", 0),
    ("Order_OrderRegel_Toevoegen", 2),
    ("Order_Wijzigen", 0),
    ("Order_LockVrijgeven", 0),
]
OPERATIONS = sorted({operation for operation, _ in WRITES})
LOST: list[dict[str, Any]] = [
    {"kind": "timeout_before"},
    {"kind": "timeout_after"},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "half"},
    {"kind": "broken_json"},
    {"kind": "http_500"},
    {"kind": "http_500", "after": True},
    {"kind": "http_503"},
    {"kind": "http_503", "after": True},
]


@pytest.fixture(autouse=True)
def _stocked(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    king.store.put_record("article", "BOCHT", {"OmschrijvingKort": "Bocht", "AantalDecimalen": 0})
    factories.settings(
        tenant, approve_order=True, interim_updates=True, create_interim_order=True, order_update_status="5"
    )


@pytest.fixture
def number(king: KingSandbox, outsmart: OutSmartSandbox) -> str:
    """Set up a work order whose next export changes, removes, inserts and approves; staff's own line is first."""
    hour = scenario.period()
    rows = [scenario.material("BUIS"), scenario.material("KNIE", "2")]
    made = scenario.work_order(outsmart, Materials=rows, Workperiods=[hour], **INTERIM)
    scenario.export()
    number = the_order(king)["OrderNummer"]
    king.store.edit_order(number, Edit(add=[STAFF]))
    king.store.order(number).lines[-1].position = 0
    rows = [scenario.material("BUIS", "3"), scenario.material("BOCHT")]
    outsmart.store.edit_work_order(made, {"Materials": rows, "Workperiods": [hour], **FINAL})
    king.calls.clear()
    return made


def the_order(king: KingSandbox) -> dict[str, Any]:
    (order,) = scenario.orders(king)
    return order


def is_right(king: KingSandbox, number: str) -> None:
    """Assert that there is one approved order, with the whole update and staff's line; nothing duplicated or locked."""
    order, row = the_order(king), scenario.ledger(number)
    assert scenario.lines(order) == [
        ("ART", "KNIE", "4"),
        ("ART", "BUIS", "3"),
        ("ART", "BOCHT", "1"),
        ("TAR", "MONT", "1"),
        ("TEKST", "Ketel nagekeken", ""),
        ("TEKST", f"Werkbon 2025.{number}", ""),
    ]
    assert (order["Goedgekeurd"], order["VrijVoorLevering"]) == (1, 1)
    assert (row.state, row.is_locked, row.outcome_unknown_until) == (LedgerState.DONE, False, None)
    assert scenario.is_clean(king)


@pytest.mark.parametrize(("operation", "skip"), WRITES)
@pytest.mark.parametrize("how", LOST, ids=lambda how: "-".join(map(str, how.values())))
def test_a_lost_answer_of_an_update_never_doubles_or_loses_anything(
    king: KingSandbox, number: str, how: dict[str, Any], operation: str, skip: int
) -> None:
    king.faults.add(Fault(operation=operation, skip=skip, **how))

    run = scenario.export()

    assert not king.faults.rules(), "the export never came to the fault"
    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 1, "updated": 1})
    is_right(king, number)


@pytest.mark.parametrize(("operation", "skip"), WRITES)
def test_a_call_that_is_carried_out_late_is_waited_for(
    king: KingSandbox, number: str, operation: str, skip: int
) -> None:
    king.faults.add(Fault(kind="late", operation=operation, skip=skip))

    run = scenario.export()

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 1, "updated": 1})
    is_right(king, number)


def test_a_late_last_call_leaves_no_lock_although_nothing_else_is_left_to_do(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(approve_order=False)
    number = scenario.work_order(outsmart)
    king.faults.add(Fault(kind="late", operation="Order_OrderRegel_Toevoegen", skip=3))

    scenario.export()

    assert scenario.ledger(number).state == LedgerState.DONE
    assert not scenario.ledger(number).is_locked
    assert scenario.is_clean(king)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_king_that_asks_to_slow_down_is_obeyed(king: KingSandbox, number: str, operation: str) -> None:
    king.faults.add(Fault(kind="http_429", operation=operation, retry_after=1))

    run = scenario.export()

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 1, "updated": 1})
    is_right(king, number)


@pytest.mark.parametrize(("operation", "skip"), WRITES[:-1])
def test_an_order_that_somebody_opens_half_way_is_finished_by_the_next_run(
    king: KingSandbox, number: str, operation: str, skip: int
) -> None:
    king.faults.add(Fault(kind="lock_by_user", operation=operation, skip=skip))

    first = scenario.export()
    second = scenario.export()

    assert scenario.counts(first) == {"read": 1, "skipped": 1}
    assert scenario.counts(second) == {"read": 1, "updated": 1}
    is_right(king, number)


@pytest.mark.parametrize("operation", ["Order_OrderRegel_Verwijderen", "Orders_Opvragen"])
def test_a_refusal_that_is_no_line_of_ours_stops_this_work_order_only(
    king: KingSandbox, outsmart: OutSmartSandbox, number: str, operation: str
) -> None:
    other = scenario.work_order(outsmart)
    king.faults.add(Fault(kind="refuse", operation=operation, code="K9", message="Nu even niet"))

    first = scenario.export()
    second = scenario.export()

    assert first.status in ("succeeded", "partly")
    assert scenario.ledger(other).state == LedgerState.DONE
    assert second.status == "succeeded"
    assert scenario.ledger(number).state == LedgerState.DONE
    (order,) = (each for each in scenario.orders(king) if each["ExternOrderNummer"] == f"OS-{number}")
    assert [line[1] for line in scenario.lines(order)][:3] == ["KNIE", "BUIS", "BOCHT"]
    assert scenario.is_clean(king)


def test_a_run_in_slices_deals_with_every_work_order_once(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart, WorkorderNo="404")
    scenario.work_order(outsmart, Materials=[], Workperiods=[])
    scenario.work_order(outsmart, Materials=[scenario.material(), scenario.material("WEG")])
    scenario.work_order(outsmart)
    run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.COMMAND).run

    slices = 1
    while slices < 9 and worker.work_slice(run.pk, slice_seconds=0.0).more:
        slices += 1

    run.refresh_from_db()
    assert slices == 5
    assert scenario.counts(run) == {"read": 4, "rejected": 1, "skipped": 1, "created": 2}
    assert scenario.is_clean(king)


# --- What the office did in the meantime ------------------------------------------------------------------------------


def test_an_update_that_was_cut_off_and_taken_back_is_taken_back_in_king(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    hour = scenario.period()
    number = scenario.work_order(outsmart, Workperiods=[hour])
    scenario.export()
    edit: dict[str, object] = {
        "status": "Compleet",
        "Materials": [scenario.material("BUIS", "3")],
        "Workperiods": [hour],
    }
    outsmart.store.edit_work_order(number, edit)
    # The change is made, reading it back is refused.
    king.faults.add(Fault(kind="refuse", operation="Orders_Opvragen", skip=1, code="K9", message="Nu even niet"))
    scenario.export()
    outsmart.store.edit_work_order(number, {"Materials": [scenario.material("BUIS", "1")]})

    scenario.export()

    assert scenario.lines(the_order(king))[0] == ("ART", "BUIS", "1")
    assert scenario.ledger(number).state == LedgerState.DONE


def test_a_line_whose_answer_was_lost_can_be_taken_out_of_the_work_order(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.export()
    hour = scenario.period()
    rows = [scenario.material("BUIS"), scenario.material("KNIE")]
    number = scenario.work_order(outsmart, Materials=rows, Workperiods=[hour])
    king.faults.add(Fault(kind="reset_after", operation="Order_OrderRegel_Toevoegen", skip=1))
    king.faults.add(Fault(kind="refuse", operation="Orders_Opvragen", skip=1, code="K9", message="Nu even niet"))
    scenario.export()
    outsmart.store.edit_work_order(number, {"Materials": rows[:1]})

    scenario.export()

    assert [line[1] for line in scenario.lines(the_order(king))][:2] == ["BUIS", "MONT"]
    assert len(scenario.lines(the_order(king))) == 4
    assert scenario.ledger(number).state == LedgerState.DONE


def test_a_change_whose_answer_was_lost_is_no_change_by_kings_staff(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    hour = scenario.period()
    number = scenario.work_order(outsmart, Workperiods=[hour])
    scenario.export()
    for quantity, fault in (("3", "reset_after"), ("5", "")):
        edit: dict[str, object] = {
            "status": "Compleet",
            "Materials": [scenario.material("BUIS", quantity)],
            "Workperiods": [hour],
        }
        outsmart.store.edit_work_order(number, edit)
        if fault:
            king.faults.add(Fault(kind="reset_after", operation="Order_OrderRegel_Wijzigen"))
        scenario.export()

    assert scenario.lines(the_order(king))[0] == ("ART", "BUIS", "5")
    assert scenario.ledger(number).state == LedgerState.DONE


def test_work_that_leaves_the_interim_status_unfinished_is_neither_approved_nor_confirmed(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.export()
    number = scenario.work_order(outsmart, **INTERIM)
    king.faults.add(Fault(kind="lock_by_user", operation="Order_OrderRegel_Toevoegen", skip=1))
    scenario.export()
    outsmart.store.edit_work_order(number, {"WorkStatus": "7"})

    scenario.export()

    assert the_order(king)["Goedgekeurd"] == 0
    assert len(scenario.lines(the_order(king))) == 4
    assert scenario.ledger(number).state == LedgerState.INTERIM
    assert scenario.work_order_in_outsmart(outsmart, number)["status"] == "Opgehaald"


# --- What King's staff did in the meantime ----------------------------------------------------------------------------


def test_two_orders_with_our_reference_are_for_a_person(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.export()
    number = scenario.work_order(outsmart)
    king.faults.add(Fault(kind="reset_after", operation="Order_Toevoegen"))
    off = Fault(kind="refuse", operation="Orders_Opvragen", code="X", message="Uit", times="forever", skip=1)
    king.faults.add(off)
    scenario.export()
    king.faults.clear()
    king.store.put_record("order", "700", {"DebiteurNummer": 10, "ExternOrderNummer": f"OS-{number}"})

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "uncertain": 1}
    row = scenario.ledger(number)
    assert (row.state, row.reasons[0]["code"]) == (LedgerState.UNCERTAIN, "several_orders")
    assert [scenario.lines(order) for order in scenario.orders(king)] == [[], []]
    assert row.step == Step.PENDING


def test_two_orders_with_our_reference_that_the_ledger_never_knew_are_for_a_person(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart)
    for king_order in ("700", "701"):
        king.store.put_record("order", king_order, {"DebiteurNummer": 10, "ExternOrderNummer": f"OS-{number}"})

    scenario.export()

    assert [why["code"] for why in scenario.ledger(number).reasons] == ["several_orders"]
    assert len(scenario.orders(king)) == 2


def test_an_order_that_king_deleted_is_never_made_anew(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    king.store.remove_record("order", str(the_order(king)["OrderNummer"]))
    outsmart.store.edit_work_order(number, {"status": "Compleet", "WorkDescription": "Ketel vervangen"})

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "skipped": 1}
    assert scenario.ledger(number).reasons[0]["code"] == "order_delivered"
    assert scenario.orders(king) == []


@pytest.mark.parametrize("edit", [Edit(invoice=True), Edit(close=True)], ids=["invoiced", "closed"])
def test_an_order_that_is_no_longer_open_is_not_touched(king: KingSandbox, number: str, edit: Edit) -> None:
    king.store.edit_order(the_order(king)["OrderNummer"], edit)
    before = the_order(king)["OrderRegels"]

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "skipped": 1}
    row = scenario.ledger(number)
    assert (row.state, [why["code"] for why in row.reasons]) == (LedgerState.CHANGED, ["order_delivered"])
    assert the_order(king)["OrderRegels"] == before
    assert scenario.calls(king) == ["Orders_Opvragen"]


def deliver(king: KingSandbox, article: str) -> None:
    for line in king.store.order(the_order(king)["OrderNummer"]).lines:
        if line.article == article and line.external:
            line.delivered = Decimal(1)


@pytest.mark.parametrize("article", ["BUIS", "KNIE"], ids=["would change", "would go"])
def test_a_delivered_line_that_would_have_to_change_stops_the_whole_update(
    king: KingSandbox, number: str, article: str
) -> None:
    deliver(king, article)
    before = the_order(king)["OrderRegels"]

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "rejected": 1}
    assert scenario.ledger(number).reasons[0]["code"] == "order_delivered"
    assert the_order(king)["OrderRegels"] == before
    assert scenario.calls(king) == ["Orders_Opvragen"]


def test_a_delivered_line_that_stays_as_it_is_stops_nothing(king: KingSandbox, number: str) -> None:
    deliver(king, "MONT")

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert ("TAR", "MONT", "1") in scenario.lines(the_order(king))
    assert scenario.ledger(number).state == LedgerState.DONE
    assert scenario.is_clean(king)


def test_delivered_lines_of_kings_staff_do_not_matter(king: KingSandbox, number: str) -> None:
    staff = next(line for line in king.store.order(the_order(king)["OrderNummer"]).lines if not line.external)
    staff.delivered = Decimal(4)

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    is_right(king, number)


def test_a_reference_that_staff_use_twice_is_theirs(king: KingSandbox, number: str) -> None:
    twice = {**STAFF, "ExternOrderRegelNummer": "WEBSHOP-1"}
    king.store.edit_order(the_order(king)["OrderNummer"], Edit(add=[twice, twice]))

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert WorkOrder.objects.get().state == LedgerState.DONE


def test_a_lock_is_freed_although_the_order_found_again_is_rejected(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.export()
    number = scenario.work_order(outsmart)
    king.faults.add(Fault(kind="reset_after", operation="Order_Toevoegen"))
    king.faults.add(Fault(kind="refuse", operation="Orders_Opvragen", skip=1, code="K9", message="Nu even niet"))
    scenario.export()
    choose(default_warehouse="")

    scenario.export()

    assert scenario.ledger(number).state == LedgerState.REJECTED
    assert scenario.is_clean(king)
