"""Whole imports against both sandboxes: what OutSmart holds afterwards, and what is not sent again."""

from __future__ import annotations

import pytest

from kingsync.models.connections import Connection
from kingsync.models.links import KingRecord, RecordLink
from kingsync.models.runs import LogEntry
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.conftest import connect

CUSTOMER: dict[str, object] = {
    "Naam1": "De Boer",
    "Straat": "Kade",
    "HuisNummer": "1",
    "PostCode": "1000 AA",
    "Woonplaats": "Ede",
}


@pytest.fixture(autouse=True)
def _settled(tenant: Tenant) -> None:
    factories.settings(tenant)


def posts(outsmart: OutSmartSandbox) -> list[str]:
    """Return what was posted to OutSmart, in order."""
    return [call.operation for call in outsmart.calls.all() if call.method == "POST"]


def test_all_four_kinds_arrive_in_outsmart(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.stock(king)

    run = scenario.load()

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 7, "created": 7})
    assert [row["debtor_number"] for row in outsmart.store.rows("relations")] == ["10", "11"]
    assert [row["code"] for row in outsmart.store.rows("materials")] == ["BUIS", "KNIE"]
    assert [row["code"] for row in outsmart.store.rows("hourtypes")] == ["MONT"]
    assert [row["wse_code"] for row in outsmart.store.rows("warehouses")] == ["1", "2"]


