"""Open King orders become work orders, and come back to the very same order."""

from __future__ import annotations

import datetime

import pytest

from integrations.sandbox.faults import Fault
from integrations.sandbox.king import KingSandbox
from integrations.sandbox.king_store import Edit
from integrations.sandbox.outsmart import OutSmartSandbox
from kingsync.models.links import RecordLink
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.runs import people
from tests import desk, factories

ORDER = "500"


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    desk.stock(king)
    factories.settings(tenant, orders_enabled=True, orders_work_status="2")
    king.store.put_record(
        "order", ORDER, {"DebiteurNummer": 10, "DebiteurNummerFactuur": 11, "LeverDatum": "2025-12-01"}
    )
    lines: list[dict[str, object]] = [
        {"RegelSoort": "ART", "ArtikelNummer": "BUIS", "AantalBesteld": 4, "Magazijn": 1},
        {"RegelSoort": "TEKST", "TekstOpFactuur": "Volgens offerte"},
        {"RegelSoort": "ART", "ArtikelNummer": "KNIE", "AantalBesteld": 2, "Magazijn": 1},
    ]
    king.store.edit_order(int(ORDER), Edit(add=lines))


def made(outsmart: OutSmartSandbox) -> list[dict[str, object]]:
    return [row for row in outsmart.store.all_work_orders() if row["WorkorderNo"]]


def test_an_open_order_becomes_a_work_order_with_its_materials(outsmart: OutSmartSandbox) -> None:
    run = desk.load("orders")

    assert (run.status, desk.counts(run)) == ("succeeded", {"read": 1, "created": 1})
    (row,) = made(outsmart)
    assert (row["WorkorderNo"], row["status"], row["WorkStatus"]) == (ORDER, "Klaargezet", "2")
    assert (row["CustomerDebtorNr"], row["CustomerDebtorNrInvoice"]) == ("10", "11")
    assert (row["CustomerContactPerson"], row["TypeOfWork"]) == ("Klant 10", "Service")
    assert [(m["MaterialCode"], m["MaterialNr"]) for m in row["Materials"]] == [("BUIS", "4"), ("KNIE", "2")]  # type: ignore[attr-defined]


def test_a_second_import_makes_nothing_twice(outsmart: OutSmartSandbox) -> None:
    desk.load("orders")

    run = desk.load("orders")

    assert desk.counts(run) == {"read": 1, "unchanged": 1}
    assert len(made(outsmart)) == 1


def test_a_number_typed_into_a_work_order_is_linked_and_nothing_is_made(outsmart: OutSmartSandbox) -> None:
    desk.work_order(outsmart, WorkorderNo=ORDER, status="Opgehaald")

    run = desk.load("orders")

    assert desk.counts(run) == {"read": 1, "unchanged": 1}
    assert len(made(outsmart)) == 1


def test_rows_of_a_work_order_that_was_not_imported_are_added(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    desk.work_order(outsmart, WorkorderNo=ORDER, Materials=[desk.material("KNIE", "2", MaterialWarehouseCode="1")])
    desk.load("orders")

    desk.export()

    (order,) = desk.orders(king, ours=False)
    assert [line for line in desk.lines(order) if line[1] == "KNIE"] == [("ART", "KNIE", "2"), ("ART", "KNIE", "2")]


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "broken_json"])
def test_a_lost_answer_makes_nothing_twice(outsmart: OutSmartSandbox, kind: str) -> None:
    outsmart.faults.add(Fault(kind=kind, operation="PostWorkorders"))  # type: ignore[arg-type]

    run = desk.load("orders")

    assert desk.counts(run) == {"read": 1, "created": 1}
    assert len(made(outsmart)) == 1


