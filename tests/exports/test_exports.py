"""Whole exports against both sandboxes: what King and OutSmart hold afterwards, and what the ledger says."""

from __future__ import annotations

import datetime
from urllib.parse import parse_qs

import pytest
from django.utils import timezone

from kingsync.exports import acknowledge as acknowledging
from kingsync.exports.export_job import Job
from kingsync.messages.reason_texts import sentences
from kingsync.models.connections import Connection, System
from kingsync.models.runs import LogEntry
from kingsync.models.work_orders import LedgerState, OrderLine, Step, WorkOrder
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario
from tests.scenario import choose

pytestmark = pytest.mark.usefixtures("lost_answers_soon_settled", "stocked")


# --- Creating ---------------------------------------------------------------------------------------------------------


def test_a_work_order_becomes_one_order_with_its_lines(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(
        outsmart, Materials=[scenario.material("BUIS", "2,5")], Workperiods=[scenario.period("01:10")]
    )

    run = scenario.export()

    assert run.status == "succeeded"
    assert scenario.counts(run) == {"read": 1, "created": 1}
    (order,) = scenario.orders(king)
    assert (order["ExternOrderNummer"], order["DebiteurNummer"]) == (f"OS-{number}", 11)
    assert scenario.lines(order) == [
        ("ART", "BUIS", "2.5"),
        ("TAR", "MONT", "1.25"),
        ("TEKST", "Ketel nagekeken", ""),
        ("TEKST", f"Werkbon 2025.{number}", ""),
    ]
    assert scenario.is_clean(king)


def test_a_done_work_order_is_confirmed_in_outsmart(outsmart: OutSmartSandbox) -> None:
    choose(success_status="10")
    number = scenario.work_order(outsmart)

    scenario.export()

    row = scenario.ledger(number)
    assert (row.state, row.step) == (LedgerState.DONE, Step.CONFIRMED)
    assert scenario.work_order_in_outsmart(outsmart, number)["status"] == "Afgehandeld"
    assert scenario.work_order_in_outsmart(outsmart, number)["WorkStatus"] == "10"


def test_creating_takes_no_call_more_than_needed(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.export()  # fills the mirror
    scenario.work_order(outsmart)
    king.calls.clear()

    scenario.export()

    assert scenario.calls(king) == [
        "Orders_Opvragen",  # once a run: what King has of ours
        "Order_Toevoegen",
        "Order_OrderRegel_Toevoegen",
        "Order_OrderRegel_Toevoegen",
        "Order_OrderRegel_Toevoegen",
        "Order_OrderRegel_Toevoegen",
        "Orders_Opvragen",  # read back
        "Order_LockVrijgeven",
    ]


def test_every_read_of_work_orders_leaves_their_status_alone(outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)

    scenario.export()

    reads = [call for call in outsmart.calls.all() if call.operation in ("GetWorkorders", "GetWorkorder")]
    marks = [parse_qs(call.query)["update_status"][0] for call in reads]
    assert marks == ["false"] * (len(marks) - 1) + ["true"]
    assert reads[-1].operation == "GetWorkorder"


def test_an_approved_order_is_approved_after_its_lines_and_released(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(approve_order=True)
    number = scenario.work_order(outsmart)

    scenario.export()

    (order,) = scenario.orders(king)
    assert (order["Goedgekeurd"], order["VrijVoorLevering"], order["Verzamellijst"]) == (1, 1, "NIET")
    assert scenario.calls(king)[-2:] == ["Order_Wijzigen", "Order_LockVrijgeven"]
    assert scenario.ledger(number).is_approved


def test_a_second_run_sends_nothing_again(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    outsmart.store.edit_work_order(number, {"status": "Compleet"})  # the office put it back
    king.calls.clear()

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "unchanged": 1}
    assert scenario.calls(king) == []
    assert scenario.work_order_in_outsmart(outsmart, number)["status"] == "Afgehandeld"


# --- Updating ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def linked(king: KingSandbox) -> str:
    """Create an open order of King's own staff, with one line."""
    king.store.put_record("order", "500", {"DebiteurNummer": 10})
    king.store.edit_order(500, Edit(add=[{"RegelSoort": "ART", "ArtikelNummer": "KNIE", "AantalBesteld": 4}]))
    return "500"


def test_a_linked_order_is_added_to_and_staff_lines_stay(
    king: KingSandbox, outsmart: OutSmartSandbox, linked: str
) -> None:
    number = scenario.work_order(outsmart, WorkorderNo=linked)

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert [line[1] for line in scenario.lines(scenario.orders(king, ours=False)[0])][:3] == ["KNIE", "BUIS", "MONT"]
    assert scenario.ledger(number).king_order_number == linked
    assert scenario.orders(king) == []  # no new one


def test_an_update_is_only_the_difference(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    hour = scenario.period()
    number = scenario.work_order(
        outsmart, Materials=[scenario.material("BUIS"), scenario.material("KNIE")], Workperiods=[hour]
    )
    scenario.export()
    changes: dict[str, object] = {
        "status": "Compleet",
        "Materials": [scenario.material("BUIS", "3")],
        "Workperiods": [hour],
    }
    outsmart.store.edit_work_order(number, changes)
    king.calls.clear()

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert scenario.lines(scenario.orders(king)[0])[:2] == [("ART", "BUIS", "3"), ("TAR", "MONT", "1")]
    assert sorted(scenario.calls(king)) == [
        "Order_LockVrijgeven",
        "Order_OrderRegel_Verwijderen",
        "Order_OrderRegel_Wijzigen",  # locks the order before a line is taken out
        "Order_OrderRegel_Wijzigen",
        "Orders_Opvragen",
        "Orders_Opvragen",
        "Orders_Opvragen",
    ]


@pytest.mark.parametrize("order_number", ["404", "A-17", "99999999999999999999"])
def test_an_unknown_linked_order_is_rejected_and_never_made_anew(
    king: KingSandbox, outsmart: OutSmartSandbox, order_number: str
) -> None:
    choose(failure_status="99")
    number = scenario.work_order(outsmart, WorkorderNo=order_number)

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "rejected": 1}
    assert scenario.ledger(number).state == LedgerState.REJECTED
    assert order_number in sentences(scenario.ledger(number).reasons)
    assert scenario.orders(king, ours=False) == []
    assert scenario.work_order_in_outsmart(outsmart, number)["WorkStatus"] == "99"


def test_a_repaired_rejection_is_exported_although_we_changed_its_status(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(failure_status="99")
    number = scenario.work_order(outsmart, WorkorderNo="500")
    scenario.export()
    king.store.put_record("order", "500", {"DebiteurNummer": 10})

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert scenario.ledger(number).state == LedgerState.DONE


def test_a_line_changed_on_both_sides_is_held_with_both_values(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    (order,) = scenario.orders(king)
    line = order["OrderRegels"][0]["RegelID"]
    king.store.edit_order(order["OrderNummer"], Edit(change=[{"RegelID": line, "AantalBesteld": 9}]))
    outsmart.store.edit_work_order(number, {"status": "Compleet", "Materials": [scenario.material("BUIS", "2")]})

    scenario.export()

    row = scenario.ledger(number)
    assert row.state == LedgerState.HELD
    told = row.reasons[0]["params"]
    assert [told[name] for name in ("line", "field", "before", "ours", "theirs")] == ["BUIS", "quantity", "1", "2", "9"]
    assert scenario.lines(scenario.orders(king)[0])[0] == ("ART", "BUIS", "9")
    assert scenario.is_clean(king)


# --- Stopped by rule or setting ---------------------------------------------------------------------------------------


def test_without_create_new_order_an_unlinked_work_order_is_held(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(create_new_order=False)
    number = scenario.work_order(outsmart)

    run = scenario.export()

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 1, "skipped": 1})
    assert scenario.ledger(number).reasons[0]["code"] == "not_linked"
    assert scenario.orders(king) == []


def test_archived_work_orders_and_other_statuses_are_left_alone(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart, Archived="1")
    scenario.work_order(outsmart, WorkStatus="01")
    scenario.work_order(outsmart, status="Opgehaald")

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "skipped": 1}
    assert scenario.orders(king) == []


def test_a_refused_line_does_not_stop_the_others_and_blocks_approval(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(approve_order=True)
    number = scenario.work_order(outsmart, Materials=[scenario.material("BUIS"), scenario.material("ONBEKEND")])

    run = scenario.export()

    assert (run.status, scenario.counts(run)) == ("partly", {"read": 1, "created": 1})
    (order,) = scenario.orders(king)
    assert [line[1] for line in scenario.lines(order)][:2] == ["BUIS", "MONT"]
    assert order["Goedgekeurd"] == 0
    row = scenario.ledger(number)
    assert row.state == LedgerState.INCOMPLETE
    assert scenario.work_order_in_outsmart(outsmart, number)["status"] == "Compleet"
    refused = OrderLine.objects.get(work_order=row, state=OrderLine.State.REFUSED)
    assert (refused.source, refused.reasons[0]["code"]) == ("ONBEKEND", "unknown_article")


def test_a_refused_line_is_sent_by_itself_once_king_knows_the_article(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(approve_order=True)
    number = scenario.work_order(outsmart, Materials=[scenario.material("NIEUW"), scenario.material("BUIS")])
    scenario.export()
    king.store.put_record("article", "NIEUW", {"OmschrijvingKort": "Nieuw", "AantalDecimalen": 0})

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    (order,) = scenario.orders(king)
    assert [line[1] for line in scenario.lines(order)][:3] == ["NIEUW", "BUIS", "MONT"]  # in sequence
    assert order["Goedgekeurd"] == 1
    assert scenario.ledger(number).state == LedgerState.DONE
    assert scenario.is_clean(king)


def test_a_line_that_only_king_itself_refuses_is_told_in_kings_words(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart)
    king.faults.add(
        Fault(kind="refuse", operation="Order_OrderRegel_Toevoegen", code="K123", message="Artikel niet leverbaar")
    )

    scenario.export()

    assert "K123 Artikel niet leverbaar" in sentences(scenario.ledger(number).reasons)
    assert len(scenario.lines(scenario.orders(king)[0])) == 3


def test_nothing_is_sent_when_every_line_would_be_refused(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(
        outsmart, Materials=[scenario.material("WEG")], Workperiods=[scenario.period(hour_type="WEG")]
    )

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "rejected": 1}
    assert scenario.orders(king) == []
    codes = [why["code"] for why in scenario.ledger(number).reasons]
    assert codes == ["all_lines_refused", "line_refused", "line_refused"]


def test_a_refused_order_is_rejected_in_kings_words(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.faults.add(Fault(kind="refuse", operation="Order_Toevoegen", code="K7", message="Kredietlimiet overschreden"))
    number = scenario.work_order(outsmart)

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "rejected": 1}
    assert "K7 Kredietlimiet overschreden" in sentences(scenario.ledger(number).reasons)


def test_a_line_that_waits_for_another_repair_now_says_for_which(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.put_record("rate", "STIL", {"OmschrijvingKort": "Oud tarief", "GeblokkeerdVoorVerkoop": 1})
    number = scenario.work_order(outsmart, Workperiods=[scenario.period(total="anderhalf", hour_type="STIL")])
    scenario.export()
    king.store.put_record("rate", "STIL", {"GeblokkeerdVoorVerkoop": 0})

    scenario.export()

    row = scenario.ledger(number)
    assert [why["params"]["code"] for why in row.reasons] == ["unreadable_time"]
    assert [why["code"] for line in scenario.ledger_lines(row) for why in line.reasons] == ["unreadable_time"]


# --- Interim ----------------------------------------------------------------------------------------------------------


def test_interim_then_final_counts_no_hour_twice(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(interim_updates=True, order_update_status="5", create_interim_order=True, approve_order=True)
    hour = scenario.period("02:00")
    number = scenario.work_order(outsmart, status="Opgehaald", WorkStatus="5", Workperiods=[hour])
    first = scenario.export()
    state_then, approved_then = scenario.ledger(number).state, scenario.orders(king)[0]["Goedgekeurd"]
    outsmart.store.edit_work_order(number, {"status": "Compleet", "WorkStatus": "1", "Workperiods": [hour]})

    second = scenario.export()

    assert (scenario.counts(first), state_then, approved_then) == ({"read": 1, "created": 1}, LedgerState.INTERIM, 0)
    assert scenario.counts(second)["read"] == 1
    (order,) = scenario.orders(king)
    assert [line for line in scenario.lines(order) if line[0] == "TAR"] == [("TAR", "MONT", "2")]
    assert order["Goedgekeurd"] == 1
    assert scenario.ledger(number).state == LedgerState.DONE


def test_an_interim_order_is_made_only_when_asked(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(interim_updates=True, order_update_status="5", create_interim_order=False)
    number = scenario.work_order(outsmart, status="Opgehaald", WorkStatus="5")

    scenario.export()

    assert scenario.ledger(number).reasons[0]["code"] == "not_linked_interim"
    assert scenario.orders(king) == []


@pytest.mark.parametrize("status", ["Opgehaald", "Compleet"])
def test_a_repaired_interim_rejection_goes_on_as_interim_although_we_changed_its_status(
    king: KingSandbox, outsmart: OutSmartSandbox, status: str
) -> None:
    choose(
        interim_updates=True,
        order_update_status="5",
        create_interim_order=True,
        approve_order=True,
        failure_status="99",
    )
    lines = {"Materials": [scenario.material("LATER")], "Workperiods": []}
    number = scenario.work_order(outsmart, status=status, WorkStatus="5", **lines)
    scenario.export()
    assert scenario.work_order_in_outsmart(outsmart, number)["WorkStatus"] == "99"

    scenario.export()
    assert scenario.ledger(number).state == LedgerState.REJECTED

    king.store.put_record("article", "LATER", {"OmschrijvingKort": "Nieuw artikel"})
    scenario.export()

    assert scenario.ledger(number).state == LedgerState.INTERIM
    assert scenario.work_order_in_outsmart(outsmart, number)["status"] == status
    assert [order["Goedgekeurd"] for order in scenario.orders(king)] == [0]


def test_interim_work_that_the_office_took_back_is_not_finished_by_us(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(interim_updates=True, order_update_status="5", create_interim_order=True, approve_order=True)
    number = scenario.work_order(outsmart, WorkStatus="5", Materials=[scenario.material(), scenario.material("LATER")])
    scenario.export()
    outsmart.store.edit_work_order(number, {"WorkStatus": "2"})
    king.store.put_record("article", "LATER", {"OmschrijvingKort": "Nieuw artikel"})

    scenario.export()

    assert scenario.ledger(number).state == LedgerState.INTERIM
    assert scenario.work_order_in_outsmart(outsmart, number)["status"] == "Compleet"
    assert [order["Goedgekeurd"] for order in scenario.orders(king)] == [0]


# --- Lost answers -----------------------------------------------------------------------------------------------------

DOUBTFUL = ["timeout_before", "timeout_after", "reset_before", "reset_after", "half", "broken_json"]
WRITES = ["Order_Toevoegen", "Order_OrderRegel_Toevoegen", "Order_Wijzigen", "Order_LockVrijgeven"]


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize("kind", DOUBTFUL)
def test_a_lost_answer_never_doubles_or_loses_anything(
    king: KingSandbox, outsmart: OutSmartSandbox, kind: str, operation: str
) -> None:
    choose(approve_order=True)
    number = scenario.work_order(outsmart)
    king.faults.add(Fault(kind=kind, operation=operation))  # type: ignore[arg-type]

    run = scenario.export()

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 1, "created": 1})
    (order,) = scenario.orders(king)
    assert len(scenario.lines(order)) == 4
    assert (order["Goedgekeurd"], order["VrijVoorLevering"]) == (1, 1)
    assert scenario.ledger(number).state == LedgerState.DONE
    assert scenario.is_clean(king)


def test_a_call_carried_out_long_after_its_time_out_is_not_repeated(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.work_order(outsmart)
    king.faults.add(Fault(kind="late", operation="Order_Toevoegen"))

    scenario.export()

    assert len(scenario.orders(king)) == 1
    assert scenario.is_clean(king)


def test_an_order_that_cannot_be_looked_up_is_uncertain_and_not_sent_again(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.export()
    number = scenario.work_order(outsmart)
    king.faults.add(Fault(kind="reset_after", operation="Order_Toevoegen"))
    off = Fault(kind="refuse", operation="Orders_Opvragen", code="X", message="Uit", times="forever", skip=1)
    king.faults.add(off)

    first = scenario.export()
    king.faults.clear()
    second = scenario.export()

    assert scenario.counts(first) == {"read": 1, "uncertain": 1}
    assert scenario.counts(second) == {"read": 1, "created": 1}
    assert scenario.ledger(number).state == LedgerState.DONE
    assert len(scenario.orders(king)) == 1


def test_a_failed_confirmation_is_repeated_without_touching_king(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    outsmart.faults.add(Fault(kind="http_500", operation="GetWorkorder", times=1))
    first = scenario.export()
    state_then = scenario.ledger(number).state
    king.calls.clear()

    second = scenario.export()

    assert (first.status, state_then) == ("partly", LedgerState.UNCONFIRMED)
    assert scenario.counts(second) == {"read": 1, "unchanged": 1}
    assert scenario.calls(king) == []
    assert scenario.ledger(number).state == LedgerState.DONE


def test_an_order_open_on_a_kings_screen_is_tried_again_later(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.put_record("order", "500", {"DebiteurNummer": 10})
    king.store.lock_order(500, "KASSA")
    number = scenario.work_order(outsmart, WorkorderNo="500")

    first = scenario.export()
    state_then = scenario.ledger(number).state
    king.store.unlock_order(500)
    second = scenario.export()

    assert (scenario.counts(first), state_then) == ({"read": 1, "skipped": 1}, LedgerState.SENDING)
    assert scenario.counts(second) == {"read": 1, "updated": 1}
    assert scenario.is_clean(king)


# --- Whole runs that fail ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("http_500", "system.server_error"),
        ("html", "system.not_json"),
        ("broken_json", "system.not_json"),
        ("empty", "system.empty"),
        ("unauthorized", "system.authentication"),
    ],
)
def test_an_outsmart_that_fails_ends_the_run_with_one_sentence(outsmart: OutSmartSandbox, kind: str, code: str) -> None:
    outsmart.faults.add(Fault(kind=kind, operation="GetWorkorders", times="forever"))  # type: ignore[arg-type]

    run = scenario.export()

    assert (run.status, run.error["code"]) == ("failed", code)
    assert LogEntry.objects.filter(run=run, event="run.failed").count() == 1


def test_a_refused_access_code_stops_the_run_and_pauses_the_connection(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.export()
    number = scenario.work_order(outsmart)
    king.faults.add(Fault(kind="unauthorized", operation="Order_Toevoegen"))

    run = scenario.export()

    assert (run.status, run.error["code"]) == ("failed", "system.authentication")
    assert Connection.objects.get(system=System.KING).state == Connection.State.PAUSED
    assert scenario.ledger(number).state in (LedgerState.SENDING, LedgerState.WAITING)
    assert scenario.counts(run) == {"read": 1, "failed": 1}


def test_an_unreachable_king_ends_the_run_and_loses_nothing(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    address = Connection.objects.get(system=System.KING).base_url
    Connection.objects.filter(system=System.KING).update(base_url="http://127.0.0.1:9")

    first = scenario.export()
    Connection.objects.filter(system=System.KING).update(base_url=address)
    second = scenario.export()

    assert (first.status, first.error["code"]) == ("failed", "system.unreachable")
    assert scenario.counts(second) == {"read": 1, "created": 1}
    assert scenario.ledger(number).state == LedgerState.DONE


# --- Changed afterwards -----------------------------------------------------------------------------------------------


def test_an_edit_between_reading_and_confirming_is_told(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = scenario.work_order(outsmart)
    acknowledge = acknowledging.acknowledge

    def edited_just_before(job: Job, row: WorkOrder) -> bytes:
        outsmart.store.edit_work_order(number, {"Materials": [scenario.material("BUIS", "3")]})
        return acknowledge(job, row)

    monkeypatch.setattr(acknowledging, "acknowledge", edited_just_before)

    run = scenario.export()

    row = scenario.ledger(number)
    assert (run.status, scenario.counts(run), row.state) == ("partly", {"read": 1, "created": 1}, LedgerState.CHANGED)
    assert row.reasons[0]["params"]["detail"] == "BUIS: 1 BUIS → 3 BUIS"


def test_an_edit_long_after_the_export_is_told_with_the_difference(outsmart: OutSmartSandbox) -> None:
    hour = scenario.period("01:00")
    number = scenario.work_order(outsmart, Workperiods=[hour])
    scenario.export()
    outsmart.store.edit_work_order(number, {"Workperiods": [hour | {"TotalTime": "02:00"}], "Materials": []})
    at_once = scenario.export()
    WorkOrder.objects.update(verified_at=timezone.now() - datetime.timedelta(hours=25))

    later = scenario.export()

    row = scenario.ledger(number)
    assert (at_once.status, later.status, row.state) == ("succeeded", "partly", LedgerState.CHANGED)
    assert row.reasons[0]["params"]["detail"] == "BUIS: 1 BUIS → -; MONT 10-11-2025: 1 MONT → 2 MONT"


def test_an_exported_work_order_that_nobody_touched_stays_done(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    WorkOrder.objects.update(verified_at=None)
    king.calls.clear()

    run = scenario.export()

    assert (run.status, scenario.counts(run), scenario.ledger(number).state) == ("succeeded", {}, LedgerState.DONE)
    assert scenario.ledger(number).verified_at is not None
    assert scenario.calls(king) == []


def test_a_changed_work_order_back_at_the_trigger_updates_its_order(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    outsmart.store.edit_work_order(number, {"Materials": [scenario.material("BUIS", "3")]})
    WorkOrder.objects.update(verified_at=None)
    scenario.export()
    outsmart.store.edit_work_order(number, {"status": "Compleet"})

    scenario.export()

    assert scenario.ledger(number).state == LedgerState.DONE
    assert scenario.lines(scenario.orders(king)[0])[0] == ("ART", "BUIS", "3")
    assert scenario.is_clean(king)


# --- Explaining -------------------------------------------------------------------------------------------------------


def test_the_rounding_of_each_hour_line_can_be_explained(outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(
        outsmart, Workperiods=[scenario.period("01:10")], MinimumHours="2.00", RoundingAmount="15", Materials=[]
    )

    scenario.export()

    row = scenario.ledger(number)
    (line,) = OrderLine.objects.filter(work_order=row, kind=OrderLine.Kind.HOURS)
    assert (line.registered_minutes, line.rounded_minutes, str(line.quantity)) == (70, 75, "1.250")
    assert (row.minimum_hours, row.rounding_amount) == ("2.00", "15")


# --- From a date on ---------------------------------------------------------------------------------------------------


def test_work_finished_before_the_starting_date_is_never_sent(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(export_from_date=datetime.date(2025, 11, 11))
    old, new = scenario.work_order(outsmart), scenario.work_order(outsmart, WorkEndDate="11-11-2025")

    run = scenario.export()

    assert scenario.counts(run) == {"read": 2, "created": 1, "skipped": 1}
    assert (scenario.ledger(old).state, scenario.ledger(new).state) == (LedgerState.HELD, LedgerState.DONE)
    assert [order["ExternOrderNummer"] for order in scenario.orders(king)] == [f"OS-{new}"]
