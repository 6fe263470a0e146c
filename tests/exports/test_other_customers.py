"""A work order with the number of another customer's order waits for approval; nothing is written there before."""

from __future__ import annotations

import json

import pytest

from kingsync.exports.settings_impact import End, settings_impact
from kingsync.manual_actions import actions, guards, order_actions
from kingsync.messages.reason_texts import sentences
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules.mapping import Exports
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.management.test_commands import command, sync
from tests.scenario import choose

JAN = "Jan Jansen"
BOTH_NAMES = ("12 (Bakker)", "10 (Klant 10)")


@pytest.fixture(autouse=True)
def _stocked(tenant: Tenant, king: KingSandbox) -> None:
    """Put order 500 of customer 12 into King; the work orders are of customer 10, invoiced to 11."""
    scenario.stock(king)
    king.store.put_record("debtor", "12", {"Naam1": "Bakker", "Woonplaats": "Ede"})
    king.store.put_record("order", "500", {"DebiteurNummer": 12})
    factories.settings(tenant)


def lines_of(king: KingSandbox, number: int = 500) -> list[tuple[str, str, str]]:
    (order,) = [each for each in scenario.orders(king, ours=False) if each["OrderNummer"] == number]
    return scenario.lines(order)


@pytest.fixture
def held(king: KingSandbox, outsmart: OutSmartSandbox) -> WorkOrder:
    """Set up a held work order with the number of another customer's order."""
    number = scenario.work_order(outsmart, WorkorderNo="500")
    scenario.export()
    return scenario.ledger(number)


def test_a_work_order_with_the_number_of_anothers_order_is_held(king: KingSandbox, held: WorkOrder) -> None:
    assert lines_of(king) == []
    assert (held.state, [why["code"] for why in held.reasons]) == (LedgerState.HELD, ["order_of_other_customer"])
    assert all(name in sentences(held.reasons) for name in (*BOTH_NAMES, "500"))
    assert held.king_order_number is None
    assert scenario.is_clean(king)


def test_a_number_that_is_corrected_is_followed(king: KingSandbox, outsmart: OutSmartSandbox, held: WorkOrder) -> None:
    king.store.put_record("order", "501", {"DebiteurNummer": 10})
    outsmart.store.edit_work_order(held.outsmart_id, {"WorkorderNo": "501"})

    scenario.export()

    assert lines_of(king) == []
    assert len(lines_of(king, 501)) == 4


@pytest.mark.parametrize("debtor", [10, 11])
def test_the_order_of_the_customer_or_its_invoice_relation_is_its_own(
    king: KingSandbox, outsmart: OutSmartSandbox, debtor: int
) -> None:
    king.store.put_record("order", "500", {"DebiteurNummer": debtor})
    scenario.work_order(outsmart, WorkorderNo="500")

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert len(lines_of(king)) == 4