def test_an_order_that_our_export_made_is_not_imported(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    desk.work_order(outsmart)
    desk.export()

    run = desk.load("orders")

    assert desk.counts(run) == {"read": 2, "created": 1, "unchanged": 1}
    assert [row["WorkorderNo"] for row in made(outsmart)] == [ORDER]


def test_orders_before_the_starting_date_are_left_alone(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.edit_order(int(ORDER), Edit(header={"OrderDatum": "2025-01-01"}))
    settings = SyncSettings.objects.get()
    settings.orders_from_date = datetime.date(2025, 6, 1)
    settings.store(by=None)

    run = desk.load("orders")

    assert desk.counts(run) == {"read": 1, "skipped": 1}
    assert made(outsmart) == []


def test_an_order_of_an_incomplete_customer_is_listed(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.put_record("debtor", "10", {"Naam1": "Klant 10", "PostCode": "", "Woonplaats": "Ede"})

    run = desk.load("orders")

    assert (run.status, desk.counts(run)) == ("partly", {"read": 1, "rejected": 1})
    assert RecordLink.objects.get(kind="order").reason["params"]["fields"] == "postal_code"


def test_a_dry_run_makes_nothing(outsmart: OutSmartSandbox) -> None:
    run = desk.load("orders", dry_run=True)

    assert desk.counts(run) == {"read": 1, "created": 1}
    assert made(outsmart) == []


def finished(outsmart: OutSmartSandbox, **changes: object) -> str:
    """Let the engineer finish the imported work order; return its row id."""
    (row,) = made(outsmart)
    work: dict[str, object] = {"status": "Compleet", "WorkStatus": "1", "Workperiods": [desk.period()]}
    outsmart.store.edit_work_order(str(row["id"]), work | changes)
    return str(row["id"])


def test_lines_that_came_from_the_order_are_never_added_a_second_time(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    desk.load("orders")
    number = finished(outsmart)

    run = desk.export()

    assert desk.counts(run) == {"read": 1, "updated": 1}
    assert desk.ledger(number).state == LedgerState.DONE
    (order,) = desk.orders(king, ours=False)
    assert desk.lines(order) == [
        ("ART", "BUIS", "4"),
        ("TEKST", "Volgens offerte", ""),
        ("ART", "KNIE", "2"),
        ("TAR", "MONT", "1"),
        ("TEKST", f"Werkbon {order_number(outsmart, number)}", ""),
    ]
    assert desk.is_clean(king)


def order_number(outsmart: OutSmartSandbox, number: str) -> str:
    return str(desk.told(outsmart, number)["OrderNr"])


def test_a_used_quantity_updates_the_line_that_it_came_from(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    desk.load("orders")
    (row,) = made(outsmart)
    used = [material | {"MaterialNr": "7"} for material in row["Materials"]]  # type: ignore[attr-defined]
    finished(outsmart, Materials=[*used, desk.material("BUIS", "1", MaterialWarehouseCode="2")])

    desk.export()

    (order,) = desk.orders(king, ours=False)
    assert [line for line in desk.lines(order) if line[0] == "ART"] == [
        ("ART", "BUIS", "7"),
        ("ART", "KNIE", "7"),
        ("ART", "BUIS", "1"),
    ]
    assert desk.is_clean(king)


def test_a_line_of_kings_that_the_engineer_did_not_use_stays(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    desk.load("orders")
    finished(outsmart, Materials=[])

    desk.export()

    (order,) = desk.orders(king, ours=False)
    assert [line for line in desk.lines(order) if line[0] == "ART"] == [("ART", "BUIS", "4"), ("ART", "KNIE", "2")]


def test_attaching_to_an_imported_order_adds_nothing_a_second_time(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    desk.load("orders")
    materials = [
        desk.material(code, number, MaterialWarehouseCode="1") for code, number in (("BUIS", "4"), ("KNIE", "2"))
    ]
    number = desk.work_order(outsmart, WorkorderNo="404", Materials=materials)
    desk.export()

    people.attach(work_order=desk.ledger(number), king_order_number=ORDER, by="Olga")
    desk.export()

    (order,) = desk.orders(king, ours=False)
    assert [line for line in desk.lines(order) if line[0] == "ART"] == [("ART", "BUIS", "4"), ("ART", "KNIE", "2")]
    assert desk.ledger(number).state == LedgerState.DONE
    assert desk.is_clean(king)
