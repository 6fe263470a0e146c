"""King's calls: what is sent, and what becomes of each answer."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import responses
from responses import matchers

from integrations import errors
from integrations.king import payloads
from integrations.king.client import Client
from integrations.king.reader import KingReader
from integrations.king.records import Kind, LineChange, LineKind, NewLine, NewOrder
from tests.contract.conftest import ACCESS_CODE, KING_URL, OTHER_ACCESS_CODE

SAMPLES = Path(__file__).parent / "samples"
NEW_ORDER = NewOrder(debtor_number="10020", external_number="OS-1")
NEW_LINE = NewLine(kind=LineKind.ARTICLE, reference="M1", article_number="0815", quantity=Decimal("1.5"), warehouse="1")

Action = Callable[[Client], object]


def prepare(
    web: responses.RequestsMock,
    operation: str,
    body: dict[str, object],
    answer: object,
    *,
    access_code: str = ACCESS_CODE,
    status: int = 200,
) -> None:
    """Expect exactly this call, with its access code, and answer it."""
    headers = {
        "ACCESS-TOKEN": access_code,
        "Content-Type": "application/json; charset=utf-8",
        "SQL-TIMEOUT": "20",
    }
    web.add(
        "POST",
        f"{KING_URL}/JANSEN%2001/{operation}",
        json=answer,
        status=status,
        match=[matchers.json_params_matcher(body), matchers.header_matcher(headers)],
    )


def everything(web: responses.RequestsMock, **answer: object) -> None:
    """Answer every operation in the same way."""
    web.assert_all_requests_are_fired = False
    for operation in ("Debiteuren_Opvragen", "Order_Toevoegen", "Order_LockVrijgeven"):
        web.add("POST", f"{KING_URL}/JANSEN%2001/{operation}", **answer)  # type: ignore[arg-type]


def debtors(*numbers: object, after: str | None = None) -> list[dict[str, object]]:
    return [{"Status": 0, "Debiteuren": [{"DebiteurNummer": each} for each in numbers], "VolgendeVanaf": after}]


def test_connection_is_tested_by_kings_own_call(king_client: Client, web: responses.RequestsMock) -> None:
    prepare(web, "Webservice_Test", {"GeefFoutTerug": 0}, [{"Status": 0}])

    king_client.test_connection()

    assert len(web.calls) == 1


def test_client_is_a_reader_of_king(king_client: Client) -> None:
    reader: KingReader = king_client

    assert reader is king_client


def test_page_holds_raw_records_and_where_the_next_one_begins(king_client: Client, web: responses.RequestsMock) -> None:
    web.add("POST", f"{KING_URL}/JANSEN%2001/Debiteuren_Opvragen", body=(SAMPLES / "king_debtors.json").read_bytes())

    page = king_client.read_page(Kind.DEBTOR)

    assert [payloads.debtor(raw).number for raw in page.records] == ["10020", "10023"]
    assert page.next_after == "10023"


def test_page_is_asked_for_from_a_number_and_a_moment_in_dutch_time(
    king_client: Client, web: responses.RequestsMock
) -> None:
    since = datetime.datetime(2025, 7, 1, 10, 30, tzinfo=datetime.UTC)
    body: dict[str, object] = {"MaxAantal": 100, "VanafNummer": "10020", "GewijzigdVanaf": "2025-07-01T12:30:00"}
    prepare(web, "Artikelen_Opvragen", body, [{"Status": 0, "Artikelen": []}])

    page = king_client.read_page(Kind.ARTICLE, after="10020", changed_since=since, size=100)

    assert (page.records, page.next_after) == ((), None)


@pytest.mark.parametrize(
    ("kind", "operation", "entity"),
    [
        (Kind.DEBTOR, "Debiteuren_Opvragen", "Debiteuren"),
        (Kind.ARTICLE, "Artikelen_Opvragen", "Artikelen"),
        (Kind.RATE, "Tarieven_Opvragen", "Tarieven"),
        (Kind.WAREHOUSE, "Magazijnen_Opvragen", "Magazijnen"),
        (Kind.ORDER, "Orders_Opvragen", "Orders"),
    ],
)
def test_every_kind_has_its_own_call(
    king_client: Client, web: responses.RequestsMock, kind: Kind, operation: str, entity: str
) -> None:
    prepare(web, operation, {"MaxAantal": 500}, [{"Status": 0, entity: [{}]}])

    assert len(king_client.read_page(kind).records) == 1


def test_pages_follow_each_other_to_the_last(king_client: Client, web: responses.RequestsMock) -> None:
    prepare(web, "Debiteuren_Opvragen", {"MaxAantal": 2}, debtors(1, 2, after="2"))
    prepare(web, "Debiteuren_Opvragen", {"MaxAantal": 2, "VanafNummer": "2"}, debtors(3, after=""))

    pages = list(king_client.iter_pages(Kind.DEBTOR, size=2))

    assert [len(page.records) for page in pages] == [2, 1]


def test_gateway_that_does_not_go_on_is_a_fault(king_client: Client, web: responses.RequestsMock) -> None:
    prepare(web, "Debiteuren_Opvragen", {"MaxAantal": 500}, debtors(1, after="1"))
    prepare(web, "Debiteuren_Opvragen", {"MaxAantal": 500, "VanafNummer": "1"}, debtors(1, after="1"))

    with pytest.raises(errors.ServerError):
        list(king_client.iter_pages(Kind.DEBTOR))


def test_orders_are_found_by_their_external_number(king_client: Client, web: responses.RequestsMock) -> None:
    answer = [{"Status": 0, "Orders": [{"OrderNummer": 1, "ExternOrderNummer": "OS-1"}]}]
    prepare(web, "Orders_Opvragen", {"ExternOrderNummer": "OS-1"}, answer)

    assert [order.number for order in king_client.find_orders(reference="OS-1")] == ["1"]


def test_orders_that_were_not_asked_for_are_not_found(king_client: Client, web: responses.RequestsMock) -> None:
    rows = [{"OrderNummer": each, "ExternOrderNummer": f"OS-{each}"} for each in (1, 2)]
    prepare(web, "Orders_Opvragen", {"ExternOrderNummer": "OS-2"}, [{"Status": 0, "Orders": rows}])
    prepare(web, "Orders_Opvragen", {"OrderNummer": 2}, [{"Status": 0, "Orders": rows}])

    assert [order.number for order in king_client.find_orders(reference="OS-2")] == ["2"]
    found = king_client.get_order(number="2")
    assert found is not None
    assert found.external_number == "OS-2"


def test_orders_are_looked_for_on_every_page(king_client: Client, web: responses.RequestsMock) -> None:
    first = [{"Status": 0, "Orders": [{"OrderNummer": 1, "ExternOrderNummer": "OS-1"}], "VolgendeVanaf": 1}]
    second = [{"Status": 0, "Orders": [{"OrderNummer": 2, "ExternOrderNummer": "OS-1"}]}]
    prepare(web, "Orders_Opvragen", {"ExternOrderNummer": "OS-1"}, first)
    prepare(web, "Orders_Opvragen", {"ExternOrderNummer": "OS-1", "VanafNummer": "1"}, second)

    assert [order.number for order in king_client.find_orders(reference="OS-1")] == ["1", "2"]


def test_unknown_order_is_none(king_client: Client, web: responses.RequestsMock) -> None:
    prepare(web, "Orders_Opvragen", {"OrderNummer": 7}, [{"Status": 0, "Orders": []}])

    assert king_client.get_order(number="7") is None


@pytest.mark.parametrize("number", ["", "007", "ABC", "1.5", "-1", "²", "12345678901", "9" * 5000])
def test_number_that_no_order_can_have_is_not_asked_for(
    king_client: Client, web: responses.RequestsMock, number: str
) -> None:
    assert king_client.get_order(number=number) is None
    assert len(web.calls) == 0


LARGE: dict[str, object] = {"MaxAantal": 1000}


def test_record_is_looked_up_from_just_before_it(king_client: Client, web: responses.RequestsMock) -> None:
    prepare(web, "Debiteuren_Opvragen", {**LARGE, "VanafNummer": "1002"}, debtors("10020", "10023", "10024", after="x"))

    assert king_client.find_record(Kind.DEBTOR, "10023") == b'{"DebiteurNummer": "10023"}'


@pytest.mark.parametrize(
    "numbers",
    [("10024",), ("1003",), ("100230",), (), ("10020", "2")],
    ids=["next number", "another prefix", "a longer one", "nothing at all", "far beyond"],
)
def test_record_that_king_has_not_is_none_after_one_page(
    king_client: Client, web: responses.RequestsMock, numbers: tuple[str, ...]
) -> None:
    after = "x" if numbers else None
    prepare(web, "Debiteuren_Opvragen", {**LARGE, "VanafNummer": "1002"}, debtors(*numbers, after=after))

    assert king_client.find_record(Kind.DEBTOR, "10023") is None


def test_record_is_looked_for_on_the_next_page_while_its_prefix_lasts(
    king_client: Client, web: responses.RequestsMock
) -> None:
    articles = [
        [{"Status": 0, "Artikelen": [{"ArtikelNummer": each}], "VolgendeVanaf": each}] for each in ("cV-z", "CV-A")
    ]
    prepare(web, "Artikelen_Opvragen", {**LARGE, "VanafNummer": "CV-"}, articles[0])
    prepare(web, "Artikelen_Opvragen", {**LARGE, "VanafNummer": "cV-z"}, articles[1])

    assert king_client.find_record(Kind.ARTICLE, "CV-A") == b'{"ArtikelNummer": "CV-A"}'


def test_warehouse_is_looked_up_however_its_code_is_written(king_client: Client, web: responses.RequestsMock) -> None:
    rows = [{"MagazijnCode": each} for each in ("001", "012", 2)]
    prepare(web, "Magazijnen_Opvragen", LARGE, [{"Status": 0, "Magazijnen": rows}])
    prepare(web, "Magazijnen_Opvragen", LARGE, [{"Status": 0, "Magazijnen": rows}])

    assert king_client.find_record(Kind.WAREHOUSE, "12") == b'{"MagazijnCode": "012"}'
    assert king_client.find_record(Kind.WAREHOUSE, "3") is None


DAMAGED = rb'{"DebiteurNummer": "10022", "Naam1": "\ud800"}'


def _damaged_page(web: responses.RequestsMock, *numbers: bytes) -> None:
    rows = b",".join([DAMAGED, *(b'{"DebiteurNummer": "%b"}' % number for number in numbers)])
    everything(web, body=b'[{"Status": 0, "Debiteuren": [%b]}]' % rows)


def test_a_damaged_record_on_a_page_leaves_the_others_whole(king_client: Client, web: responses.RequestsMock) -> None:
    _damaged_page(web, b"10023")

    page = king_client.read_page(Kind.DEBTOR)

    assert [bytes(raw) for raw in page.records] == [DAMAGED, b'{"DebiteurNummer": "10023"}']


def test_record_is_looked_up_past_a_damaged_one(king_client: Client, web: responses.RequestsMock) -> None:
    _damaged_page(web, b"10023")

    assert king_client.find_record(Kind.DEBTOR, "10023") == b'{"DebiteurNummer": "10023"}'


def test_record_is_not_called_unknown_where_a_damaged_one_may_be_it(
    king_client: Client, web: responses.RequestsMock
) -> None:
    _damaged_page(web, b"10025")

    with pytest.raises(errors.PayloadError):
        king_client.find_record(Kind.DEBTOR, "10023")


def test_a_refusal_in_damaged_words_stays_a_refusal(king_client: Client, web: responses.RequestsMock) -> None:
    everything(web, body=rb'[{"Status": 1, "FoutCode": "LOCK", "FoutMelding": "Door \ud83d"}]')

    with pytest.raises(errors.ConflictError):
        king_client.create_order(NEW_ORDER)


def test_order_is_created_with_the_access_code_of_that_call(king_client: Client, web: responses.RequestsMock) -> None:
    body: dict[str, object] = {"DebiteurNummer": 10020, "ExternOrderNummer": "OS-1"}
    answer = [{"Status": 0, "OrderNummer": 26000123}]
    prepare(web, "Order_Toevoegen", body, answer, access_code=OTHER_ACCESS_CODE)

    assert king_client.create_order(NEW_ORDER) == "26000123"


def test_line_is_added_with_its_numbers(king_client: Client, web: responses.RequestsMock) -> None:
    body: dict[str, object] = {
        "OrderNummer": 26000123,
        "RegelSoort": "ART",
        "ExternOrderRegelNummer": "M1",
        "ArtikelNummer": "0815",
        "AantalBesteld": 1.5,
        "Magazijn": 1,
    }
    prepare(web, "Order_OrderRegel_Toevoegen", body, [{"Status": 0, "RegelID": "9001"}])

    assert king_client.add_line("26000123", NEW_LINE) == "9001"


WRITES: list[tuple[str, dict[str, object], Action]] = [
    (
        "Order_Wijzigen",
        {"OrderNummer": 7, "Goedgekeurd": 1, "VrijVoorLevering": 1},
        lambda client: client.update_order("7", approved=True, released=True),
    ),
    ("Order_Wijzigen", {"OrderNummer": 7, "Goedgekeurd": 0}, lambda client: client.update_order("7", approved=False)),
    (
        "Order_OrderRegel_Wijzigen",
        {"OrderNummer": 7, "RegelID": 9001, "AantalBesteld": 2, "TekstOpFactuur": ""},
        lambda client: client.change_line("7", "9001", LineChange(quantity=Decimal(2), text="")),
    ),
    (
        "Order_OrderRegel_Verwijderen",
        {"OrderNummer": 7, "RegelID": 9001},
        lambda client: client.remove_line("7", "9001"),
    ),
    ("Order_LockVrijgeven", {"OrderNummer": 7}, lambda client: client.release_lock("7")),
]


@pytest.mark.parametrize(("operation", "body", "write"), WRITES)
def test_write_names_its_order_and_what_changes(
    king_client: Client, web: responses.RequestsMock, operation: str, body: dict[str, object], write: Action
) -> None:
    prepare(web, operation, body, [{"Status": 0}])

    write(king_client)

    assert len(web.calls) == 1


@pytest.mark.parametrize(
    "answer", [[{"Status": 0}], [{"Status": 0, "OrderNummer": None}], [{"Status": 0, "OrderNummer": ""}]]
)
def test_new_order_without_a_number_has_an_unknown_outcome(
    king_client: Client, web: responses.RequestsMock, answer: object
) -> None:
    everything(web, json=answer)

    with pytest.raises(errors.OutcomeUnknownError):
        king_client.create_order(NEW_ORDER)
