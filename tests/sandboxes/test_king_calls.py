"""The King sandbox: transport and reading (king.md, sections 1, 2.1 and 2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandboxes.king.sandbox import KingSandbox
from tests.sandboxes.callers import KingCaller

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def king() -> Iterator[KingSandbox]:
    with KingSandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def caller(king: KingSandbox) -> Iterator[KingCaller]:
    with KingCaller(king) as one:
        yield one


def read_all(caller: KingCaller, operation: str, name: str, **fields: object) -> list[dict[str, Any]]:
    """Read page after page."""
    records: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = caller.call(operation, **fields, **({"VanafNummer": after} if after else {}))
        records += page[name]
        after = page.get("VolgendeVanaf")
        if not after:
            return records


def test_connection_test_answers_status_zero(caller: KingCaller) -> None:
    assert caller.post("Webservice_Test", {"GeefFoutTerug": 0}).json() == [{"Status": 0}]


def test_connection_test_gives_the_error_that_was_asked_for(caller: KingCaller) -> None:
    assert caller.refusal("Webservice_Test", GeefFoutTerug=1) == "TEST"


@pytest.mark.parametrize("code", ["", "wrong"])
def test_wrong_or_missing_access_code_is_http_401(king: KingSandbox, code: str) -> None:
    with KingCaller(king, code=code) as stranger:
        reply = stranger.post("Webservice_Test", {})

    assert reply.status == 401
    assert reply.json()[0].keys() == {"ErrorCode", "Error"}


def test_operation_can_have_an_access_code_of_its_own(king: KingSandbox, caller: KingCaller) -> None:
    king.access_codes = {"Order_Toevoegen": "other"}
    try:
        with KingCaller(king, code="other") as other:
            assert caller.post("Order_Toevoegen", {}).status == 401
            assert other.post("Order_Toevoegen", {}).status == 200
            assert other.post("Order_Wijzigen", {}).status == 401
    finally:
        king.access_codes = {}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/DEMO01/Webservice_Test", 405),
        ("POST", "/ANDERS/Webservice_Test", 404),
        ("POST", "/DEMO01/Bestaat_Niet", 404),
        ("POST", "/DEMO01", 404),
    ],
)
def test_wrong_address_is_an_http_error_with_a_list(caller: KingCaller, method: str, path: str, status: int) -> None:
    reply = caller.send(method, path, {}, {"ACCESS-TOKEN": "sandbox-access-code", **JSON})

    assert reply.status == status
    assert reply.json()[0].keys() == {"ErrorCode", "Error"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff"])
def test_body_that_is_no_json_object_is_http_400(caller: KingCaller, body: bytes) -> None:
    reply = caller.send("POST", "/DEMO01/Webservice_Test", body, {"ACCESS-TOKEN": "sandbox-access-code", **JSON})

    assert reply.status == 400


def test_other_content_type_is_http_415(caller: KingCaller) -> None:
    headers = {"ACCESS-TOKEN": "sandbox-access-code", "Content-Type": "text/plain"}

    assert caller.send("POST", "/DEMO01/Webservice_Test", {}, headers).status == 415


@pytest.mark.parametrize(("seconds", "status"), [("30", 200), ("soon", 400)])
def test_sql_timeout_header_is_a_number_of_seconds(caller: KingCaller, seconds: str, status: int) -> None:
    headers = {"ACCESS-TOKEN": "sandbox-access-code", "SQL-TIMEOUT": seconds, **JSON}

    assert caller.send("POST", "/DEMO01/Webservice_Test", {}, headers).status == status


@pytest.mark.parametrize(
    ("operation", "name", "count"),
    [
        ("Debiteuren_Opvragen", "Debiteuren", 40),
        ("Artikelen_Opvragen", "Artikelen", 300),
        ("Tarieven_Opvragen", "Tarieven", 12),
        ("Magazijnen_Opvragen", "Magazijnen", 4),
        ("Orders_Opvragen", "Orders", 10),
    ],
)
def test_pages_hold_every_record_once_in_the_order_of_numbers_as_text(
    caller: KingCaller, operation: str, name: str, count: int
) -> None:
    records = read_all(caller, operation, name, MaxAantal=7)

    numbers = [str(next(iter(record.values()))) for record in records]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == count


def test_page_holds_500_records_unless_asked_otherwise() -> None:
    with KingSandbox(records=1200) as king, KingCaller(king) as caller:
        usual = caller.call("Artikelen_Opvragen")
        largest = caller.call("Artikelen_Opvragen", MaxAantal=1000)

    assert len(usual["Artikelen"]) == 500
    assert usual["VolgendeVanaf"] == usual["Artikelen"][-1]["ArtikelNummer"]
    assert len(largest["Artikelen"]) == 1000


def test_last_page_names_no_next_one(caller: KingCaller) -> None:
    assert caller.call("Magazijnen_Opvragen", MaxAantal=4)["VolgendeVanaf"] is None


def test_lower_bound_is_exclusive_and_compares_as_text(caller: KingCaller) -> None:
    assert [one["MagazijnCode"] for one in caller.call("Magazijnen_Opvragen", VanafNummer="2")["Magazijnen"]] == [3, 4]
    assert caller.call("Debiteuren_Opvragen", VanafNummer="2")["Debiteuren"] == []


def test_only_records_changed_at_or_after_a_moment(caller: KingCaller) -> None:
    moments = sorted(one["MutatieDatum"] for one in read_all(caller, "Artikelen_Opvragen", "Artikelen"))
    since = moments[200]

    changed = read_all(caller, "Artikelen_Opvragen", "Artikelen", GewijzigdVanaf=since, MaxAantal=30)

    assert sorted(one["MutatieDatum"] for one in changed) == [moment for moment in moments if moment >= since]


def test_order_changed_exactly_at_the_moment_is_told(caller: KingCaller) -> None:
    changed = caller.read_order(20250105)["MutatieDatum"]

    told = caller.call("Orders_Opvragen", OrderNummer=20250105, GewijzigdVanaf=changed)["Orders"]
    later = caller.call("Orders_Opvragen", OrderNummer=20250105, GewijzigdVanaf=changed[:-1] + "1")["Orders"]

    assert (len(told), later) == (1, [])


def test_orders_are_found_by_number_and_by_external_number(caller: KingCaller) -> None:
    number = caller.new_order(ExternOrderNummer="OS-find-me")

    by_external = caller.call("Orders_Opvragen", ExternOrderNummer="OS-find-me")["Orders"]

    assert [one["OrderNummer"] for one in by_external] == [number]
    assert caller.read_order(number) == by_external[0]
    assert caller.call("Orders_Opvragen", ExternOrderNummer="OS-find")["Orders"] == []
    assert caller.call("Orders_Opvragen", OrderNummer=1)["Orders"] == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"MaxAantal": 0}, "ONGELDIGE_WAARDE"),
        ({"MaxAantal": 1001}, "ONGELDIGE_WAARDE"),
        ({"MaxAantal": "many"}, "ONGELDIGE_WAARDE"),
        ({"VanafNummer": 5}, "ONGELDIGE_WAARDE"),
        ({"VanafNummer": "x" * 21}, "TE_LANG"),
        ({"GewijzigdVanaf": "2026-01-01"}, "ONGELDIGE_WAARDE"),
        ({"GewijzigdVanaf": "2026-01-01T10:00:00Z"}, "ONGELDIGE_WAARDE"),
        ({"GewijzigdVanaf": "2026-02-30T10:00:00"}, "ONGELDIGE_WAARDE"),
        ({"OrderNummer": 5}, "ONBEKEND_VELD"),
        ({"vanafNummer": "5"}, "ONBEKEND_VELD"),
    ],
)
def test_wrong_field_of_a_read_is_refused(caller: KingCaller, fields: dict[str, object], code: str) -> None:
    assert caller.refusal("Artikelen_Opvragen", **fields) == code


def test_records_hold_the_fields_and_types_of_the_contract(caller: KingCaller) -> None:
    debtor = caller.call("Debiteuren_Opvragen", MaxAantal=2)["Debiteuren"][1]
    article = caller.call("Artikelen_Opvragen", MaxAantal=1)["Artikelen"][0]
    rate = caller.call("Tarieven_Opvragen", MaxAantal=1)["Tarieven"][0]

    assert debtor["DebiteurNummer"] == 11002
    assert debtor["ContactPersonen"][0]["Nummer"] == 1
    assert debtor["VerzendAdressen"][0].keys() >= {"Omschrijving", "Straat", "PostCode", "Woonplaats", "Land"}
    assert article["VoorraadArtikel"] in {0, 1}
    assert isinstance(article["VerkoopPrijsExclBtw"], float)
    assert rate["AantalDecimalen"] in {0, 1, 2, 3}


def test_data_is_the_same_for_the_same_seed_only() -> None:
    def debtors(seed: int) -> object:
        with KingSandbox(seed=seed) as king, KingCaller(king) as caller:
            return caller.call("Debiteuren_Opvragen")["Debiteuren"]

    assert debtors(7) == debtors(7)
    assert debtors(7) != debtors(8)


def test_further_administrations_have_data_of_their_own(king: KingSandbox) -> None:
    store = king.add_administration("NIEUW")
    store.put_record("debtor", "9001", {"Naam1": "Alleen hier"})

    with KingCaller(king, administration="NIEUW") as beside, KingCaller(king) as caller:
        assert [each["DebiteurNummer"] for each in read_all(beside, "Debiteuren_Opvragen", "Debiteuren")] == [9001]
        assert 9001 not in {each["DebiteurNummer"] for each in read_all(caller, "Debiteuren_Opvragen", "Debiteuren")}
