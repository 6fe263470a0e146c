"""Amounts in the ledger and travel lines in King, through whole exports."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, OrderLine, WorkOrder
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.scenario import choose, material, period


@pytest.fixture(autouse=True)
def _stocked(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    king.store.put_record("rate", "MONT", {"OmschrijvingKort": "Monteur", "AantalDecimalen": 2, "PrijsExclBtw": 58})
    king.store.put_record(
        "article", "KM", {"OmschrijvingKort": "Kilometer", "AantalDecimalen": 1, "VerkoopPrijsExclBtw": 0.45}
    )
    factories.settings(tenant, travel_article="KM")


def amount(row: WorkOrder) -> tuple[Decimal | None, bool]:
    return row.amount, row.is_amount_least


def edit(outsmart: OutSmartSandbox, number: str, **fields: object) -> None:
    outsmart.store.edit_work_order(number, fields | {"status": "Compleet", "WorkStatus": "1"})


# --- Travel -----------------------------------------------------------------------------------------------------------


def test_travel_is_a_line_of_its_own_in_king(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, Workperiods=[period(Travel="38"), period(Travel="0"), period(Travel="1,5")])

    scenario.export()

    (order,) = scenario.orders(king)
    assert scenario.lines(order)[:6] == [
        ("ART", "BUIS", "1"),
        ("TAR", "MONT", "1"),
        ("TAR", "MONT", "1"),
        ("TAR", "MONT", "1"),
        ("ART", "KM", "38"),
        ("ART", "KM", "1.5"),
    ]
    kinds = [line.kind for line in scenario.ledger_lines(scenario.ledger(number))]
    assert kinds == ["material", "hours", "hours", "hours", "travel", "travel", "text", "text"]


def test_an_edit_of_the_distance_changes_that_line_only(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    rows = [period(Travel="38"), period(Travel="12")]
    number = scenario.work_order(outsmart, Workperiods=rows)
    scenario.export()
    (before,) = scenario.orders(king)

    edit(outsmart, number, Workperiods=[rows[0] | {"Travel": "40"}, rows[1]])
    scenario.export()

    (after,) = scenario.orders(king)
    assert [row["RegelID"] for row in after["OrderRegels"]] == [row["RegelID"] for row in before["OrderRegels"]]
    assert ("ART", "KM", "40") in scenario.lines(after)
    assert ("ART", "KM", "12") in scenario.lines(after)


def test_a_distance_that_is_gone_removes_its_line(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    row = period(Travel="38")
    number = scenario.work_order(outsmart, Workperiods=[row])
    scenario.export()

    edit(outsmart, number, Workperiods=[row | {"Travel": ""}])
    scenario.export()

    (order,) = scenario.orders(king)
    assert "KM" not in [article for _kind, article, _quantity in scenario.lines(order)]
    assert scenario.ledger(number).state == LedgerState.DONE


def test_a_distance_that_cannot_be_read_leaves_the_order_incomplete(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart, Workperiods=[period(Travel="ver")])

    scenario.export()

    row = scenario.ledger(number)
    assert (row.state, row.reasons[0]["params"]["code"]) == (LedgerState.INCOMPLETE, "unreadable_distance")


def test_without_a_warehouse_king_chooses_one(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    choose(default_warehouse="")
    rows = [material(MaterialWarehouseCode="2")]
    number = scenario.work_order(outsmart, Materials=rows, Workperiods=[period(Travel="38")])

    scenario.export()

    (order,) = scenario.orders(king)
    assert ("ART", "KM", "38") in scenario.lines(order)
    assert scenario.ledger(number).state == LedgerState.DONE


# --- Amounts ----------------------------------------------------------------------------------------------------------


def test_the_ledger_knows_what_an_order_comes_to(outsmart: OutSmartSandbox, king: KingSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=[material(quantity="3")], Workperiods=[period(Travel="10")])

    scenario.export()

    row = scenario.ledger(number)
    assert amount(row) == (Decimal("81.70"), False)  # 3 * 6.40 + 58 + 10 * 0.45
    prices = [(line.price, line.price_of) for line in scenario.ledger_lines(row)][:3]
    assert prices == [
        (Decimal("6.4"), OrderLine.PriceOf.KING),
        (Decimal(58), OrderLine.PriceOf.KING),
        (Decimal("0.45"), OrderLine.PriceOf.KING),
    ]


def test_a_line_that_king_refuses_makes_it_the_least(outsmart: OutSmartSandbox, king: KingSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=[material(), material("GEEN")])

    scenario.export()

    assert amount(scenario.ledger(number)) == (Decimal("64.40"), True)


def test_a_held_work_order_shows_its_amount_too(outsmart: OutSmartSandbox, king: KingSandbox) -> None:
    choose(review=["credit"], send_prices=True)
    number = scenario.work_order(outsmart, Materials=[material(quantity="-2", MaterialPrice="7,50")])

    scenario.export()

    row = scenario.ledger(number)
    assert (row.state, amount(row)) == (LedgerState.HELD, (Decimal("43.00"), False))


def test_an_edit_brings_another_amount(outsmart: OutSmartSandbox, king: KingSandbox) -> None:
    number = scenario.work_order(outsmart, Workperiods=[])
    scenario.export()

    edit(outsmart, number, Materials=[material(quantity="2")])
    scenario.export()

    assert amount(scenario.ledger(number)) == (Decimal("12.80"), False)
