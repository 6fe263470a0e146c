"""Open King orders become work orders, and come back to the very same order."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from integrations.king import client as king_client
from integrations.king.reader import KingReader
from integrations.king.records import Kind, Order, Page
from kingsync.imports import batch_post
from kingsync.imports.orders.order_customers import Customers
from kingsync.manual_actions import order_actions
from kingsync.models import tenants
from kingsync.models.links import RecordLink
from kingsync.models.runs import LogEntry
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.rules.outcomes import reason
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.conftest import connect

pytestmark = pytest.mark.usefixtures("lost_answers_soon_settled")

ORDER = "500"


@pytest.fixture(autouse=True)
def _ready(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
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
    run = scenario.load("orders")

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 1, "created": 1})
    (row,) = made(outsmart)
    assert (row["WorkorderNo"], row["status"], row["WorkStatus"]) == (ORDER, "Klaargezet", "2")
    assert (row["CustomerDebtorNr"], row["CustomerDebtorNrInvoice"]) == ("10", "11")
    assert (row["CustomerContactPerson"], row["TypeOfWork"]) == ("Klant 10", "Service")
    assert [(m["MaterialCode"], m["MaterialNr"]) for m in row["Materials"]] == [("BUIS", "4"), ("KNIE", "2")]  # type: ignore[attr-defined]


def test_a_second_import_makes_nothing_twice(outsmart: OutSmartSandbox) -> None:
    scenario.load("orders")

    run = scenario.load("orders")

    assert scenario.counts(run) == {"read": 1, "unchanged": 1}
    assert len(made(outsmart)) == 1


def test_a_number_typed_into_a_work_order_is_linked_and_nothing_is_made(outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart, WorkorderNo=ORDER, status="Opgehaald")

    run = scenario.load("orders")

    assert scenario.counts(run) == {"read": 1, "unchanged": 1}
    assert len(made(outsmart)) == 1


def test_rows_of_a_work_order_that_was_not_imported_are_added(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(
        outsmart, WorkorderNo=ORDER, Materials=[scenario.material("KNIE", "2", MaterialWarehouseCode="1")]
    )
    scenario.load("orders")

    scenario.export()

    (order,) = scenario.orders(king, ours=False)
    assert [line for line in scenario.lines(order) if line[1] == "KNIE"] == [("ART", "KNIE", "2"), ("ART", "KNIE", "2")]


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "broken_json"])
def test_a_lost_answer_makes_nothing_twice(outsmart: OutSmartSandbox, kind: str) -> None:
    outsmart.faults.add(Fault(kind=kind, operation="PostWorkorders"))  # type: ignore[arg-type]

    run = scenario.load("orders")

    assert scenario.counts(run) == {"read": 1, "created": 1}
    assert len(made(outsmart)) == 1


def test_an_order_that_our_export_made_is_not_imported(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()

    run = scenario.load("orders")

    assert scenario.counts(run) == {"read": 2, "created": 1, "unchanged": 1}
    assert [row["WorkorderNo"] for row in made(outsmart)] == [ORDER]


def test_orders_before_the_starting_date_are_left_alone(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.edit_order(int(ORDER), Edit(header={"OrderDatum": "2025-01-01"}))
    settings = SyncSettings.objects.get()
    settings.orders_from_date = datetime.date(2025, 6, 1)
    settings.store(by=None)

    run = scenario.load("orders")

    assert scenario.counts(run) == {"read": 1, "skipped": 1}
    assert made(outsmart) == []


def test_an_order_of_an_incomplete_customer_is_listed(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.put_record("debtor", "10", {"Naam1": "Klant 10", "PostCode": "", "Woonplaats": "Ede"})

    run = scenario.load("orders")

    assert (run.status, scenario.counts(run)) == ("partly", {"read": 1, "rejected": 1})
    assert RecordLink.objects.get(kind="order").reason["params"]["fields"] == "postal_code"


def test_a_dry_run_makes_nothing(outsmart: OutSmartSandbox) -> None:
    run = scenario.load("orders", dry_run=True)

    assert scenario.counts(run) == {"read": 1, "created": 1}
    assert made(outsmart) == []


def renumbered(outsmart: OutSmartSandbox, number: str) -> None:
    """Let the office type another King number into the imported work order."""
    (row,) = made(outsmart)
    outsmart.store.edit_work_order(str(row["id"]), {"WorkorderNo": number})


def test_what_was_posted_is_kept_with_the_order(outsmart: OutSmartSandbox) -> None:
    scenario.load("orders")

    link = RecordLink.objects.get(kind="order")
    (row,) = made(outsmart)
    sent = json.loads(link.sent)
    assert (link.state, link.outsmart_id, link.name) == ("linked", str(row["id"]), "Klant 10")
    assert (sent["WorkorderNo"], [material["MaterialCode"] for material in sent["Materials"]]) == (
        ORDER,
        ["BUIS", "KNIE"],
    )


def test_a_duplicate_that_outsmart_skips_in_silence_is_looked_up(outsmart: OutSmartSandbox) -> None:
    outsmart.change_switches({"duplicates_return_row_id": False})
    # The lost answer and the lookup after it are both too early; the first call is carried out all the same.
    outsmart.faults.add(Fault(kind="reset_after", operation="PostWorkorders"))
    outsmart.faults.add(Fault(kind="refuse", operation="GetWorkorder", code="1500", skip=1))

    run = scenario.load("orders")

    (row,) = made(outsmart)
    assert scenario.counts(run) == {"read": 1, "created": 1}
    assert RecordLink.objects.get(kind="order").outsmart_id == str(row["id"])


def test_a_run_that_died_before_it_could_book_is_made_good(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(batch_post, "halving", _posts_and_dies)
        assert scenario.load("orders").status == "failed"
    assert len(made(outsmart)) == 1
    assert RecordLink.objects.get(kind="order").reason["code"] == "order_being_posted"

    run = scenario.load("orders")
    finished(outsmart)
    scenario.export()

    assert scenario.counts(run) == {"read": 1, "created": 1}
    assert RecordLink.objects.get(kind="order").reason == {}
    (order,) = scenario.orders(king, ours=False)
    assert [line for line in scenario.lines(order) if line[0] == "ART"] == [("ART", "BUIS", "4"), ("ART", "KNIE", "2")]


def _posts_and_dies(send: Callable[[object], None], rows: object) -> None:
    send(rows)
    raise RuntimeError("killed")


def test_a_row_that_outsmart_stumbles_over_does_not_stop_the_others(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    king.store.put_record("order", "501", {"DebiteurNummer": 10})
    outsmart.faults.add(Fault(kind="refuse", operation="PostWorkorders", code="1007", times=4))

    run = scenario.load("orders")

    # Twice both together, twice the first of them alone.
    assert scenario.counts(run) == {"read": 2, "created": 1, "rejected": 1}
    assert [row["WorkorderNo"] for row in made(outsmart)] == ["501"]
    assert RecordLink.objects.get(king_id=ORDER).reason["code"] == "refused_by_outsmart"


def test_a_work_order_is_never_of_two_orders(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.load("orders")
    king.store.put_record("order", "501", {"DebiteurNummer": 10})
    renumbered(outsmart, "501")

    run = scenario.load("orders")

    assert scenario.counts(run) == {"read": 2, "unchanged": 1, "skipped": 1}
    assert RecordLink.objects.get(king_id="501").reason["params"]["other"] == ORDER
    assert len(made(outsmart)) == 1


def test_customers_that_were_imported_are_not_asked_for_again(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    person: dict[str, object] = {"Nummer": 3, "Naam": "Jo Beheer"}
    place: dict[str, object] = {
        "Nummer": 7,
        "Straat": "Laan",
        "HuisNummer": "9",
        "PostCode": "2 B",
        "Woonplaats": "Epe",
    }
    king.store.put_record("debtor", "10", {"ContactPersonen": [person], "VerzendAdressen": [place]})
    king.store.put_record("order", ORDER, {"ContactPersoonNummer": 3, "VerzendAdresNummer": 7})
    scenario.load("customers")
    king.calls.clear()

    scenario.load("orders")

    (row,) = made(outsmart)
    assert (row["CustomerContactPerson"], row["CustomerStreet"], row["CustomerCity"]) == ("Jo Beheer", "Laan 9", "Epe")
    assert (row["CustomerStreetInvoice"], row["CustomerNameInvoice"]) == ("Kade", "Klant 11")
    assert scenario.calls(king) == ["Orders_Opvragen"]


def test_parts_of_a_customer_that_are_not_imported_are_asked_of_king(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.load("customers")
    king.store.put_record("debtor", "10", {"ContactPersonen": [{"Nummer": 3, "Naam": "Jo Beheer"}]})
    king.store.put_record("order", ORDER, {"ContactPersoonNummer": 3})

    scenario.load("orders")

    (row,) = made(outsmart)
    assert row["CustomerContactPerson"] == "Jo Beheer"


class _Files:
    """A reader that cannot look up records."""

    can_look_up = False


def test_a_file_needs_the_customers_to_be_imported_first() -> None:
    scenario.load("customers")
    customers = Customers(cast("KingReader", _Files()))
    known, unknown = (Order(number="1", debtor_number=number) for number in ("10", "99"))
    customers.prepare([known, unknown])

    parties, why = customers.of(known), customers.of(unknown)

    assert isinstance(parties, tuple)
    assert [(each.number, each.name, each.city) for each in parties] == [("10", "Klant 10", "Ede")] * 2
    assert why == reason("customer_not_imported", debtor="99")


def test_what_is_left_alone_is_logged_once(king: KingSandbox) -> None:
    king.store.edit_order(int(ORDER), Edit(header={"OrderDatum": "2025-01-01"}))
    settings = SyncSettings.objects.get()
    settings.orders_from_date = datetime.date(2099, 1, 1)
    settings.store(by=None)

    runs = [scenario.load("orders"), scenario.load("orders")]

    assert [scenario.counts(run) for run in runs] == [{"read": 1, "skipped": 1}] * 2
    assert LogEntry.objects.filter(event="record.skipped").count() == 1


def test_an_order_that_king_tells_twice_is_made_once(
    outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = king_client.Client.iter_pages

    def twice(self: king_client.Client, kind: Kind, **options: object) -> Iterator[Page]:
        for page in once(self, kind, **options):  # type: ignore[arg-type]
            yield Page(records=page.records * 2, next_after=page.next_after)

    monkeypatch.setattr(king_client.Client, "iter_pages", twice)

    run = scenario.load("orders")

    assert scenario.counts(run) == {"read": 2, "created": 1, "unchanged": 1}
    assert len(made(outsmart)) == 1


def test_two_tenants_have_the_same_order_each_their_own(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.load("orders")
    other = factories.tenant()
    with KingSandbox(empty=True) as their_king, OutSmartSandbox(empty=True) as theirs, tenants.scope(other):
        connect(other, their_king, theirs)
        factories.settings(other, orders_enabled=True)
        scenario.stock(their_king)
        their_king.store.put_record("order", ORDER, {"DebiteurNummer": 11})
        run = scenario.load("orders")

        assert scenario.counts(run) == {"read": 1, "created": 1}
        assert RecordLink.objects.get(kind="order").name == "Klant 11"
        assert len(made(theirs)) == 1
    assert RecordLink.objects.get(kind="order").name == "Klant 10"
    assert len(made(outsmart)) == 1


def finished(outsmart: OutSmartSandbox, **changes: object) -> str:
    """Let the engineer finish the imported work order; return its row id."""
    (row,) = made(outsmart)
    work: dict[str, object] = {"status": "Compleet", "WorkStatus": "1", "Workperiods": [scenario.period()]}
    outsmart.store.edit_work_order(str(row["id"]), work | changes)
    return str(row["id"])


def test_lines_that_came_from_the_order_are_never_added_a_second_time(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.load("orders")
    number = finished(outsmart)

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "updated": 1}
    assert scenario.ledger(number).state == LedgerState.DONE
    (order,) = scenario.orders(king, ours=False)
    assert scenario.lines(order) == [
        ("ART", "BUIS", "4"),
        ("TEKST", "Volgens offerte", ""),
        ("ART", "KNIE", "2"),
        ("TAR", "MONT", "1"),
        ("TEKST", f"Werkbon {order_number(outsmart, number)}", ""),
    ]
    assert scenario.is_clean(king)


def order_number(outsmart: OutSmartSandbox, number: str) -> str:
    return str(scenario.work_order_in_outsmart(outsmart, number)["OrderNr"])


def test_a_used_quantity_updates_the_line_that_it_came_from(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.load("orders")
    (row,) = made(outsmart)
    used = [material | {"MaterialNr": "7"} for material in row["Materials"]]  # type: ignore[attr-defined]
    finished(outsmart, Materials=[*used, scenario.material("BUIS", "1", MaterialWarehouseCode="2")])

    scenario.export()

    (order,) = scenario.orders(king, ours=False)
    assert [line for line in scenario.lines(order) if line[0] == "ART"] == [
        ("ART", "BUIS", "7"),
        ("ART", "KNIE", "7"),
        ("ART", "BUIS", "1"),
    ]
    assert scenario.is_clean(king)


def test_a_line_of_kings_that_the_engineer_did_not_use_stays(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.load("orders")
    finished(outsmart, Materials=[])

    scenario.export()

    (order,) = scenario.orders(king, ours=False)
    assert [line for line in scenario.lines(order) if line[0] == "ART"] == [("ART", "BUIS", "4"), ("ART", "KNIE", "2")]


def test_linking_to_an_imported_order_brings_the_lines_of_a_follow_up_alone(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.load("orders")
    number = scenario.work_order(outsmart, WorkorderNo="404", Materials=[scenario.material("BUIS", "3")])
    scenario.export()

    order_actions.link_to_order(work_order=scenario.ledger(number), king_order_number=ORDER, by="Olga")
    scenario.export()

    (order,) = scenario.orders(king, ours=False)
    articles = [line for line in scenario.lines(order) if line[0] == "ART"]
    assert articles == [("ART", "BUIS", "4"), ("ART", "KNIE", "2"), ("ART", "BUIS", "3")]
    assert scenario.ledger(number).state == LedgerState.DONE
    assert scenario.is_clean(king)


def test_attaching_after_the_lines_were_planned_adds_nothing_a_second_time(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.load("orders")
    row = SyncSettings.objects.get()
    row.create_new_order = False
    row.store(by=None)
    number = finished(outsmart, WorkorderNo="")
    scenario.export()  # held, with its lines

    order_actions.link_to_order(work_order=scenario.ledger(number), king_order_number=ORDER, by="Olga")
    scenario.export()

    (order,) = scenario.orders(king, ours=False)
    assert [line for line in scenario.lines(order) if line[0] == "ART"] == [("ART", "BUIS", "4"), ("ART", "KNIE", "2")]
    assert scenario.ledger(number).state == LedgerState.DONE
