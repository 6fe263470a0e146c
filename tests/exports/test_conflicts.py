"""Both sides changed a line: a user chooses, and the next export carries that out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import translation

from kingsync.manual_actions import conflicts, guards
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, ManualAction, OrderLine
from kingsync.rules.conflicts import Choice
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.exports.test_staff_and_us import CHANGE, MORE, Order
from tests.management.test_commands import command
from tests.manual_actions.test_actions import worker_at_work
from tests.scenario import choose

JAN = "Jan Jansen"


@pytest.fixture(autouse=True)
def _stocked(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    king.store.put_record("article", "BOCHT", {"OmschrijvingKort": "Bocht", "VerkoopPrijsExclBtw": 3})
    king.store.put_record("rate", "MONT", {"OmschrijvingKort": "Monteur", "AantalDecimalen": 2, "PrijsExclBtw": 58})
    factories.settings(tenant)


@pytest.fixture
def exported(king: KingSandbox, outsmart: OutSmartSandbox) -> Callable[..., Order]:
    return lambda **fields: Order(king, outsmart, **fields)


def quantity_changed(exported: Callable[..., Order]) -> Order:
    """Return an order in which staff made 5 and the office 3 of a quantity of 2."""
    order = exported(Materials=[scenario.material("BUIS", "2")])
    order.staff_set("BUIS", AantalBesteld=5)
    order.office(Materials=[scenario.material("BUIS", "3")])
    assert order.row().state == LedgerState.HELD
    return order


def solve(order: Order, choice: str) -> str:
    """Solve all conflicts, export, and return the history's words; a second run writes nothing."""
    made = conflicts.solve_all(work_order=order.row(), choice=choice, by=JAN)
    scenario.export()
    assert order.row().state == LedgerState.DONE
    order.office()
    assert (order.row().state, order.writes()) == (LedgerState.DONE, [])
    assert scenario.is_clean(order.king)
    return made.reason


@pytest.mark.parametrize(("choice", "quantity", "said"), [("king", 5, "5"), ("outsmart", 3, "3"), ("sum", 6, "6")])
def test_a_quantity_changed_on_both_sides(
    exported: Callable[..., Order], choice: str, quantity: int, said: str
) -> None:
    order = quantity_changed(exported)

    assert said in solve(order, choice)

    assert order.line("BUIS")["AantalBesteld"] == quantity


@pytest.mark.parametrize(("choice", "is_there"), [("king", False), ("outsmart", True)])
def test_a_line_that_staff_removed_and_the_office_changed(
    exported: Callable[..., Order],
    choice: str,
    is_there: bool,
) -> None:
    order = exported(Materials=MORE)
    order.staff_remove("BOCHT")
    order.office(Materials=[MORE[0], scenario.material("BOCHT", "5")])

    solve(order, choice)

    assert ("BOCHT" in order.names) == is_there


@pytest.mark.parametrize(("choice", "is_there"), [("king", True), ("outsmart", False)])
def test_a_line_that_staff_changed_and_the_office_removed(
    exported: Callable[..., Order],
    choice: str,
    is_there: bool,
) -> None:
    order = exported(Materials=MORE)
    order.staff_set("BOCHT", AantalBesteld=9)
    order.office(Materials=MORE[:1])

    solve(order, choice)

    assert ("BOCHT" in order.names) == is_there


def test_a_line_left_to_kings_staff_is_not_asked_about_again(exported: Callable[..., Order]) -> None:
    order = exported(Materials=MORE)
    order.staff_set("BOCHT", AantalBesteld=9)
    order.office(Materials=MORE[:1])
    solve(order, Choice.KING)

    order.staff_set("BOCHT", AantalBesteld=12)
    order.office(Materials=[scenario.material("BUIS", "4")])

    assert order.row().state == LedgerState.DONE
    assert (order.line("BOCHT")["AantalBesteld"], order.line("BUIS")["AantalBesteld"]) == (12, 4)


def test_other_values_before_the_export_are_asked_about(exported: Callable[..., Order]) -> None:
    order = quantity_changed(exported)
    conflicts.solve_all(work_order=order.row(), choice="outsmart", by=JAN)
    order.staff_set("BUIS", AantalBesteld=7)

    scenario.export()

    assert (order.row().state, order.line("BUIS")["AantalBesteld"]) == (LedgerState.HELD, 7)


def test_a_sum_whose_answer_is_lost_is_added_once(
    exported: Callable[..., Order], lost_answers_soon_settled: object
) -> None:
    order = quantity_changed(exported)
    conflicts.solve_all(work_order=order.row(), choice="sum", by=JAN)
    order.king.faults.add(Fault(kind="reset_after", operation=CHANGE))

    scenario.export()
    scenario.export()

    assert (order.row().state, order.line("BUIS")["AantalBesteld"]) == (LedgerState.DONE, 6)


def test_each_line_has_a_choice_of_its_own_and_the_history_has_them(exported: Callable[..., Order]) -> None:
    choose(send_prices=True)
    order = exported(Materials=[scenario.material("BUIS", "2", MaterialPrice="58,00"), MORE[1]])
    order.staff_set("BUIS", AantalBesteld=5, Prijs=40)
    order.office(Materials=[scenario.material("BUIS", "3", MaterialPrice="60,00"), MORE[1]])
    found = conflicts.open_conflicts(order.row())
    chosen = {why["params"]["mark"]: {"quantity": "sum", "price": "king"}[why["params"]["field"]] for why in found}

    with translation.override("en"):
        conflicts.solve(work_order=order.row(), chosen=chosen, by=JAN)
    scenario.export()

    assert (order.line("BUIS")["AantalBesteld"], float(order.line("BUIS")["Prijs"])) == (6, 40.0)
    action = ManualAction.objects.get()
    assert (action.kind, action.decided_by_name, action.state_before) == ("solve", JAN, LedgerState.HELD)
    assert "King's value 40 stays" in action.reason


def test_what_is_not_possible_is_refused_and_changes_nothing(exported: Callable[..., Order], tenant: Tenant) -> None:
    order = quantity_changed(exported)
    row = order.row()
    (mark,) = [why["params"]["mark"] for why in conflicts.open_conflicts(row)]
    for chosen, error in [
        ({}, guards.ChangedMeanwhileError),
        ({"other": "king"}, guards.ChangedMeanwhileError),
        ({mark: "both"}, guards.ChoiceNeededError),
    ]:
        with pytest.raises(error):
            conflicts.solve(work_order=row, chosen=chosen, by=JAN)
    with worker_at_work(tenant), pytest.raises(guards.ExportGoingOnError):
        conflicts.solve(work_order=row, chosen={mark: "king"}, by=JAN)

    assert order.row().state == LedgerState.HELD
    assert not ManualAction.objects.exists()
    assert not OrderLine.objects.exclude(choices={}).exists()


def test_only_a_work_order_with_a_conflict_is_solved(exported: Callable[..., Order]) -> None:
    order = exported()
    with pytest.raises(guards.WrongStateError):
        conflicts.solve(work_order=order.row(), chosen={}, by=JAN)


def test_the_command_solves_all_conflicts_of_a_work_order(exported: Callable[..., Order], tenant: Tenant) -> None:
    order = quantity_changed(exported)

    assert command("ledger", tenant.slug, "--solve", order.id, "--by", JAN)[0] == 2
    assert command("ledger", tenant.slug, "--solve", order.id, "--with", "sum", "--by", JAN)[0] == 0
    scenario.export()

    assert order.line("BUIS")["AantalBesteld"] == 6
