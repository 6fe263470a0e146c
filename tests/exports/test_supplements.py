"""A work order that is edited after King closed its order: what differs, and what a person decides about it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command

from kingsync.exports.verification import runs as verification_run
from kingsync.manual_actions import actions, order_actions
from kingsync.manual_actions.guards import StillInKingError
from kingsync.models.order_links import OrderLink
from kingsync.models.work_orders import LedgerState, Step, WorkOrder
from sandboxes.faults import Fault, Kind
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario

pytestmark = pytest.mark.usefixtures("lost_answers_soon_settled", "stocked")

BY = "Els"


class Corrected:
    """A work order that was exported, whose order King closed, and that the office corrects."""

    def __init__(self, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
        self.king, self.outsmart = king, outsmart
        self.number = scenario.work_order(outsmart, Materials=[scenario.material(quantity="3")])
        scenario.export()
        self.close()

    @property
    def row(self) -> WorkOrder:
        return scenario.ledger(self.number)

    def close(self) -> None:
        self.king.store.edit_order(int(self.row.king_order_number or 0), Edit(close=True))

    def edit(self, *materials: dict[str, Any], **fields: Any) -> None:
        changed = {"status": "Compleet", "Materials": list(materials), **fields}
        self.outsmart.store.edit_work_order(self.number, changed)

    def correct(self, *materials: dict[str, Any], **fields: Any) -> WorkOrder:
        self.edit(*materials, **fields)
        scenario.export()
        return self.row

    def supplement(self) -> None:
        assert not actions.supplement(work_orders=[self.row], by=BY).refused
        scenario.export()

    def references(self) -> list[str]:
        return [str(order["ExternOrderNummer"]) for order in scenario.orders(self.king)]

    def lines(self, part: int = 2) -> list[tuple[str, str, str]]:
        (order,) = [
            each for each in scenario.orders(self.king) if each["ExternOrderNummer"] == f"OS-{self.number}-{part}"
        ]
        return scenario.lines(order)


@pytest.fixture
def corrected(king: KingSandbox, outsmart: OutSmartSandbox) -> Corrected:
    return Corrected(king, outsmart)


def missing(row: WorkOrder) -> list[tuple[str, str]]:
    contents = [each["line"]["content"] for each in row.difference]
    return [(each["article"], each["quantity"]) for each in contents]


# --- What differs -----------------------------------------------------------------------------------------------------


def test_a_difference_from_a_closed_order_is_for_a_person(corrected: Corrected) -> None:
    row = corrected.correct(scenario.material(quantity="5"), scenario.material("KNIE"))

    assert (row.state, row.reasons[0]["code"]) == (LedgerState.CHANGED, "order_delivered")
    assert missing(row) == [("BUIS", "2"), ("KNIE", "1")]
    assert len(corrected.references()) == 1


def test_a_work_order_that_did_not_change_stays_done(corrected: Corrected) -> None:
    before = len(scenario.calls(corrected.king))

    row = corrected.correct(scenario.material(quantity="3"))

    assert row.state == LedgerState.DONE
    assert len(scenario.calls(corrected.king)) == before


def test_an_edit_that_is_undone_ends_it(corrected: Corrected) -> None:
    corrected.correct(scenario.material(quantity="5"))

    assert corrected.correct(scenario.material(quantity="3")).state == LedgerState.DONE


# --- The supplementary order ------------------------------------------------------------------------------------------


def test_the_next_export_creates_an_order_of_the_difference(corrected: Corrected) -> None:
    corrected.correct(scenario.material(quantity="1"), scenario.material("KNIE"))

    corrected.supplement()

    row = corrected.row
    assert corrected.lines() == [("ART", "BUIS", "-2"), ("ART", "KNIE", "1")]
    assert (row.state, row.step, row.part) == (LedgerState.DONE, Step.CONFIRMED, 2)
    assert list(OrderLink.objects.order_by("part").values_list("part", flat=True)) == [1, 2]
    assert row.difference == []


def test_another_article_is_a_credit_and_a_new_line(corrected: Corrected) -> None:
    corrected.correct(scenario.material("KNIE", "3"))

    corrected.supplement()

    assert sorted(corrected.lines()) == [("ART", "BUIS", "-3"), ("ART", "KNIE", "3")]


def test_it_is_never_approved(corrected: Corrected) -> None:
    scenario.choose(approve_order=True)
    corrected.correct(scenario.material(quantity="5"))

    corrected.supplement()

    order = scenario.orders(corrected.king)[-1]
    assert not order["Goedgekeurd"]
    assert corrected.row.is_approval_left


def test_an_open_one_takes_later_differences(corrected: Corrected) -> None:
    corrected.correct(scenario.material(quantity="5"))
    corrected.supplement()

    row = corrected.correct(scenario.material(quantity="6"))

    assert row.state == LedgerState.DONE
    assert corrected.lines() == [("ART", "BUIS", "3")]


def test_a_closed_one_is_followed_by_another(corrected: Corrected) -> None:
    corrected.correct(scenario.material(quantity="5"))
    corrected.supplement()
    corrected.close()

    assert missing(corrected.correct(scenario.material(quantity="4"))) == [("BUIS", "-1")]
    corrected.supplement()

    assert corrected.references()[1:] == [f"OS-{corrected.number}-2", f"OS-{corrected.number}-3"]
    assert corrected.lines(3) == [("ART", "BUIS", "-1")]


def test_none_is_created_when_the_edit_was_undone(corrected: Corrected) -> None:
    corrected.correct(scenario.material(quantity="5"))
    actions.supplement(work_orders=[corrected.row], by=BY)

    row = corrected.correct(scenario.material(quantity="3"))

    assert (row.state, row.part, len(corrected.references())) == (LedgerState.DONE, 1, 1)


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after"])
def test_a_lost_answer_creates_no_second_one(corrected: Corrected, kind: Kind) -> None:
    corrected.correct(scenario.material(quantity="5"))
    corrected.king.faults.add(Fault(operation="Order_Toevoegen", kind=kind, times=1))

    corrected.supplement()
    scenario.export()

    assert corrected.references().count(f"OS-{corrected.number}-2") == 1
    assert corrected.row.state == LedgerState.DONE


def test_what_verification_finds_can_be_supplemented(corrected: Corrected) -> None:
    verification_run.by_command()
    WorkOrder.objects.update(verified_at=None, king_checked_at=None)
    corrected.edit(scenario.material(quantity="5"), status="Afgehandeld")
    verification_run.by_command()
    assert corrected.row.state == LedgerState.CHANGED

    corrected.supplement()

    assert corrected.lines() == [("ART", "BUIS", "2")]


# --- Settled by hand, and a new order after all -----------------------------------------------------------------------


def test_what_was_settled_by_hand_is_not_found_again(corrected: Corrected) -> None:
    corrected.correct(scenario.material(quantity="5"))

    actions.settle(work_orders=[corrected.row], by=BY, reason="credited in King")

    assert corrected.row.state == LedgerState.DONE
    assert corrected.correct(scenario.material(quantity="5")).state == LedgerState.DONE
    WorkOrder.objects.update(verified_at=None)
    verification_run.by_command()
    assert corrected.row.state == LedgerState.DONE


def test_only_what_is_edited_after_that_differs(corrected: Corrected) -> None:
    corrected.correct(scenario.material(quantity="5"))
    actions.settle(work_orders=[corrected.row], by=BY, reason="credited in King")

    row = corrected.correct(scenario.material(quantity="6"))

    assert (row.state, missing(row)) == (LedgerState.CHANGED, [("BUIS", "1")])


def test_a_new_order_after_all(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, WorkorderNo="555")
    scenario.export()
    assert scenario.ledger(number).reasons[0]["code"] == "unknown_order"

    order_actions.new_order(work_order=scenario.ledger(number), by=BY)
    scenario.export()

    row = scenario.ledger(number)
    assert (row.state, len(scenario.orders(king))) == (LedgerState.DONE, 1)
    outsmart.store.edit_work_order(number, {"status": "Compleet", "Materials": [scenario.material(quantity="4")]})
    scenario.export()
    assert scenario.ledger(number).state == LedgerState.DONE


def test_no_new_order_when_king_has_the_named_one_open(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, WorkorderNo="555")
    scenario.export()
    king.store.put_record("order", "555", {"DebiteurNummer": 10})

    with pytest.raises(StillInKingError):
        order_actions.new_order(work_order=scenario.ledger(number), by=BY)


def test_nothing_is_decided_about_an_open_order(outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()

    refused = actions.supplement(work_orders=[scenario.ledger(number)], by=BY).refused

    assert [each.why.code for each in refused] == ["decision.nothing_to_settle"]


def test_the_command_decides_and_shows_the_difference(corrected: Corrected) -> None:
    corrected.correct(scenario.material(quantity="5"))

    shown = ledger_command("--json")
    (entry,) = [each for each in shown if each["outsmart_id"] == corrected.number]
    assert [(each["article"], each["quantity"], each["amount"]) for each in entry["difference"]] == [
        ("BUIS", "2", "12.80")
    ]
    assert ledger_command("--supplement", corrected.number, "--by", BY, "--json")["done"] == [corrected.number]
    assert corrected.row.part == 2


def ledger_command(*arguments: str) -> Any:
    slug, told = WorkOrder.objects.select_related("tenant").first(), io.StringIO()
    assert slug is not None
    call_command("ledger", slug.tenant.slug, *arguments, stdout=told)
    return json.loads(told.getvalue())
