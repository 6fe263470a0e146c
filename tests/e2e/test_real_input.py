"""An OutSmart answer with every documented field, through a whole export.

Comma and point decimals are mixed, one period crosses midnight, and the three work orders are at two statuses.
"""

from __future__ import annotations

import pytest

from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from sandboxes.king.example_company import example_company
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

CARE_HOME, BAKERY, LANDLORD = "2417731", "2418002", "2418155"


@pytest.fixture
def exported(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.load_company(example_company())
    scenario.example(outsmart)
    factories.settings(tenant)

    run = scenario.export()

    assert run.status == "partly"
    assert scenario.counts(run) == {"read": 2, "created": 1, "updated": 1}


def order_of(king: KingSandbox, number: str) -> dict[str, object]:
    return next(order for order in scenario.orders(king, ours=False) if str(order["OrderNummer"]) == number)


@pytest.mark.usefixtures("exported")
def test_the_linked_work_order_is_added_to_its_king_order(king: KingSandbox) -> None:
    row = scenario.ledger(CARE_HOME)

    assert row.king_order_number == "20251184"  # WorkorderNo, which King knows as an open order
    assert scenario.lines(order_of(king, "20251184")) == [
        # What King's own staff had put there stays, on top.
        ("ART", "PAK-ONTL", "1"),
        ("TEKST", "Onderhoud volgens contract OC-2023-055", ""),
        # Materials first (materials_hours_text). EXP-035 (MAG01) and PAK-ONTL (BUS107) are not here: King has no such
        # warehouses, and a line is never booked from another one. The free line has no article number.
        # "2,5" is two and a half; it names no warehouse, so the default one counts.
        ("ART", "BUIS-22", "2.5"),
        # Hours, one line per work period, rounded up to 15 minutes.
        ("TAR", "MONT", "3.75"),  # TotalTime 03:45 = 225 minutes, on the step: unchanged. (4 hours less a break of 15.)
        ("TAR", "MONT", "4.25"),  # 04:10 = 250 minutes, rounded up to 255
        ("TAR", "MONT150", "1.5"),  # 01:30 = 90 minutes
        ("TAR", "REIS", "0.75"),  # 00:45; the travelled distance (44) is not time
        # Texts: the work description with its line break, CRLF as LF; then the extra line of the settings.
        ("TEKST", "Jaarlijks onderhoud twee cv-ketels.\nExpansievat vervangen en installatie ontlucht.", ""),
        ("TEKST", "Werkbon 2025.00412", ""),
    ]


@pytest.mark.usefixtures("exported")
def test_the_warehouse_of_each_sent_material_is_the_default(king: KingSandbox) -> None:
    (pipe,) = [row for row in order_of(king, "20251184")["OrderRegels"] if row["ArtikelNummer"] == "BUIS-22"]  # type: ignore[attr-defined]

    assert pipe["Magazijn"] == 1


@pytest.mark.usefixtures("exported")
def test_a_linked_order_keeps_its_debtor_and_approval(king: KingSandbox) -> None:
    order = order_of(king, "20251184")

    assert order["DebiteurNummer"] == 10020
    assert order["Goedgekeurd"] == 0


@pytest.mark.usefixtures("exported")
def test_the_work_order_without_a_number_becomes_a_new_order(king: KingSandbox) -> None:
    (order,) = scenario.orders(king)

    assert order["ExternOrderNummer"] == "OS-2418002"
    assert order["DebiteurNummer"] == 10311  # the invoice relation
    assert order["Referentie"] == "Werkbon 2025.00437"  # the customer gave no reference
    assert (order["OrderDatum"], order["LeverDatum"]) == ("2025-11-14", "2025-11-15")
    assert scenario.lines(order) == [
        # REL-CMP-230 is not here: King has no warehouse BUS115.
        ("ART", "VOORRIJ", "1"),
        ("TAR", "STORING", "2.75"),  # 21:40-00:25, across midnight: 165 minutes
        ("TAR", "STORING", "0.5"),  # 00:30 with an empty break
        ("TEKST", "Koelcel viel uit; compressorrelais vervangen en getest. Cel is weer op -18 °C.", ""),
        ("TEKST", "Werkbon 2025.00437", ""),
    ]


@pytest.mark.usefixtures("exported")
def test_both_orders_are_incomplete_and_say_why() -> None:
    care_home, bakery = scenario.ledger(CARE_HOME), scenario.ledger(BAKERY)

    assert (care_home.state, bakery.state) == (LedgerState.INCOMPLETE, LedgerState.INCOMPLETE)
    assert [why["params"]["code"] for why in care_home.reasons] == [
        "unknown_warehouse",
        "unknown_warehouse",
        "no_article_code",
    ]
    assert [why["params"]["warehouse"] for why in bakery.reasons] == ["BUS115"]


@pytest.mark.usefixtures("exported")
def test_incomplete_orders_are_not_confirmed(outsmart: OutSmartSandbox) -> None:
    assert {scenario.work_order_in_outsmart(outsmart, each)["status"] for each in (CARE_HOME, BAKERY)} == {"Compleet"}
    assert {scenario.work_order_in_outsmart(outsmart, each)["WorkStatus"] for each in (CARE_HOME, BAKERY)} == {"1"}


@pytest.mark.usefixtures("exported")
def test_the_work_order_that_failed_before_is_left_alone(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    assert scenario.lines(order_of(king, "20251201")) == [("ART", "WTW-350", "1")]
    assert scenario.work_order_in_outsmart(outsmart, LANDLORD)["WorkStatus"] == "99"
    assert scenario.is_clean(king)


@pytest.mark.usefixtures("exported")
def test_once_king_has_the_warehouses_the_orders_become_complete_by_themselves(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    # King's warehouses are numbers, so the office corrects the codes in OutSmart and gives the free line an article.
    for outsmart_id in (CARE_HOME, BAKERY):
        rows = scenario.work_order_in_outsmart(outsmart, outsmart_id)["Materials"]
        repaired = [
            row | {"MaterialWarehouseCode": "2", "MaterialCode": row["MaterialCode"] or "PAK-ONTL"} for row in rows
        ]
        outsmart.store.edit_work_order(outsmart_id, {"Materials": repaired})

    run = scenario.export()

    assert scenario.counts(run) == {"read": 2, "updated": 2}
    assert [scenario.ledger(each).state for each in (CARE_HOME, BAKERY)] == [LedgerState.DONE, LedgerState.DONE]
    assert {scenario.work_order_in_outsmart(outsmart, each)["status"] for each in (CARE_HOME, BAKERY)} == {
        "Afgehandeld"
    }
    (order,) = scenario.orders(king)
    assert [line[1] for line in scenario.lines(order)][:4] == ["REL-CMP-230", "VOORRIJ", "STORING", "STORING"]
    assert scenario.is_clean(king)