def test_leading_zeros_make_no_other_customer(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.put_record("order", "500", {"DebiteurNummer": 10})
    scenario.work_order(outsmart, WorkorderNo="500", CustomerDebtorNr=" 00010 ")

    assert scenario.counts(scenario.export()) == {"read": 1, "updated": 1}


def test_a_release_sends_that_one(king: KingSandbox, held: WorkOrder) -> None:
    actions.release(work_orders=[held], by=JAN)

    run = scenario.export()

    held.refresh_from_db()
    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert len(lines_of(king)) == 4
    assert (held.state, held.is_released) == (LedgerState.DONE, False)


def test_a_release_is_for_that_order_of_that_customer_only(
    king: KingSandbox, outsmart: OutSmartSandbox, held: WorkOrder
) -> None:
    actions.release(work_orders=[held], by=JAN)
    king.store.put_record("order", "501", {"DebiteurNummer": 12})
    outsmart.store.edit_work_order(held.outsmart_id, {"WorkorderNo": "501"})

    scenario.export()

    held.refresh_from_db()
    assert held.state == LedgerState.HELD
    assert lines_of(king, 501) == []


def test_a_release_of_old_work_is_no_yes_to_another_customer(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, WorkorderNo="500", Materials=[], Workperiods=[])
    king.store.put_record("order", "500", {"DebiteurNummer": 10})
    scenario.export()
    actions.release(work_orders=[scenario.ledger(number)], by=JAN)
    king.store.edit_order(500, Edit(header={"DebiteurNummer": 12}))

    scenario.export()

    assert [why["code"] for why in scenario.ledger(number).reasons] == ["order_of_other_customer"]
    assert lines_of(king) == []


def test_the_setting_switches_it_off(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(order_of_other_customer="send")
    scenario.work_order(outsmart, WorkorderNo="500")

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert len(lines_of(king)) == 4


def test_a_dry_run_shows_both_names(outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart, WorkorderNo="500")

    _, told = sync("export", "--dry-run")

    (entry,) = told["plan"]
    assert entry["action"] == "skipped"
    assert all(name in entry["reasons"][0] for name in BOTH_NAMES)
    assert not WorkOrder.objects.exists()


def test_the_effect_of_the_setting_is_told(held: WorkOrder) -> None:
    holding = Exports(orders=True)
    sending = Exports(orders=True, order_of_other_customer="send")

    found = settings_impact(holding, sending)

    assert (found.now, found.then) == ({End.HELD: 1}, {End.UPDATED: 1})
    assert [why.code for why in found.changed[0].now.reasons] == ["order_of_other_customer"]


def test_a_customer_that_was_changed_afterwards_is_held(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    order = int(scenario.ledger(number).king_order_number or 0)
    before = lines_of(king, order)
    outsmart.store.edit_work_order(
        number,
        {"status": "Compleet", "CustomerDebtorNr": "12", "CustomerDebtorNrInvoice": "", "CustomerName": "Bakker"}
        | {"Materials": [scenario.material("BUIS", "9")]},
    )

    scenario.export()

    row = scenario.ledger(number)
    assert (row.state, row.reasons[0]["code"]) == (LedgerState.HELD, "order_of_other_customer")
    assert lines_of(king, order) == before


# --- Linking by hand --------------------------------------------------------------------------------------------------


@pytest.fixture
def unlinked(outsmart: OutSmartSandbox) -> WorkOrder:
    """Set up a work order without a King order number, which waits for one."""
    choose(create_new_order=False)
    number = scenario.work_order(outsmart)
    scenario.export()
    return scenario.ledger(number)


def test_attaching_to_anothers_order_needs_a_yes(king: KingSandbox, unlinked: WorkOrder) -> None:
    with pytest.raises(guards.OtherCustomerError) as caught:
        order_actions.link_to_order(work_order=unlinked, king_order_number="500", by=JAN)

    assert (caught.value.why.params["debtor_name"], caught.value.why.params["customer"]) == ("Bakker", "10")
    unlinked.refresh_from_db()
    assert (unlinked.state, unlinked.king_order_number) == (LedgerState.HELD, None)


def test_a_yes_at_attaching_is_the_release(king: KingSandbox, unlinked: WorkOrder) -> None:
    order_actions.link_to_order(work_order=unlinked, king_order_number="500", by=JAN, accepts_other_customer=True)

    run = scenario.export()

    unlinked.refresh_from_db()
    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert (unlinked.state, len(lines_of(king))) == (LedgerState.DONE, 4)


def test_the_setting_spares_the_question(king: KingSandbox, unlinked: WorkOrder) -> None:
    choose(order_of_other_customer="send")

    order_actions.link_to_order(work_order=unlinked, king_order_number="500", by=JAN)

    assert scenario.counts(scenario.export()) == {"read": 1, "updated": 1}


def test_the_command_asks_for_an_option(king: KingSandbox, unlinked: WorkOrder) -> None:
    attach = ("ledger", "jansen", "--link", unlinked.outsmart_id, "500", "--by", JAN, "--json")

    refused, told = command(*attach)
    done, _ = command(*attach, "--yes-other-customer")

    assert (refused, done) == (2, 0)
    error = json.loads(told)["error"]
    assert all(name in error for name in (*BOTH_NAMES, "--yes-other-customer"))
    assert scenario.ledger(unlinked.outsmart_id).king_order_number == "500"


def test_what_is_seen_before_attaching_names_both(unlinked: WorkOrder) -> None:
    found = order_actions.find_king_order("500", work_order=unlinked)

    assert found
    assert found.other_customer
    assert (found.order.debtor_number, found.customer_name) == ("12", "Bakker")
