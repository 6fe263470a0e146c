"""Several work orders on one King order: visits, engineers, follow-ups; and a work order that goes to another one."""

from __future__ import annotations

from typing import Any

import pytest

from kingsync.manual_actions import actions, order_actions, order_notices
from kingsync.messages.reason_texts import sentences, stored
from kingsync.models.order_links import OrderLink
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.scenario import choose

pytestmark = pytest.mark.usefixtures("lost_answers_soon_settled")

JAN = "Jan Jansen"
FINAL = {"status": "Compleet", "WorkStatus": "1"}
INTERIM = {"status": "Opgehaald", "WorkStatus": "5"}
REMOVE = "Order_OrderRegel_Verwijderen"


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    factories.settings(tenant, work_description=False, extra_text_line_1="", approve_order=False)
    for number in ("500", "501"):
        king.store.put_record("order", number, {"DebiteurNummer": 10})


class Visits:
    """The work orders of a test, and what King has of them."""

    def __init__(self, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
        self.king, self.outsmart = king, outsmart

    def new(self, order: object = "", quantity: str = "1", **fields: Any) -> str:
        """Put a work order with one material at the trigger, with the number of a King order."""
        materials = {"Materials": [scenario.material("BUIS", quantity)], "Workperiods": []}
        return scenario.work_order(self.outsmart, **({"WorkorderNo": str(order)} | materials | fields))

    def edit(self, number: str, **fields: Any) -> None:
        self.outsmart.store.edit_work_order(number, FINAL | fields)

    def order(self, number: object) -> dict[str, Any]:
        found = scenario.orders(self.king, ours=False)
        (order,) = [each for each in found if str(each["OrderNummer"]) == str(number)]
        return order

    def lines(self, number: object) -> list[tuple[str, str]]:
        """Return (our work order, quantity) of an order's lines; "" = a line of King's staff."""
        rows = sorted(self.order(number)["OrderRegels"], key=lambda row: row["RegelNummer"])
        return [
            (str(row["ExternOrderRegelNummer"] or "").partition("-")[0], f"{float(row['AantalBesteld'] or 0):g}")
            for row in rows
        ]

    def staff(self, number: object, **edit: Any) -> None:
        self.king.store.edit_order(int(str(number)), Edit(**edit))

    def staff_set(self, number: object, of: str, **fields: object) -> None:
        rows = self.order(number)["OrderRegels"]
        (line,) = [row["RegelID"] for row in rows if str(row["ExternOrderRegelNummer"]).startswith(f"{of}-")]
        self.staff(number, change=[{"RegelID": line, **fields}])

    def is_approved(self, number: object) -> bool:
        order = self.order(number)
        return (order["Goedgekeurd"], order["VrijVoorLevering"]) == (1, 1)

    def number_of(self, work_order: str) -> str:
        return str(scenario.ledger(work_order).king_order_number)

    def state(self, work_order: str) -> str:
        return scenario.ledger(work_order).state


@pytest.fixture
def visits(king: KingSandbox, outsmart: OutSmartSandbox) -> Visits:
    return Visits(king, outsmart)


def notice(number: str) -> str:
    return sentences(stored(why) for why in order_notices.of(scenario.ledger(number)))


def codes(number: str) -> list[str]:
    return [why["code"] for why in scenario.ledger(number).reasons]


# --- Whose line is whose ----------------------------------------------------------------------------------------------


def test_a_follow_up_adds_its_lines_to_the_order_that_the_first_visit_created(visits: Visits) -> None:
    first = visits.new(quantity="1")
    scenario.export()
    order = visits.number_of(first)
    second, third = visits.new(order, "2"), visits.new(order, "3")

    run = scenario.export()

    assert scenario.counts(run) == {"read": 2, "updated": 2}
    assert visits.lines(order) == [(first, "1"), (second, "2"), (third, "3")]
    assert [visits.state(each) for each in (first, second, third)] == [LedgerState.DONE] * 3
    assert [scenario.ledger(each).is_created_by_us for each in (first, second)] == [True, False]
    assert scenario.is_clean(visits.king)


def test_engineers_on_an_order_of_kings_staff_each_keep_their_own_lines(visits: Visits) -> None:
    visits.staff(500, add=[{"RegelSoort": "ART", "ArtikelNummer": "KNIE", "AantalBesteld": 4}])
    first, second = visits.new(500, "1"), visits.new(500, "1")
    scenario.export()
    visits.edit(first, Materials=[])
    visits.edit(second, Materials=[scenario.material("BUIS", "7")])

    scenario.export()

    assert visits.lines(500) == [("", "4"), (first, "1"), (second, "7")]  # nothing left to invoice: held
    assert visits.state(first) == LedgerState.HELD
    visits.edit(first, Materials=[scenario.material("KNIE", "2")])
    scenario.export()
    assert visits.lines(500) == [("", "4"), (second, "7"), (first, "2")]
    assert scenario.is_clean(visits.king)


def test_the_lines_of_an_imported_order_stay_those_of_the_imported_work_order(visits: Visits) -> None:
    choose(
        orders_enabled=True, orders_type_of_work="Service", orders_payment_method="op rekening", orders_materials=True
    )
    visits.staff(500, add=[{"RegelSoort": "ART", "ArtikelNummer": "BUIS", "AantalBesteld": 1, "Magazijn": 1}])
    scenario.load("orders")
    (made,) = [row for row in visits.outsmart.store.all_work_orders() if str(row["WorkorderNo"]) == "500"]
    follow_up = visits.new(500, "1")

    scenario.export()
    visits.edit(str(made["id"]), Workperiods=[scenario.period()])
    scenario.export()

    assert visits.lines(500) == [("", "1"), (follow_up, "1"), (str(made["id"]), "1")]
    imported = {str(line.work_order_id) for line in scenario.ledger(str(made["id"])).lines.filter(is_imported=True)}
    assert imported == {str(scenario.ledger(str(made["id"])).pk)}
    assert not scenario.ledger(follow_up).lines.filter(is_imported=True).exists()
    assert scenario.is_clean(visits.king)


def test_a_new_line_never_moves_those_of_another_work_order(visits: Visits) -> None:
    hour = scenario.period()
    first = visits.new(500, "1", Workperiods=[hour])
    scenario.export()
    second = visits.new(500, "5")
    scenario.export()
    before = visits.order(500)["OrderRegels"]

    visits.edit(first, Materials=[scenario.material("BUIS"), scenario.material("KNIE", "2")], Workperiods=[hour])
    scenario.export()

    assert [line for line in visits.order(500)["OrderRegels"] if line in before] == before
    assert visits.lines(500)[-1] == (first, "2")
    assert "KNIE" in notice(first)
    assert visits.state(second) == LedgerState.DONE


def test_both_change_at_once_and_one_is_interim(visits: Visits) -> None:
    choose(interim_updates=True, order_update_status="5", create_interim_order=True)
    first, second = visits.new(500, "1"), visits.new(500, "2", **INTERIM)
    scenario.export()
    assert (visits.state(first), visits.state(second)) == (LedgerState.DONE, LedgerState.INTERIM)

    visits.edit(first, Materials=[scenario.material("BUIS", "3")])
    visits.edit(second, Materials=[scenario.material("BUIS", "4")])
    scenario.export()

    assert sorted(visits.lines(500)) == [(first, "3"), (second, "4")]
    assert (visits.state(first), visits.state(second)) == (LedgerState.DONE, LedgerState.DONE)


def test_an_order_that_king_closes_stops_each_of_its_work_orders(visits: Visits) -> None:
    both = visits.new(500, "1"), visits.new(500, "2")
    scenario.export()
    visits.king.store.edit_order(500, Edit(close=True))
    for number in both:
        visits.edit(number, Materials=[scenario.material("BUIS", "9")])

    scenario.export()

    assert [codes(number) for number in both] == [["order_delivered"]] * 2


# --- Approval ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(visits: Visits) -> tuple[str, str, str]:
    """Return two work orders and the King order that the first created, whose approval waits for the second."""
    choose(approve_order=True, interim_updates=True, order_update_status="5", create_interim_order=True)
    first = visits.new(quantity="1", **INTERIM)
    scenario.export()
    order = visits.number_of(first)
    second = visits.new(order, "2", **INTERIM)
    scenario.export()
    visits.edit(first)
    scenario.export()
    return first, second, order


def test_the_last_work_order_to_be_complete_approves(visits: Visits, waiting: tuple[str, str, str]) -> None:
    first, second, order = waiting
    assert (visits.state(first), visits.is_approved(order)) == (LedgerState.DONE, False)
    assert scenario.ledger(second).order_number in notice(first)

    visits.edit(second)
    scenario.export()

    assert visits.is_approved(order)
    assert [scenario.ledger(each).is_approved for each in (first, second)] == [True, True]
    assert notice(first) == notice(second) == ""
    assert scenario.is_clean(visits.king)


def test_work_orders_that_this_run_has_yet_to_process_are_waited_for(visits: Visits) -> None:
    choose(approve_order=True, interim_updates=True, order_update_status="5", create_interim_order=True)
    first = visits.new(quantity="1", **INTERIM)
    scenario.export()
    order = visits.number_of(first)
    visits.edit(first)
    second = visits.new(order, "2", CustomerDebtorNr="")
    third = visits.new(order, "2", Materials=[scenario.material("WEG")])

    scenario.export()

    assert visits.state(first) == LedgerState.DONE
    assert visits.state(third) != LedgerState.DONE
    assert not visits.is_approved(order)
    visits.king.store.put_record("article", "WEG", {"OmschrijvingKort": "Weg"})
    visits.edit(second, CustomerDebtorNr="10")
    scenario.export()
    assert visits.is_approved(order)


@pytest.mark.parametrize("way", ["excluded", "left"])
def test_an_order_is_approved_when_the_last_open_work_order_is_excluded_or_leaves(
    visits: Visits, waiting: tuple[str, str, str], way: str
) -> None:
    _first, second, order = waiting
    if way == "excluded":
        actions.exclude(work_orders=[scenario.ledger(second)], by=JAN, reason="Met de hand")
    else:
        visits.outsmart.store.edit_work_order(second, {"WorkorderNo": "500"})

    scenario.export()

    assert visits.is_approved(order)
    assert scenario.is_clean(visits.king)


def test_an_order_with_a_credit_of_another_work_order_is_not_approved(
    visits: Visits, waiting: tuple[str, str, str]
) -> None:
    first, second, order = waiting

    visits.edit(second, Materials=[scenario.material("BUIS", "-2")])
    scenario.export()

    assert not visits.is_approved(order)
    assert order in notice(second)
    assert visits.state(first) == visits.state(second) == LedgerState.DONE


def test_an_order_of_kings_staff_is_never_approved(visits: Visits) -> None:
    choose(approve_order=True)
    visits.new(500, "1")
    visits.new(500, "2")

    scenario.export()

    assert not visits.is_approved(500)


# --- To another order -------------------------------------------------------------------------------------------------


def test_another_number_takes_the_lines_along(visits: Visits) -> None:
    moved, stays = visits.new(500, "1"), visits.new(500, "2")
    scenario.export()
    visits.edit(moved, WorkorderNo="0501", Materials=[scenario.material("BUIS", "3")])

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert (visits.lines(500), visits.lines(501)) == ([(stays, "2")], [(moved, "3")])
    links = OrderLink.objects.filter(work_order=scenario.ledger(moved)).order_by("pk")
    assert [(link.king_order_number, link.left_at is None) for link in links] == [("500", False), ("501", True)]
    assert visits.state(moved) == LedgerState.DONE
    assert scenario.is_clean(visits.king)


def test_an_order_of_ours_that_becomes_empty_stays_and_is_reported(visits: Visits) -> None:
    number = visits.new(quantity="1")
    scenario.export()
    before = visits.number_of(number)
    visits.edit(number, WorkorderNo="500")

    scenario.export()
    visits.edit(number, Materials=[scenario.material("BUIS", "2")])
    scenario.export()

    assert (visits.lines(before), visits.lines(500)) == ([], [(number, "2")])
    assert before in notice(number)


def test_an_empty_number_never_means_to_leave(visits: Visits) -> None:
    number = visits.new(500, "1")
    scenario.export()

    visits.edit(number, WorkorderNo="", Materials=[scenario.material("BUIS", "2")])
    scenario.export()

    assert visits.lines(500) == [(number, "2")]
    assert scenario.orders(visits.king) == []


@pytest.mark.parametrize("why", ["changed", "removed", "closed"])
def test_what_cannot_leave_its_order_is_held_and_nothing_is_written(visits: Visits, why: str) -> None:
    number = visits.new(500, "1")
    scenario.export()
    if why == "changed":
        visits.staff_set(500, number, AantalBesteld=8)
    elif why == "removed":
        visits.staff(500, remove=[visits.order(500)["OrderRegels"][0]["RegelID"]])
    else:
        visits.king.store.edit_order(500, Edit(close=True))
    visits.edit(number, WorkorderNo="501")
    visits.king.calls.clear()

    scenario.export()

    assert visits.state(number) == LedgerState.HELD
    assert all(order in sentences(scenario.ledger(number).reasons) for order in ("500", "501"))
    assert visits.lines(501) == []
    assert set(scenario.calls(visits.king)) <= {"Orders_Opvragen"}


def test_a_number_that_king_does_not_know_leaves_the_lines_where_they_are(visits: Visits) -> None:
    number = visits.new(500, "1")
    scenario.export()
    visits.edit(number, WorkorderNo="404")

    scenario.export()

    assert (visits.state(number), codes(number)) == (LedgerState.REJECTED, ["unknown_order"])
    assert visits.lines(500) == [(number, "1")]
    visits.edit(number, WorkorderNo="500")
    scenario.export()
    assert (visits.state(number), visits.lines(500)) == (LedgerState.DONE, [(number, "1")])


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "half"])
@pytest.mark.parametrize("operation", [REMOVE, "Order_OrderRegel_Toevoegen", "Order_LockVrijgeven"])
def test_a_lost_answer_while_moving_loses_and_doubles_nothing(visits: Visits, kind: Any, operation: str) -> None:
    number = visits.new(500, "1", Workperiods=[scenario.period()])
    scenario.export()
    visits.edit(number, WorkorderNo="501")
    visits.king.faults.add(Fault(kind=kind, operation=operation, times=1))

    for _ in range(2):
        WorkOrder.objects.update(outcome_unknown_until=None)
        scenario.export()

    assert (visits.lines(500), visits.lines(501)) == ([], [(number, "1")] * 2)
    assert visits.state(number) == LedgerState.DONE
    assert scenario.is_clean(visits.king)


