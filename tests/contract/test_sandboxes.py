"""Both clients against both sandboxes, so that neither side drifts from the contract."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from integrations import errors
from integrations.king import payloads as king_payloads
from integrations.king.client import Client as KingClient
from integrations.king.records import Kind, LineChange, LineKind, NewLine, NewOrder
from integrations.outsmart import payloads as outsmart_payloads
from integrations.outsmart import records
from integrations.outsmart.client import Client as OutSmartClient
from integrations.transport import Transport
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests.contract.conftest import client_of
from tests.contract.test_outsmart_client import PRODUCT, RELATION, WORK_ORDER


@pytest.fixture(scope="module")
def seeded_king() -> Iterator[KingSandbox]:
    """Provide the demo company, for tests that only read."""
    with KingSandbox(records=120) as sandbox:
        yield sandbox


READERS: dict[Kind, Callable[[bytes], object]] = {
    Kind.DEBTOR: king_payloads.debtor,
    Kind.ARTICLE: king_payloads.article,
    Kind.RATE: king_payloads.rate,
    Kind.WAREHOUSE: king_payloads.warehouse,
    Kind.ORDER: king_payloads.order,
}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_record_of_king_is_read_once_page_by_page(
    seeded_king: KingSandbox, king_stub: Transport, kind: Kind
) -> None:
    client = client_of(seeded_king, king_stub)

    raw = [bytes(one) for page in client.iter_pages(kind, size=7) for one in page.records]

    numbers = [king_payloads.number(kind, one) for one in raw]
    assert len(raw) == len(set(numbers)) == len(seeded_king.store.records(kind.value))
    assert all(READERS[kind](one) for one in raw)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_record_of_king_can_be_looked_up(seeded_king: KingSandbox, king_stub: Transport, kind: Kind) -> None:
    client = client_of(seeded_king, king_stub)
    raw = [bytes(one) for page in client.iter_pages(kind) for one in page.records]
    for one in raw[:: max(1, len(raw) // 10)]:
        number = king_payloads.number(kind, one)

        assert client.find_record(kind, number) == one
        assert client.find_record(kind, f"{number}0") is None


def test_only_what_changed_is_read_when_a_moment_is_given(seeded_king: KingSandbox, king_stub: Transport) -> None:
    client = client_of(seeded_king, king_stub)
    future = datetime.datetime(2099, 1, 1, tzinfo=datetime.UTC)

    assert client.read_page(Kind.ARTICLE, changed_since=future).records == ()
    assert client.read_page(Kind.ARTICLE, changed_since=datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)).records


def test_order_is_written_step_by_step_and_stands_in_king_as_sent(demo_king: KingSandbox, to_king: KingClient) -> None:
    to_king.test_connection()
    debtor = king_payloads.debtor(to_king.read_page(Kind.DEBTOR, size=1).records[0])
    article = king_payloads.article(to_king.read_page(Kind.ARTICLE, size=1).records[0])
    new = NewOrder(
        debtor_number=debtor.number,
        external_number="OS-1",
        reference="Werkbon 1",
        order_date=datetime.date(2025, 11, 11),
        warehouse="1",
        pick_list=False,
    )

    number = to_king.create_order(new)
    line = NewLine(kind=LineKind.ARTICLE, reference="M1", article_number=article.number, quantity=Decimal(2))
    first = to_king.add_line(number, line)
    second = to_king.add_line(number, NewLine(kind=LineKind.TEXT, reference="T1", text="Eerste\ntweede"))
    third = to_king.add_line(number, NewLine(kind=LineKind.TEXT, reference="T2", text="Weg"))
    to_king.change_line(number, first, LineChange(quantity=Decimal(3), price=Decimal("9.95")))
    to_king.remove_line(number, third)
    to_king.update_order(number, approved=True, released=True)
    to_king.release_lock(number)

    order = to_king.get_order(number=number)
    assert order is not None
    assert to_king.find_orders(reference="OS-1") == (order,)
    assert (order.reference, order.warehouse, order.order_date) == ("Werkbon 1", "1", datetime.date(2025, 11, 11))
    assert (order.is_approved, order.is_released) == (True, True)
    assert [(each.line_id, each.kind, each.reference) for each in order.lines] == [
        (first, "ART", "M1"),
        (second, "TEKST", "T1"),
    ]
    assert (order.lines[0].quantity, order.lines[0].price) == (Decimal(3), Decimal("9.95"))
    assert order.lines[1].text == "Eerste\ntweede"
    assert demo_king.store.locks() == []


def test_refusals_of_king_are_told_apart(demo_king: KingSandbox, to_king: KingClient) -> None:
    with pytest.raises(errors.RejectedError) as unknown_debtor:
        to_king.create_order(NewOrder(debtor_number="1", external_number="OS-1"))
    number = to_king.create_order(NewOrder(debtor_number="11001", external_number="OS-1"))
    to_king.release_lock(number)
    demo_king.store.lock_order(int(number), "KASSA")
    with pytest.raises(errors.ConflictError) as locked:
        to_king.update_order(number, approved=True)

    assert type(unknown_debtor.value) is errors.RejectedError
    assert unknown_debtor.value.code
    assert (locked.value.code, locked.value.reason) == ("LOCK", "busy")


def test_unknown_order_is_none_in_king(to_king: KingClient) -> None:
    assert to_king.get_order(number="999") is None
    assert to_king.find_orders(reference="OS-999") == ()


def test_wrong_access_code_of_one_operation_stops_that_one_only(demo_king: KingSandbox, king_stub: Transport) -> None:
    client = client_of(demo_king, king_stub, Order_Toevoegen="wrong-code")

    client.test_connection()
    with pytest.raises(errors.AuthenticationError):
        client.create_order(NewOrder(debtor_number="11001", external_number="OS-1"))


def test_unknown_administration_is_a_matter_of_settings(demo_king: KingSandbox, king_stub: Transport) -> None:
    client = KingClient(
        base_url=demo_king.base_url, administration="ELDERS", access_code=demo_king.access_code, transport=king_stub
    )

    with pytest.raises(errors.ConfigurationError):
        client.test_connection()


def test_work_orders_are_read_and_stay_as_they_are(demo_outsmart: OutSmartSandbox, to_outsmart: OutSmartClient) -> None:
    before = {one["id"]: one["status"] for one in demo_outsmart.store.all_work_orders()}

    raw = list(to_outsmart.iter_work_orders(status="Compleet", work_status="1"))
    found = [outsmart_payloads.work_order(one) for one in raw]
    again = [to_outsmart.get_work_order(outsmart_id=one.outsmart_id) for one in found]

    assert found
    assert {(one.status, one.work_status) for one in found} == {("Compleet", "1")}
    assert [outsmart_payloads.work_order(one) for one in again] == found
    assert {one["id"]: one["status"] for one in demo_outsmart.store.all_work_orders()} == before


def test_work_orders_with_keys_left_out_are_read_too(
    demo_outsmart: OutSmartSandbox, to_outsmart: OutSmartClient
) -> None:
    demo_outsmart.behaviour.absent_keys = 0.5

    found = [outsmart_payloads.work_order(one) for one in to_outsmart.iter_work_orders(status="Alle")]

    assert len(found) == len(demo_outsmart.store.all_work_orders())


def test_acknowledged_work_order_drops_out_of_the_list(to_outsmart: OutSmartClient) -> None:
    first, *others = (
        outsmart_payloads.outsmart_id(one) for one in to_outsmart.iter_work_orders(status="Compleet", work_status="1")
    )

    answer = to_outsmart.acknowledge_work_order(outsmart_id=first)

    left = [
        outsmart_payloads.outsmart_id(one) for one in to_outsmart.iter_work_orders(status="Compleet", work_status="1")
    ]
    assert outsmart_payloads.outsmart_id(answer) == first
    assert left == others


def test_work_status_can_be_set_twice(to_outsmart: OutSmartClient) -> None:
    first = outsmart_payloads.outsmart_id(next(to_outsmart.iter_work_orders(status="Compleet")))

    for _ in range(2):
        to_outsmart.set_work_status(outsmart_id=first, work_status="99")

    assert outsmart_payloads.work_order(to_outsmart.get_work_order(outsmart_id=first)).work_status == "99"


def test_nothing_found_is_an_empty_list_and_an_unknown_one_not_found(to_outsmart: OutSmartClient) -> None:
    assert list(to_outsmart.iter_work_orders(status="Compleet", work_status="nergens")) == []
    with pytest.raises(errors.NotFoundError):
        to_outsmart.get_work_order(outsmart_id="1")


def test_posted_work_order_is_there_once_however_often_it_is_posted(to_outsmart: OutSmartClient) -> None:
    first = to_outsmart.post_work_orders([WORK_ORDER])
    again = to_outsmart.post_work_orders([WORK_ORDER])

    row = outsmart_payloads.work_order(to_outsmart.get_work_order(outsmart_id=first["20251201"]))
    assert first == again
    assert (row.king_order_number, row.status, row.customer_postal_code) == ("20251201", "Klaargezet", "3011AB")
    assert row.materials[0].code == "EXP-035"


def test_master_data_is_taken_and_counted(demo_outsmart: OutSmartSandbox, to_outsmart: OutSmartClient) -> None:
    to_outsmart.test_connection()
    contact = records.ContactPerson(cpn_debtor_nr="10311", cpn_code="10311-1", cpn_name="S. Jongsma")
    address = records.Address(
        adr_debtor_nr="10311", adr_code="10311-1", adr_line_1="Markt 1", adr_zip="8701 AB", adr_city="Bolsward"
    )

    taken = [
        to_outsmart.post_relations([RELATION, RELATION]),
        to_outsmart.post_contact_persons([contact]),
        to_outsmart.post_addresses([address]),
        to_outsmart.post_products([PRODUCT]),
        to_outsmart.post_hour_types([records.HourType(code="MONT", name="Monteur", sale_price="58.00")]),
        to_outsmart.post_warehouses([records.Warehouse(wse_code="1", wse_description="Ede")]),
    ]

    assert taken == [2, 1, 1, 1, 1, 1]
    assert len(list(to_outsmart.iter_relations())) == 1
    for entity in ("relations", "contactpersons", "addresses", "materials", "hourtypes", "warehouses"):
        assert len(demo_outsmart.store.rows(entity)) == 1


def test_missing_field_is_named(to_outsmart: OutSmartClient) -> None:
    row = records.Product(code="A", description="", price="1.00", unit="ST")

    with pytest.raises(errors.RejectedError) as caught:
        to_outsmart.post_products([row])

    assert (caught.value.code, caught.value.fields) == ("1201", ("description",))


@pytest.mark.parametrize(("field", "code"), [("token", "1004"), ("software_token", "1005")])
def test_wrong_token_is_told_without_showing_it(
    demo_outsmart: OutSmartSandbox, outsmart_stub: Transport, field: str, code: str
) -> None:
    tokens = {"token": demo_outsmart.token, "software_token": demo_outsmart.software_token, field: "wrong-word"}
    client = OutSmartClient(base_url=demo_outsmart.base_url, transport=outsmart_stub, **tokens)

    with pytest.raises(errors.AuthenticationError) as caught:
        client.test_connection()

    assert caught.value.code == code
    assert "wrong-word" not in str(caught.value)
