"""Review before sending: such work orders wait until a person releases them, and only for what is new."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kingsync.exports.overview import causes
from kingsync.exports.settings_impact import End, settings_impact
from kingsync.manual_actions import actions
from kingsync.messages.reason_texts import sentences
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, ManualAction
from kingsync.rules.mapping import Exports
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.management.test_commands import command, sync
from tests.scenario import choose, material

JAN = "Jan Jansen"
CREDIT = [material(), material("KNIE", "-1")]


@pytest.fixture(autouse=True)
def _stocked(tenant: Tenant, king: KingSandbox) -> None:
    """Every price in King is above zero but that of article GRATIS."""
    scenario.stock(king)
    king.store.put_record("article", "KNIE", {"OmschrijvingKort": "Knie", "VerkoopPrijsExclBtw": 2})
    king.store.put_record("article", "GRATIS", {"OmschrijvingKort": "Gratis", "VerkoopPrijsExclBtw": 0})
    king.store.put_record("rate", "MONT", {"OmschrijvingKort": "Monteur", "AantalDecimalen": 2, "PrijsExclBtw": 58})
    factories.settings(tenant, review=["credit", "warranty", "zero_price", "free_line"])


def codes(number: str) -> list[str]:
    return [why["code"] for why in scenario.ledger(number).reasons]


def release(number: str) -> None:
    actions.release(work_orders=[scenario.ledger(number)], by=JAN)


def state(number: str) -> str:
    return scenario.ledger(number).state


# --- New orders -------------------------------------------------------------------------------------------------------


def test_nothing_is_sent_before_a_person_releases_it(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=CREDIT)

    run = scenario.export()

    assert scenario.orders(king) == []
    assert (state(number), codes(number)) == (LedgerState.HELD, ["review.credit"])
    assert "KNIE" in sentences(scenario.ledger(number).reasons)
    assert (run.new_problems_count, run.status) == (1, "partly")


def test_a_release_sends_it_and_names_who(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=CREDIT)
    scenario.export()

    release(number)
    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "created": 1}
    assert state(number) == LedgerState.DONE
    (action,) = ManualAction.objects.all()
    assert (action.kind, action.decided_by_name) == (ManualAction.Kind.RELEASE, JAN)
    assert len(scenario.lines(scenario.orders(king)[0])) == 5


def test_several_reviews_are_listed_together(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(free_line_article="BUIS")
    rows = [
        material("KNIE", "-1", MaterialWarrantyCode="GAR12"),
        material("GRATIS"),
        material("", MaterialName="Los", MaterialPrice="3,00"),
    ]
    number = scenario.work_order(outsmart, Materials=rows)

    scenario.export()

    assert codes(number) == ["review.credit", "review.warranty", "review.zero_price", "review.free_line"]


def test_without_the_setting_nothing_is_held(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(review=[])
    number = scenario.work_order(outsmart, Materials=[*CREDIT, material("GRATIS")])

    scenario.export()

    assert state(number) == LedgerState.DONE


def test_a_refused_line_is_not_reviewed(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=[material(), material("GEEN", "-1")])

    scenario.export()

    assert state(number) == LedgerState.INCOMPLETE


def test_a_price_that_king_has_by_now_holds_nothing(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=[material("GRATIS")])
    scenario.export()
    king.store.put_record("article", "GRATIS", {"VerkoopPrijsExclBtw": 5})

    scenario.export()

    assert state(number) == LedgerState.DONE


def test_an_excluded_work_order_loses_its_release(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=CREDIT)
    scenario.export()
    release(number)
    actions.exclude(work_orders=[scenario.ledger(number)], by=JAN, reason="dubbel")
    actions.restore(work_orders=[scenario.ledger(number)], by=JAN)

    scenario.export()

    assert codes(number) == ["review.credit"]


# --- After a release --------------------------------------------------------------------------------------------------


@pytest.fixture
def released(king: KingSandbox, outsmart: OutSmartSandbox) -> str:
    """Set up a work order with a released credit, done."""
    number = scenario.work_order(outsmart, Materials=CREDIT)
    scenario.export()
    release(number)
    scenario.export()
    return number


def edit(outsmart: OutSmartSandbox, number: str, *rows: dict[str, Any]) -> None:
    changes: dict[str, Any] = {"Materials": list(rows), "status": "Compleet", "WorkStatus": "1"}
    outsmart.store.edit_work_order(number, changes)


def test_an_edit_without_a_new_reason_needs_no_release(
    king: KingSandbox, outsmart: OutSmartSandbox, released: str
) -> None:
    edit(outsmart, released, material(quantity="3"), material("KNIE", "-2"))

    scenario.export()

    assert state(released) == LedgerState.DONE
    (order,) = scenario.orders(king)
    assert ("ART", "KNIE", "-2") in scenario.lines(order)


def test_a_new_reason_holds_again(king: KingSandbox, outsmart: OutSmartSandbox, released: str) -> None:
    edit(outsmart, released, *CREDIT, material("GRATIS"))
    run = scenario.export()

    assert (state(released), codes(released)) == (LedgerState.HELD, ["review.zero_price"])
    assert run.new_problems_count == 1
    assert len(scenario.lines(scenario.orders(king)[0])) == 5

    release(released)
    scenario.export()

    assert state(released) == LedgerState.DONE


def test_a_release_lasts_when_the_work_order_is_edited_before_it_is_sent(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart, Materials=CREDIT)
    scenario.export()
    release(number)
    edit(outsmart, number, material(quantity="7"), material("KNIE", "-3"))

    scenario.export()

    assert state(number) == LedgerState.DONE


def test_what_is_unchanged_in_king_is_not_held(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(review=[])
    number = scenario.work_order(outsmart, Materials=CREDIT)
    scenario.export()
    choose(review=["credit"])
    edit(outsmart, number, material(quantity="2"), CREDIT[1])

    scenario.export()

    assert state(number) == LedgerState.DONE


def test_a_changed_line_of_an_older_order_is_held(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(review=[])
    number = scenario.work_order(outsmart, Materials=CREDIT)
    scenario.export()
    choose(review=["credit"])
    edit(outsmart, number, CREDIT[0], material("KNIE", "-5"))

    scenario.export()

    assert codes(number) == ["review.credit"]
    assert ("ART", "KNIE", "-1") in scenario.lines(scenario.orders(king)[0])


def test_a_linked_order_is_reviewed_before_its_first_line(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.put_record("order", "500", {"DebiteurNummer": 10})
    number = scenario.work_order(outsmart, WorkorderNo="500", Materials=CREDIT)

    scenario.export()

    assert codes(number) == ["review.credit"]
    assert scenario.lines(scenario.orders(king, ours=False)[0]) == []


# --- The first order of a customer ------------------------------------------------------------------------------------


def test_the_first_order_of_a_customer_is_held(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(review=["first_order_of_customer"])
    number = scenario.work_order(outsmart)
    scenario.export()

    assert codes(number) == ["review.first_order_of_customer"]
    assert "11" in sentences(scenario.ledger(number).reasons)

    release(number)
    later = scenario.work_order(outsmart)
    scenario.export()

    assert (state(number), state(later)) == (LedgerState.DONE, LedgerState.DONE)


def test_a_customer_with_an_order_from_before_the_setting_is_known(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(review=[])
    scenario.work_order(outsmart)
    scenario.export()
    choose(review=["first_order_of_customer"])
    known, new = scenario.work_order(outsmart), scenario.work_order(outsmart, CustomerDebtorNrInvoice="10")

    scenario.export()

    assert (state(known), codes(new)) == (LedgerState.DONE, ["review.first_order_of_customer"])


def test_an_edit_of_the_first_order_is_no_first_order(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(review=["first_order_of_customer"])
    number = scenario.work_order(outsmart)
    scenario.export()
    release(number)
    scenario.export()
    edit(outsmart, number, material(quantity="4"), material("KNIE"))

    scenario.export()

    assert state(number) == LedgerState.DONE


def test_the_debtor_of_a_linked_order_counts(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(review=["first_order_of_customer"])
    king.store.put_record("order", "500", {"DebiteurNummer": 10})
    number = scenario.work_order(outsmart, WorkorderNo="500")
    scenario.export()
    assert codes(number) == ["review.first_order_of_customer"]

    release(number)
    scenario.export()

    assert scenario.ledger(number).debtor_number == "10"
    assert state(number) == LedgerState.DONE


# --- Wherever else it shows -------------------------------------------------------------------------------------------


def test_a_dry_run_and_the_settings_impact_show_it(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart, Materials=CREDIT)
    _, told = sync("export", "--dry-run")

    (entry,) = told["plan"]
    assert (entry["action"], entry["count"]) == ("skipped", "skipped")
    assert "KNIE" in entry["reasons"][0]

    scenario.export()
    impact = settings_impact(Exports(orders=True, review=("credit",)), Exports(orders=True))

    assert (impact.now, impact.then) == ({End.HELD: 1}, {End.CREATED: 1})


def test_the_effect_on_an_order_in_king_is_of_what_changed_only(
    king: KingSandbox, outsmart: OutSmartSandbox, released: str
) -> None:
    edit(outsmart, released, *CREDIT, material("GRATIS"))
    scenario.export()

    impact = settings_impact(Exports(orders=True, review=("credit", "zero_price")), Exports(orders=True))

    assert (impact.now, impact.then) == ({End.HELD: 1}, {End.UPDATED: 1})


def test_many_are_one_cause_and_released_together(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    numbers = [scenario.work_order(outsmart, Materials=[material(code, "-1")]) for code in ("KNIE", "BUIS")]
    scenario.export()

    (cause,) = causes.causes()
    assert (cause.code, cause.count) == ("review.credit", 2)

    actions.release(work_orders=causes.stopped_by(cause.key), by=JAN)
    scenario.export()

    assert [state(number) for number in numbers] == [LedgerState.DONE] * 2


def test_the_command_releases_it(king: KingSandbox, outsmart: OutSmartSandbox, tenant: Tenant) -> None:
    number = scenario.work_order(outsmart, Materials=CREDIT)
    scenario.export()

    command("ledger", tenant.slug, "--release", number, "--by", JAN)
    scenario.export()

    _, told = command("ledger", tenant.slug, "--json")
    assert [row["state"] for row in json.loads(told)] == ["done"]