# --- By hand ----------------------------------------------------------------------------------------------------------


def test_linking_by_hand_takes_the_lines_to_the_chosen_order_and_stays_there(visits: Visits) -> None:
    number = visits.new(500, "1")
    scenario.export()
    visits.edit(number, WorkorderNo="404")
    scenario.export()

    order_actions.link_to_order(work_order=scenario.ledger(number), king_order_number="501", by=JAN)
    scenario.export()
    visits.edit(number, Materials=[scenario.material("BUIS", "2")])
    scenario.export()

    assert (visits.lines(500), visits.lines(501)) == ([], [(number, "2")])
    assert visits.state(number) == LedgerState.DONE


def test_resetting_the_link_keeps_the_order_as_history(visits: Visits) -> None:
    number = visits.new(500, "1")
    scenario.export()
    visits.king.store.remove_record("order", "500")
    visits.edit(number, Materials=[scenario.material("BUIS", "2")])
    scenario.export()

    order_actions.reset_link(work_order=scenario.ledger(number), by=JAN, even_so=True)

    (link,) = OrderLink.objects.filter(work_order=scenario.ledger(number))
    assert link.left_at is not None
    assert scenario.ledger(number).king_order_number is None


def test_a_database_that_lost_the_first_of_two_finds_its_order_again(visits: Visits) -> None:
    first = visits.new(quantity="1")
    scenario.export()
    order = visits.number_of(first)
    second = visits.new(order, "2")
    scenario.export()
    scenario.ledger(first).delete()
    visits.edit(first, Materials=[scenario.material("BUIS", "3")])

    scenario.export()
    scenario.export()

    assert len(scenario.orders(visits.king)) == 1
    assert sorted(visits.lines(order)) == [(first, "3"), (second, "2")]
    assert {link.work_order.outsmart_id for link in OrderLink.objects.filter(king_order_number=order)} == {
        first,
        second,
    }
    assert scenario.is_clean(visits.king)
