"""All lines must pass first; all reasons at once; free lines at their own price; credits wait for approval."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario
from tests.management.test_commands import command, sync
from tests.scenario import choose

pytestmark = pytest.mark.usefixtures("stocked")


def codes(row: WorkOrder) -> list[str]:
    return [why["params"].get("code", why["code"]) for why in row.reasons]


# --- All lines must pass first ----------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a price of more decimals": ({"MaterialPrice": "1,2345"}, "price_decimals"),
    "a price that is too large": ({"MaterialPrice": "12345678901"}, "price_too_large"),
    "a negative price": ({"MaterialPrice": "-1"}, "negative_price"),
    "a quantity of more decimals": ({"MaterialNr": "1,234"}, "too_many_decimals"),
    "a quantity that is too large": ({"MaterialNr": "8712345678906"}, "quantity_too_large"),
    "an unknown article": ({"MaterialCode": "NIEUW"}, "unknown_article"),
    "an unknown warehouse": ({"MaterialWarehouseCode": "77"}, "unknown_warehouse"),
    "a warehouse that is no number": ({"MaterialWarehouseCode": "Bus"}, "unknown_warehouse"),
}


@pytest.mark.parametrize(("fields", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_with_hold_a_line_that_king_refuses_makes_no_order(
    king: KingSandbox, outsmart: OutSmartSandbox, fields: dict[str, Any], code: str
) -> None:
    choose(incomplete_orders="hold", send_prices=True)
    number = scenario.work_order(outsmart, Materials=[scenario.material() | fields, scenario.material("KNIE")])

    run = scenario.export()

    row = scenario.ledger(number)
    assert scenario.orders(king) == []
    assert scenario.counts(run) == {"read": 1, "skipped": 1}
    assert (row.state, codes(row)) == (LedgerState.HELD, ["waits_for_lines", code])


@pytest.mark.parametrize(
    ("kind", "number", "change"),
    [
        ("article", "BUIS", {"GeblokkeerdVoorVerkoop": 1}),
        ("article", "BUIS", {"AantalDecimalen": 0}),
        ("article", "BUIS", None),
        ("rate", "MONT", {"GeblokkeerdVoorVerkoop": 1}),
        ("rate", "MONT", None),
        ("warehouse", "1", None),
    ],
)
def test_with_hold_what_king_changed_since_we_read_it_makes_no_order(
    king: KingSandbox, outsmart: OutSmartSandbox, kind: str, number: str, change: dict[str, Any] | None
) -> None:
    choose(incomplete_orders="hold")
    scenario.export()  # reads King's master data
    if change is None:
        king.store.remove_record(kind, number)
    else:
        king.store.put_record(kind, number, change)
    scenario.work_order(outsmart, Materials=[scenario.material("BUIS", "1,5")])

    run = scenario.export()

    assert scenario.orders(king) == []
    assert scenario.counts(run) == {"read": 1, "skipped": 1}


def test_with_hold_an_article_by_its_ean_code_is_asked_about_too(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(incomplete_orders="hold")
    king.store.put_record("article", "TAPE", {"OmschrijvingKort": "Tape", "EanCode": "8712345678906"})
    scenario.export()
    king.store.put_record("article", "TAPE", {"GeblokkeerdVoorVerkoop": 1})
    number = scenario.work_order(outsmart, Materials=[scenario.material("8712345678906"), scenario.material()])

    sync("export", "--dry-run")
    dry = scenario.orders(king)
    scenario.export()

    assert dry == scenario.orders(king) == []
    assert codes(scenario.ledger(number)) == ["waits_for_lines", "blocked_article"]


def test_with_hold_a_sound_order_is_sent_whole(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(incomplete_orders="hold", send_prices=True)
    number = scenario.work_order(outsmart)

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "created": 1}
    assert scenario.ledger(number).state == LedgerState.DONE


# --- Every reason, the most important first ---------------------------------------------------------------------------

BAD_LINE = {"Materials": [scenario.material("NIEUW"), scenario.material()]}


@pytest.mark.parametrize(("number", "code"), [("404", "unknown_order"), ("geen", "unknown_order")])
def test_a_held_work_order_of_an_unknown_order_is_rejected_with_every_reason(
    king: KingSandbox, outsmart: OutSmartSandbox, number: str, code: str
) -> None:
    choose(incomplete_orders="hold")
    work_order = scenario.work_order(outsmart, WorkorderNo=number, **BAD_LINE)

    plan = sync("export", "--dry-run")[1]["plan"]
    run = scenario.export()

    row = scenario.ledger(work_order)
    assert scenario.counts(run) == {"read": 1, "rejected": 1}
    assert (row.state, codes(row)) == (LedgerState.REJECTED, [code, "waits_for_lines", "unknown_article"])
    assert (plan[0]["action"], len(plan[0]["reasons"])) == ("rejected", 3)


def test_a_held_work_order_of_a_closed_order_says_every_reason(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    row = scenario.ledger(number)
    king.store.edit_order(int(row.king_order_number or 0), Edit(close=True))
    choose(incomplete_orders="hold")
    outsmart.store.edit_work_order(number, {"status": "Compleet", **BAD_LINE})

    run = scenario.export()

    row.refresh_from_db()
    assert (row.state, scenario.counts(run)) == (LedgerState.REJECTED, {"read": 1, "rejected": 1})
    assert codes(row) == ["order_delivered", "waits_for_lines", "unknown_article"]


def test_a_rejected_work_order_tells_what_would_hold_it_too(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(incomplete_orders="hold", default_warehouse="")
    king.store.put_record("debtor", "12", {"Naam1": "Bakker", "Woonplaats": "Ede"})
    king.store.put_record("order", "500", {"DebiteurNummer": 12})
    number = scenario.work_order(outsmart, WorkorderNo="500", **BAD_LINE)

    scenario.export()

    row = scenario.ledger(number)
    assert row.state == LedgerState.REJECTED
    assert codes(row) == [
        *("no_warehouse", "no_warehouse", "waits_for_lines", "order_of_other_customer", "unknown_article")
    ]


def test_a_linked_order_of_a_blocked_debtor_is_rejected_before_a_line(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    king.store.put_record("order", "500", {"DebiteurNummer": 10})
    king.store.put_record("debtor", "10", {"Naam1": "Klant 10", "BlokkeerOrderInvoer": 1})
    number = scenario.work_order(outsmart, WorkorderNo="500")

    scenario.export()

    row = scenario.ledger(number)
    assert (row.state, codes(row)) == (LedgerState.REJECTED, ["blocked_debtor"])
    assert "Order_OrderRegel_Toevoegen" not in scenario.calls(king)


def test_a_linked_order_of_a_debtor_that_was_blocked_since_is_rejected(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    king.store.put_record("order", "500", {"DebiteurNummer": 10})
    scenario.export()  # reads King's debtors
    king.store.put_record("debtor", "10", {"Naam1": "Klant 10", "BlokkeerOrderInvoer": 1})
    number = scenario.work_order(outsmart, WorkorderNo="500")

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "rejected": 1}
    assert scenario.ledger(number).state == LedgerState.REJECTED
    assert scenario.is_clean(king)


# --- Free lines -------------------------------------------------------------------------------------------------------


def free_line(price: str) -> dict[str, Any]:
    return scenario.material("", "2", MaterialName="Huur hoogwerker", MaterialPrice=price)


@pytest.mark.parametrize(
    ("price", "sends_prices", "in_king"),
    [("25,00", False, 25.0), ("25.125", False, 25.125), ("25,00", True, 25.0), ("0", True, 0.0)]
    + [(price, False, 8.95) for price in ("", "0", "0,00", "-5")],
)
def test_a_free_line_has_its_own_price(
    king: KingSandbox, outsmart: OutSmartSandbox, price: str, sends_prices: bool, in_king: float
) -> None:
    choose(free_line_article="DIV", send_prices=sends_prices)
    king.store.put_record("article", "DIV", {"OmschrijvingKort": "Diversen", "VerkoopPrijsExclBtw": 8.95})
    number = scenario.work_order(outsmart, Materials=[free_line(price)])

    scenario.export()

    (order,) = scenario.orders(king)
    line = order["OrderRegels"][0]
    assert (line["ArtikelNummer"], line["TekstOpFactuur"], float(line["Prijs"])) == ("DIV", "Huur hoogwerker", in_king)
    assert scenario.ledger(number).state == LedgerState.DONE


@pytest.mark.parametrize(
    ("price", "sends_prices", "code"),
    [("op aanvraag", False, "unreadable_price"), ("1,2345", False, "price_decimals"), ("-5", True, "negative_price")],
)
def test_a_free_line_of_a_price_that_king_cannot_hold_is_refused(
    king: KingSandbox, outsmart: OutSmartSandbox, price: str, sends_prices: bool, code: str
) -> None:
    choose(free_line_article="DIV", send_prices=sends_prices)
    king.store.put_record("article", "DIV", {"OmschrijvingKort": "Diversen", "VerkoopPrijsExclBtw": 8.95})
    number = scenario.work_order(outsmart, Materials=[free_line(price), scenario.material()])

    scenario.export()

    assert codes(scenario.ledger(number)) == [code]


# --- Credits ----------------------------------------------------------------------------------------------------------


def notice(outsmart_id: str) -> str:
    entries = json.loads(command("ledger", "jansen", "--json")[1])
    return next(str(each["notice"]) for each in entries if each["outsmart_id"] == outsmart_id)


def test_an_order_with_a_credit_line_is_left_to_a_person(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(approve_order=True)
    credit = scenario.work_order(outsmart, Materials=[scenario.material("BUIS", "-1"), scenario.material("KNIE", "2")])
    plain = scenario.work_order(outsmart)

    run = scenario.export()

    first, second = scenario.orders(king)
    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 2, "created": 2})
    assert [(each["Goedgekeurd"], each["VrijVoorLevering"]) for each in (first, second)] == [(0, 0), (1, 1)]
    assert scenario.ledger(credit).state == scenario.ledger(plain).state == LedgerState.DONE
    assert str(first["OrderNummer"]) in notice(credit)
    assert notice(plain) == ""
    assert scenario.work_order_in_outsmart(outsmart, credit)["status"] == "Afgehandeld"


def test_an_order_with_a_credit_line_of_kings_staff_is_left_to_a_person(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(interim_updates=True, order_update_status="5", create_interim_order=True, approve_order=True)
    number = scenario.work_order(outsmart, status="Opgehaald", WorkStatus="5")
    scenario.export()
    order = int(scenario.ledger(number).king_order_number or 0)
    king.store.edit_order(order, Edit(add=[{"RegelSoort": "ART", "ArtikelNummer": "KNIE", "AantalBesteld": -1}]))
    outsmart.store.edit_work_order(
        number, {"status": "Compleet", "WorkStatus": "1", "Materials": [scenario.material("BUIS", "3")]}
    )

    scenario.export()

    assert scenario.orders(king)[0]["Goedgekeurd"] == 0
    assert notice(number)


def test_an_order_whose_credit_line_went_is_approved_after_all(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(approve_order=True)
    number = scenario.work_order(outsmart, Materials=[scenario.material("BUIS", "-1")])
    scenario.export()
    outsmart.store.edit_work_order(number, {"status": "Compleet", "Materials": [scenario.material("BUIS", "1")]})

    scenario.export()

    assert scenario.orders(king)[0]["Goedgekeurd"] == 1
    assert notice(number) == ""


def test_an_unchanged_order_that_waits_for_approval_costs_no_call(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(approve_order=True)
    number = scenario.work_order(outsmart, Materials=[scenario.material("BUIS", "-1")])
    scenario.export()
    outsmart.store.edit_work_order(number, {"status": "Compleet"})
    king.calls.clear()

    run = scenario.export()

    assert (scenario.counts(run), scenario.calls(king)) == ({"read": 1, "unchanged": 1}, [])
    assert notice(number)


def test_an_order_whose_reading_fails_keeps_the_reasons_that_are_known(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    choose(incomplete_orders="hold")
    king.store.put_record("order", "500", {"DebiteurNummer": 10})
    number = scenario.work_order(outsmart, WorkorderNo="500", **BAD_LINE)
    king.faults.add(Fault(kind="refuse", operation="Orders_Opvragen", code="X", message="Uit", times="forever"))

    run = scenario.export()

    row = scenario.ledger(number)
    assert scenario.counts(run) == {"read": 1, "skipped": 1}
    assert codes(row) == ["waits_for_lines", "unknown_article"]
