"""King's orders as work orders: any order gives what OutSmart accepts, or a reason; and later differences."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.king.records import ContactPerson, Debtor, DeliveryAddress, LineKind, Order, OrderLine
from kingsync.messages import reason_texts
from kingsync.rules.imports import imported_orders, order_changes
from kingsync.rules.imports.imported_orders import NewWork
from kingsync.rules.imports.order_changes import Difference, Known
from kingsync.rules.mapping import Orders
from kingsync.rules.outcomes import Reason
from sandboxes.outsmart.work_orders import WorkOrders

CHOICES = Orders(work_status="2")
CUSTOMER = Debtor(
    number="10",
    name="Klant",
    name2="B.V.",
    street="Kade",
    house_number="2",
    postal_code="1000 AA",
    city="Ede",
    contact_persons=(ContactPerson(number="3", name="Jo Beheer"),),
    delivery_addresses=(
        DeliveryAddress(number="7", street="Laan", house_number="9", postal_code="2000 BB", city="Epe"),
    ),
)
BUIS = OrderLine(
    line_id="501", position=1, kind="ART", article_number="BUIS", description="Buis", quantity=Decimal(4), warehouse="1"
)
TEXT = OrderLine(line_id="502", position=2, kind="TEKST", text="Sleutel bij de buren")
HOURS = OrderLine(line_id="503", position=3, kind="TAR", article_number="MONT", quantity=Decimal(8))
ORDER = Order(
    number="500",
    debtor_number="10",
    reference="Offerte 12",
    remark="Bel vooraf",
    delivery_date=datetime.date(2025, 12, 1),
    lines=(BUIS, TEXT, HOURS),
)


def changed(**fields: object) -> Order:
    return msgspec.structs.replace(ORDER, **fields)


def with_line(**fields: object) -> Order:
    return changed(lines=(msgspec.structs.replace(BUIS, **fields),))


def made(order: Order = ORDER, customer: Debtor = CUSTOMER, choices: Orders = CHOICES) -> NewWork:
    work = imported_orders.from_order(order, customer, customer, choices)
    assert isinstance(work, NewWork)
    return work


def refused(order: Order = ORDER, customer: Debtor = CUSTOMER) -> Reason:
    why = imported_orders.from_order(order, customer, customer, CHOICES)
    assert isinstance(why, Reason)
    return why


# --- The work order ---------------------------------------------------------------------------------------------------


def test_a_delivery_address_is_where_the_work_is() -> None:
    work_order = made(changed(delivery_address_number="7")).work_order

    assert (work_order.customer_street, work_order.customer_house_number, work_order.customer_city) == (
        "Laan",
        "9",
        "Epe",
    )
    assert (work_order.invoice_street, work_order.invoice_city) == ("Kade", "Ede")


def test_an_unknown_delivery_address_sends_nobody_to_another_place() -> None:
    why = refused(changed(delivery_address_number="8"))

    assert (why.code, why.params) == ("unknown_address", {"address": "8", "debtor": "10"})


def test_an_incomplete_delivery_address_is_named() -> None:
    bare = msgspec.structs.replace(CUSTOMER, delivery_addresses=(DeliveryAddress(number="7", street="Laan"),))

    why = refused(changed(delivery_address_number="7"), bare)

    assert why.params == {"fields": "delivery address postal_code, delivery address city"}


@pytest.mark.parametrize(("number", "name"), [("3", "Jo Beheer"), ("4", "Klant B.V."), ("", "Klant B.V.")])
def test_the_contact_person_is_the_orders_else_the_customer(number: str, name: str) -> None:
    assert made(changed(contact_person_number=number)).work_order.contact_person == name


def test_text_lines_are_for_the_engineer_and_not_for_the_invoice() -> None:
    work_order = made().work_order

    assert work_order.internal_work_description == "Bel vooraf\nSleutel bij de buren"


def test_only_articles_become_materials() -> None:
    assert [material.code for material in made().work_order.materials] == ["BUIS"]
    assert made(choices=Orders(materials=False)).work_order.materials == ()


@pytest.mark.parametrize(
    ("quantity", "written"), [(None, "0.00"), (Decimal(0), "0.00"), (Decimal("-2.5"), "-2.5"), (Decimal("1E+2"), "100")]
)
def test_quantities_are_written_in_full(quantity: Decimal | None, written: str) -> None:
    (material,) = made(with_line(quantity=quantity)).work_order.materials

    assert material.quantity == written


def test_blank_choices_give_the_defaults() -> None:
    work_order = made(choices=Orders(type_of_work=" ", payment_method="")).work_order

    assert (work_order.type_of_work, work_order.payment_method) == ("Service", "op rekening")


@pytest.mark.parametrize(
    ("order", "code", "field"),
    [
        (changed(reference="x" * 256), "too_long", "short_work_description"),
        (changed(remark="é" * 40_000), "text_too_long", "internal_work_description"),
        (with_line(description="x" * 256), "too_long", "name"),
        (with_line(line_id="1" * 51), "too_long", "line_id"),
        (changed(number="1" * 51), "too_long", "number"),
    ],
)
def test_what_is_too_long_is_refused_and_not_cut(order: Order, code: str, field: str) -> None:
    why = refused(order)

    assert (why.code, why.params["field"]) == (code, field)


TEXTS = st.text(max_size=12) | st.sampled_from(["", " ", "10", "x" * 300])
NUMBERS = st.none() | st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False)
LINES = st.builds(
    OrderLine,
    line_id=st.text(min_size=1, max_size=8),
    position=st.integers(0, 99),
    kind=st.sampled_from([*LineKind, "KORTING", ""]),
    article_number=TEXTS,
    description=TEXTS,
    text=TEXTS,
    quantity=NUMBERS,
    delivered=NUMBERS,
    price=NUMBERS,
    warehouse=TEXTS,
    reference=TEXTS,
)
ORDERS = st.builds(
    Order,
    **dict.fromkeys(
        ("number", "external_number", "debtor_number", "invoice_debtor_number", "contact_person_number"), TEXTS
    ),
    delivery_address_number=st.sampled_from(["", "7", "8"]),
    reference=TEXTS,
    remark=TEXTS,
    order_date=st.none() | st.dates(),
    delivery_date=st.none() | st.dates(),
    lines=st.lists(LINES, max_size=4).map(tuple),
)
ADDRESSES = st.builds(
    DeliveryAddress,
    number=st.sampled_from(["7", "9"]),
    **dict.fromkeys(("street", "house_number", "postal_code", "city"), TEXTS),
)
DEBTORS = st.builds(
    Debtor,
    **dict.fromkeys(
        ("number", "search_code", "name", "name2", "street", "house_number", "postal_code", "city", "phone", "email"),
        TEXTS,
    ),
    contact_persons=st.lists(st.builds(ContactPerson, number=TEXTS, name=TEXTS), max_size=2).map(tuple),
    delivery_addresses=st.lists(ADDRESSES, max_size=2).map(tuple),
)
SETTINGS = st.builds(Orders, type_of_work=TEXTS, payment_method=TEXTS, work_status=TEXTS, materials=st.booleans())


@given(order=ORDERS, customer=DEBTORS | st.just(CUSTOMER), invoice=DEBTORS | st.just(CUSTOMER), choices=SETTINGS)
def test_any_order_gives_a_work_order_that_outsmart_takes_or_a_reason(
    order: Order, customer: Debtor, invoice: Debtor, choices: Orders
) -> None:
    answer = imported_orders.from_order(order, customer, invoice, choices)

    if isinstance(answer, Reason):
        assert "%(" not in reason_texts.sentence({"code": answer.code, "params": answer.params})
        assert answer.code in reason_texts.SENTENCES
    else:
        (row,) = json.loads(msgspec.json.encode([answer.work_order]))
        WorkOrders().check_new(row)


# --- Later differences ------------------------------------------------------------------------------------------------


def differences(now: Order, sent: Order = ORDER, **known: bool) -> list[Difference]:
    before = imported_orders.drafted(sent, CUSTOMER, CUSTOMER, CHOICES)
    after = imported_orders.drafted(now, CUSTOMER, CUSTOMER, CHOICES)
    line_ids = {line.key: line.king_line_id for line in before.lines}
    given = Known(line_ids=line_ids, **({"is_customer_known": True, "has_lines": True} | known))
    return order_changes.between(before.work_order, after, given)


@given(order=ORDERS)
def test_an_order_does_not_differ_from_itself(order: Order) -> None:
    lines = {line.line_id: line for line in order.lines}
    order = msgspec.structs.replace(order, lines=tuple(lines.values()))

    assert differences(order, order) == []


@given(sent=ORDERS, now=ORDERS)
def test_any_two_orders_can_be_compared(sent: Order, now: Order) -> None:
    assert all(each.sent != each.king for each in differences(now, sent))


@pytest.mark.parametrize(
    ("fields", "field", "king"),
    [
        ({"reference": "Offerte 13"}, "reference", "Offerte 13"),
        ({"delivery_date": datetime.date(2025, 12, 5)}, "delivery_date", "05-12-2025"),
        ({"delivery_date": None}, "delivery_date", "-"),
        ({"contact_person_number": "3"}, "contact_person", "Jo Beheer"),
        ({"delivery_address_number": "7"}, "address", "Laan 9 2000 BB Epe"),
    ],
)
def test_a_changed_field_is_told(fields: dict[str, object], field: str, king: str) -> None:
    (found,) = differences(changed(**fields))

    assert (found.field, found.king) == (field, king)


@pytest.mark.parametrize(
    ("fields", "field", "sent", "king"),
    [
        ({"quantity": Decimal(6)}, "line BUIS", "4", "6"),
        ({"warehouse": "2"}, "line BUIS: warehouse", "1", "2"),
        ({"price": Decimal("7.5")}, "line BUIS: price", "0.00", "7.50"),
        ({"article_number": "KNIE"}, "line BUIS: article", "BUIS", "KNIE"),
    ],
)
def test_a_changed_line_is_told_by_its_article(fields: dict[str, object], field: str, sent: str, king: str) -> None:
    before = changed(lines=(BUIS,))

    assert differences(with_line(**fields), before) == [Difference(field, sent, king)]


def test_a_quantity_of_the_same_value_is_no_difference() -> None:
    assert differences(with_line(quantity=Decimal("4.000")), changed(lines=(BUIS,))) == []


def test_lines_that_came_and_went_are_told() -> None:
    other = msgspec.structs.replace(BUIS, line_id="509", article_number="KNIE")

    found = differences(changed(lines=(other, TEXT)))

    assert found == [Difference("line BUIS", "4", "-"), Difference("line KNIE", "-", "4")]


def test_a_line_that_came_says_nothing_where_materials_are_not_imported() -> None:
    other = msgspec.structs.replace(BUIS, line_id="509")

    assert differences(changed(lines=(BUIS, other, TEXT)), has_lines=False) == []


def test_lines_of_our_export_are_nobodys_difference() -> None:
    ours = [msgspec.structs.replace(BUIS, line_id="600", reference="77-M1"), TEXT]
    theirs = [msgspec.structs.replace(BUIS, line_id="601", reference="WEB-77-M1"), BUIS]

    left = order_changes.without_ours(changed(lines=(*ours, *theirs)), ["77"])

    assert [line.line_id for line in left.lines] == ["502", "601", "501"]
