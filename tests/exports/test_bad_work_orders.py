"""A work order that cannot be read, or has an impossible number, affects only itself and appears in the ledger."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from kingsync.exports.settings_impact import End, settings_impact
from kingsync.manual_actions import actions
from kingsync.messages.reason_texts import sentence, sentences
from kingsync.models.runs import LogEntry
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario
from tests.management.test_commands import sync
from tests.scenario import choose

HALF = "Ketel \ud83d"  # half of a surrogate pair
MATERIAL, HOUR = scenario.material(), scenario.period()

UNREADABLE: dict[str, dict[str, Any]] = {
    "half a character in a name": {"CustomerName": HALF},
    "half a character in a text": {"WorkDescription": HALF},
    "the other half": {"WorkDescription": "\udc00"},
    "half a character in a field that nobody uses": {"Latitude": HALF},
    "half a character in a row": {"Materials": [MATERIAL | {"MaterialName": HALF}]},
    "half a character in a free field": {"FreeFields": {"val_value_1": HALF}},
    "materials as one row": {"Materials": MATERIAL},
    "materials by names": {"Materials": {"eerste": MATERIAL}},
    "materials as text": {"Materials": "geen lijst"},
    "periods as text": {"Workperiods": "geen lijst"},
    "a list for a quantity": {"Materials": [MATERIAL | {"MaterialNr": ["1"]}]},
    "an object for a price": {"Materials": [MATERIAL | {"MaterialPrice": {"0": "1"}}]},
    "a text for a row": {"Materials": ["BUIS"]},
    "null for a row": {"Materials": [None]},
    "a number for a period": {"Workperiods": [7]},
    "a list for a time": {"Workperiods": [HOUR | {"TotalTime": []}]},
    "a list for a customer": {"CustomerName": ["Klant"]},
    "an object for a number": {"OrderNr": {"0": "1"}},
    "a list for the King order": {"WorkorderNo": ["500"]},
    "free fields as text": {"FreeFields": "geen"},
    "a flag that is none": {"Archived": "misschien"},
}

pytestmark = pytest.mark.usefixtures("stocked")


def load(outsmart: OutSmartSandbox, **fields: Any) -> str:
    """Put a work order into OutSmart with fields of the wrong shape."""
    number = scenario.work_order(outsmart)
    outsmart.store.work_orders.by_id[number].update(fields)
    return number


def errors_of(outsmart_id: str) -> list[str]:
    entries = LogEntry.objects.filter(level=LogEntry.Level.ERROR, outsmart_id=outsmart_id)
    return [sentence(entry.reason) for entry in entries]


@pytest.mark.parametrize("fields", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_work_order_that_cannot_be_read_is_rejected_and_the_others_go_on(
    king: KingSandbox, outsmart: OutSmartSandbox, fields: dict[str, Any]
) -> None:
    bad = load(outsmart, **fields)
    good = scenario.work_order(outsmart)

    run = scenario.export()

    assert scenario.counts(run) == {"read": 2, "rejected": 1, "created": 1}
    assert [order["ExternOrderNummer"] for order in scenario.orders(king)] == [f"OS-{good}"]
    row = scenario.ledger(bad)
    (why,) = row.reasons
    assert (row.state, why["code"], row.attempts) == (LedgerState.REJECTED, "unreadable_work_order", 1)
    assert next(iter(fields)) in sentences(row.reasons)
    assert errors_of(bad) == [sentence(why)]


def test_a_work_order_that_became_readable_is_sent(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = load(outsmart, CustomerName=HALF)
    scenario.export()
    outsmart.store.edit_work_order(number, {"CustomerName": "Klant 10"})

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "created": 1}
    assert scenario.ledger(number).state == LedgerState.DONE


def test_an_unreadable_work_order_gets_the_status_after_a_rejection(outsmart: OutSmartSandbox) -> None:
    choose(failure_status="9")
    number = load(outsmart, CustomerName=HALF)

    scenario.export()
    again = scenario.export()

    assert scenario.work_order_in_outsmart(outsmart, number)["WorkStatus"] == "9"
    assert scenario.counts(again) == {"read": 1, "rejected": 1}  # read again by its row id


def test_materials_that_php_wrote_as_an_object_are_sent(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    load(outsmart, Materials={"0": MATERIAL, "2": scenario.material("KNIE", "3")}, Workperiods={})

    run = scenario.export()

    (order,) = scenario.orders(king)
    assert scenario.counts(run) == {"read": 1, "created": 1}
    assert scenario.lines(order)[:2] == [("ART", "BUIS", "1"), ("ART", "KNIE", "3")]


@pytest.mark.parametrize("outsmart_id", [None, "", ["7"], {"0": "7"}, True, HALF, "7" * 51])
def test_a_work_order_without_an_id_is_seen_in_the_run(
    king: KingSandbox, outsmart: OutSmartSandbox, outsmart_id: object
) -> None:
    load(outsmart, id=outsmart_id)
    load(outsmart, id=outsmart_id)
    scenario.work_order(outsmart)

    run = scenario.export()

    assert run.status == "partly"
    assert scenario.counts(run) == {"read": 3, "failed": 2, "created": 1}
    entries = LogEntry.objects.filter(run=run, level=LogEntry.Level.ERROR)
    assert ["$.id" in sentence(entry.reason) for entry in entries] == [True, True]
    assert WorkOrder.objects.count() == 1


def test_bytes_that_are_no_text_in_a_field_that_nobody_reads_do_no_harm(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = scenario.work_order(outsmart, Latitude="LATITUDE")
    _answer_with(outsmart, monkeypatch, b"LATITUDE", b"\xff\xed\xa0\x80")

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "created": 1}
    assert scenario.ledger(number).state == LedgerState.DONE


@pytest.mark.parametrize("damage", [b"\xff", b"\x00", b"\\q", b"\\ud800\\ud800", b"\xed\xa0\x80"])
def test_damaged_bytes_cost_their_own_work_order(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    bad = scenario.work_order(outsmart, WorkDescription="BESCHRIJVING")
    scenario.work_order(outsmart)
    _answer_with(outsmart, monkeypatch, b"BESCHRIJVING", damage)

    run = scenario.export()

    assert scenario.counts(run) == {"read": 2, "rejected": 1, "created": 1}
    assert "$.WorkDescription" in sentences(scenario.ledger(bad).reasons)


def _answer_with(outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch, text: bytes, damage: bytes) -> None:
    """Let OutSmart answer with these bytes wherever the text occurs."""
    handle = outsmart.handle

    def damaged(request: Any) -> Any:
        answer = handle(request)
        return msgspec.structs.replace(answer, body=answer.body.replace(text, damage))

    monkeypatch.setattr(outsmart, "handle", damaged)


def test_an_excluded_work_order_stays_excluded_when_it_cannot_be_read(outsmart: OutSmartSandbox) -> None:
    choose(work_order_status="1")
    number = scenario.work_order(outsmart, CustomerDebtorNr="", CustomerDebtorNrInvoice="")
    scenario.export()
    actions.exclude(work_orders=[scenario.ledger(number)], by="Jan", reason="Garantie")
    outsmart.store.work_orders.by_id[number]["CustomerName"] = HALF

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "skipped": 1}
    assert scenario.ledger(number).state == LedgerState.EXCLUDED


def test_a_dry_run_shows_what_cannot_be_read(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = load(outsmart, CustomerName=HALF)
    scenario.work_order(outsmart)

    code, told = sync("export", "--dry-run")

    assert (code, told["counts"]["rejected"], told["counts"]["created"]) == (1, 1, 1)
    (entry,) = [each for each in told["plan"] if each["outsmart_id"] == number]
    assert entry["action"] == "rejected"
    assert "$.CustomerName" in entry["reasons"][0]
    assert not WorkOrder.objects.exists()


def test_the_effect_of_settings_is_told_past_a_work_order_that_cannot_be_read(outsmart: OutSmartSandbox) -> None:
    load(outsmart, CustomerName=HALF)
    scenario.export()
    choices = SyncSettings.objects.get().as_mapping().exports

    found = settings_impact(choices, choices)

    assert found.now == {End.UNKNOWN: 1}


def test_an_edit_that_cannot_be_read_does_not_stop_the_comparison_of_others(outsmart: OutSmartSandbox) -> None:
    first, second = scenario.work_order(outsmart), scenario.work_order(outsmart)
    scenario.export()
    WorkOrder.objects.update(verified_at=None)
    outsmart.store.work_orders.by_id[first]["CustomerName"] = HALF
    outsmart.store.edit_work_order(second, {"Materials": [scenario.material("BUIS", "9")]})

    scenario.export()

    assert (scenario.ledger(first).state, scenario.ledger(second).state) == (LedgerState.DONE, LedgerState.CHANGED)


# --- Impossible numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"MaterialNr": "8712345678906"}, "quantity_too_large"),  # an EAN code
        ({"MaterialNr": "12345678901"}, "quantity_too_large"),
        ({"MaterialNr": "-12345678901"}, "quantity_too_large"),
        ({"MaterialNr": "9" * 17}, "quantity_too_large"),
        ({"MaterialNr": "9" * 5000}, "quantity_too_large"),
        ({"MaterialNr": "1." + "0" * 40 + "1"}, "too_many_decimals"),
        ({"MaterialNr": "1e5"}, "unreadable_quantity"),
        ({"MaterialNr": "x" * 5000}, "unreadable_quantity"),
        ({"MaterialCode": "B" * 500}, "unknown_article"),
        ({"MaterialWarehouseCode": "1" * 500}, "unknown_warehouse"),
        ({"MaterialCode": "", "MaterialName": "N" * 40_000}, "line_text_too_long"),
        ({"MaterialCode": "", "MaterialPrice": "9" * 20}, "price_too_large"),
        ({"MaterialCode": "", "MaterialPrice": "1,2345"}, "price_decimals"),
    ],
)
def test_a_line_that_king_cannot_hold_is_refused_alone(
    king: KingSandbox, outsmart: OutSmartSandbox, fields: dict[str, str], code: str
) -> None:
    choose(free_line_article="KNIE")
    number = scenario.work_order(outsmart, Materials=[MATERIAL | fields, scenario.material()])

    run = scenario.export()

    (order,) = scenario.orders(king)
    row = scenario.ledger(number)
    (why,) = row.reasons
    assert scenario.counts(run) == {"read": 1, "created": 1}
    assert (row.state, why["params"]["code"]) == (LedgerState.INCOMPLETE, code)
    assert len(json.dumps(why)) < 1000
    assert [line[0] for line in scenario.lines(order)] == ["ART", "TAR", "TEKST", "TEKST"]


@pytest.mark.parametrize(
    "fields",
    [
        {"Break": "9" * 5000, "TotalTime": "", "BeginTime": "08:00", "EndTime": "09:00"},
        {"HourType": "M" * 500},
        {"TotalTime": "9" * 500},
        {"Id": "7" * 500, "TotalTime": "0:61"},
    ],
)
def test_a_period_with_an_impossible_value_is_refused_alone(
    king: KingSandbox, outsmart: OutSmartSandbox, fields: dict[str, str]
) -> None:
    number = scenario.work_order(outsmart, Workperiods=[HOUR | fields])

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "created": 1}
    assert scenario.ledger(number).state == LedgerState.INCOMPLETE


@pytest.mark.parametrize("number", ["12345678901", "9" * 500, "x" * 5000])
def test_a_king_order_number_that_cannot_be_one_is_rejected(
    king: KingSandbox, outsmart: OutSmartSandbox, number: str
) -> None:
    work_order = scenario.work_order(outsmart, WorkorderNo=number)

    run = scenario.export()

    row = scenario.ledger(work_order)
    assert scenario.counts(run) == {"read": 1, "rejected": 1}
    assert [why["code"] for why in row.reasons] == ["unknown_order"]


def test_a_text_that_is_longer_than_king_takes_is_refused_whole(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, WorkDescription="lang " * 6500)

    scenario.export()

    row = scenario.ledger(number)
    assert [why["params"]["code"] for why in row.reasons] == ["line_text_too_long"]
    assert "lang" not in str(scenario.orders(king))


@pytest.mark.parametrize("outsmart_id", ["1" * 17, "2" * 18, "3" * 50])
def test_an_id_that_leaves_no_room_in_kings_references_is_rejected(
    king: KingSandbox, outsmart: OutSmartSandbox, outsmart_id: str
) -> None:
    rows = [scenario.material(str(number)) for number in range(12)]
    scenario.work_order(outsmart, id=outsmart_id, Materials=rows)

    run = scenario.export()

    assert scenario.counts(run) == {"read": 1, "rejected": 1}
    assert scenario.ledger(outsmart_id).reasons[0]["code"] == "number_too_long"
    assert scenario.orders(king) == []


# --- Damage in King's answers -----------------------------------------------------------------------------------------


def _king_answers_with(king: KingSandbox, monkeypatch: pytest.MonkeyPatch, text: bytes, damage: bytes) -> None:
    handle = king.handle

    def damaged(request: Any) -> Any:
        answer = handle(request)
        return msgspec.structs.replace(answer, body=answer.body.replace(text, damage))

    monkeypatch.setattr(king, "handle", damaged)


def test_a_damaged_customer_of_king_leaves_the_others_whole_and_is_not_called_missing(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(missing="deactivate")
    king.store.put_record("debtor", "12", {"Naam1": "SCHADE", "Straat": "Kade", "PostCode": "1 A", "Woonplaats": "Ede"})
    scenario.load("customers")
    king.store.put_record("debtor", "10", {"Naam1": "Klant tien"})
    _king_answers_with(king, monkeypatch, b"SCHADE", b"\\ud83d")

    run = scenario.load("customers", full=True)

    assert scenario.counts(run) == {"read": 3, "updated": 1, "unchanged": 1, "rejected": 1}
    relations = {row["debtor_number"]: row for row in outsmart.store.rows("relations")}
    assert (relations["10"]["name"], relations["12"]["active"]) == ("Klant tien", "1")


def test_a_damaged_article_of_king_stops_no_export(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    king.store.put_record("article", "BAK", {"OmschrijvingKort": "SCHADE"})
    _king_answers_with(king, monkeypatch, b"SCHADE", b"\\ud83d")
    scenario.work_order(outsmart)

    run = scenario.export()

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 1, "created": 1})


def test_a_damaged_order_of_king_costs_its_own_work_order(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    king.store.put_record("order", "500", {"DebiteurNummer": 10, "Referentie": "SCHADE"})
    _king_answers_with(king, monkeypatch, b"SCHADE", b"\\ud83d")
    scenario.work_order(outsmart, WorkorderNo="500")
    scenario.work_order(outsmart)

    run = scenario.export()

    assert scenario.counts(run) == {"read": 2, "failed": 1, "created": 1}
    assert scenario.is_clean(king)