def test_import_that_fails_keeps_which_kinds_it_did_not_finish(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.stock(king)
    king.faults.add(Fault(kind="unauthorized", operation="Debiteuren_Opvragen", times="forever"))

    failed = scenario.load()

    assert (failed.status, failed.kinds_left, failed.progress_kind) == (
        "failed",
        ["customers", "products"],
        "customers",
    )
    king.faults.clear()
    assert scenario.load().kinds_left == []


def test_a_whole_demo_company_arrives(tenant: Tenant) -> None:
    Connection.objects.all().delete()
    with KingSandbox(records=60) as king, OutSmartSandbox(empty=True) as outsmart:
        connect(tenant, king, outsmart)
        run = scenario.load()
        stored = outsmart.store.counts()

    assert run.status in ("succeeded", "partly")
    assert run.read_count == 60 + 40 + 12 + 4
    assert stored["warehouses"] == 4


def test_unchanged_records_are_not_posted_again(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.stock(king)
    scenario.load()
    outsmart.calls.clear()

    run = scenario.load(full=True)

    assert scenario.counts(run) == {"read": 7, "unchanged": 7}
    assert posts(outsmart) == []


def test_one_changed_record_is_one_row(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.stock(king)
    scenario.load("products")
    king.store.put_record("article", "BUIS", {"OmschrijvingKort": "Buis 22 mm", "AantalDecimalen": 2})
    outsmart.calls.clear()

    run = scenario.load("products")

    assert scenario.counts(run)["updated"] == 1
    (call,) = [call for call in outsmart.calls.all() if call.method == "POST"]
    assert [row["description"] for row in call.json()] == ["Buis 22 mm"]  # type: ignore[attr-defined]


def test_a_later_import_asks_king_for_changes_only(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.stock(king)
    scenario.load("products")
    king.calls.clear()

    scenario.load("products")

    assert all("GewijzigdVanaf" in call.json() for call in king.calls.all("Artikelen_Opvragen"))  # type: ignore[operator]


def test_changed_settings_send_what_they_affect(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.stock(king)
    scenario.load("products")
    settings = SyncSettings.objects.get()
    settings.products_price = "none"
    settings.store(by=None)

    run = scenario.load("products")

    assert scenario.counts(run) == {"read": 2, "updated": 1, "unchanged": 1}
    assert {row["price"] for row in outsmart.store.rows("materials")} <= {"0.00", "0,00"}


def test_contact_persons_and_addresses_come_along_with_codes_of_their_customer(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    parts: dict[str, object] = {
        "ContactPersonen": [{"Nummer": 1, "Naam": "F. Wiersma", "Telefoon": "0318", "Email": "f@boer.example"}],
        "VerzendAdressen": [
            {
                "Nummer": 2,
                "Omschrijving": "Ketelhuis",
                "Straat": "Dam",
                "HuisNummer": "3",
                "PostCode": "1 A",
                "Woonplaats": "Ede",
            }
        ],
    }
    king.store.put_record("debtor", "10", CUSTOMER | parts)

    scenario.load("customers")

    assert [row["cpn_code"] for row in outsmart.store.rows("contactpersons")] == ["10-1"]
    (address,) = outsmart.store.rows("addresses")
    assert (address["adr_code"], address["adr_line_1"], address["adr_debtor_nr"]) == ("10-2", "Dam 3", "10")


def test_an_incomplete_customer_is_listed_and_leaves_the_list_by_itself(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    king.store.put_record("debtor", "10", CUSTOMER | {"Woonplaats": ""})
    first = scenario.load("customers")
    listed = RecordLink.objects.get(kind="customer").state
    king.store.put_record("debtor", "10", CUSTOMER)

    second = scenario.load("customers")

    assert (first.status, scenario.counts(first), listed) == ("partly", {"read": 1, "rejected": 1}, "rejected")
    assert scenario.counts(second) == {"read": 1, "created": 1}
    assert RecordLink.objects.get(kind="customer").state == RecordLink.State.LINKED


def test_a_blocked_customer_becomes_inactive(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.put_record("debtor", "10", CUSTOMER)
    scenario.load("customers")
    king.store.put_record("debtor", "10", CUSTOMER | {"BlokkeerOrderInvoer": 1})

    run = scenario.load("customers")

    assert scenario.counts(run) == {"read": 1, "deactivated": 1}
    assert [row["active"] for row in outsmart.store.rows("relations")] == ["0"]


def test_a_blocked_product_is_skipped(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.store.put_record("article", "OUD", {"OmschrijvingKort": "Oud", "GeblokkeerdVoorVerkoop": 1})

    run = scenario.load("products")

    assert scenario.counts(run) == {"read": 1, "skipped": 1}
    assert outsmart.store.rows("materials") == []


def test_a_row_that_outsmart_refuses_does_not_stop_the_others(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    for number in range(20):
        king.store.put_record("article", f"A{number:02}", {"OmschrijvingKort": f"Artikel {number}"})
    king.store.put_record("article", "BAD", {"OmschrijvingKort": "Slecht", "Omschrijving": "x" * 70_000})  # 64 kB fit

    run = scenario.load("products")

    assert scenario.counts(run) == {"read": 21, "created": 20, "rejected": 1}
    assert len(outsmart.store.rows("materials")) == 20
    assert LogEntry.objects.get(run=run, event="record.rejected").king_id == "BAD"


def test_a_lost_answer_to_a_batch_is_repeated(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.stock(king)
    outsmart.faults.add(Fault(kind="reset_after", operation="POST materials"))

    run = scenario.load("products")

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 2, "created": 2})
    assert len(outsmart.store.rows("materials")) == 2


def test_an_import_fills_the_mirror_that_exports_look_into(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.stock(king)

    scenario.load()

    article = KingRecord.objects.get(kind="article", number="BUIS")
    assert (article.decimals, article.is_blocked) == (2, False)


def test_an_export_before_the_first_import_does_not_keep_records_from_outsmart(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.stock(king)
    scenario.export()

    run = scenario.load()

    assert scenario.counts(run) == {"read": 7, "created": 7}


@pytest.mark.parametrize(("kind", "code"), [("html", "system.not_json"), ("http_500", "system.server_error")])
def test_a_king_that_fails_ends_the_run_with_one_sentence(king: KingSandbox, kind: str, code: str) -> None:
    king.faults.add(Fault(kind=kind, times="forever"))  # type: ignore[arg-type]

    run = scenario.load()

    assert (run.status, run.error["code"]) == ("failed", code)


def test_a_dry_run_tells_and_writes_nothing(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    scenario.stock(king)

    run = scenario.load(dry_run=True)

    assert scenario.counts(run) == {"read": 7, "created": 7}
    assert posts(outsmart) == []
    assert not RecordLink.objects.exists()
    assert not KingRecord.objects.exists()
