"""The field tables of the imports: resulting values, defaults, what makes a record impossible."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from integrations.king.records import (
    Article,
    ContactPerson,
    Debtor,
    DeliveryAddress,
    Rate,
    Warehouse,
)
from integrations.outsmart import records as outsmart
from kingsync.rules.imports import customers, hour_types, products, warehouses
from kingsync.rules.imports.records import Answer, Dropped, Row
from kingsync.rules.mapping import Customers, HourTypes, Inactive, Products, Warehouses
from sandboxes.outsmart.entities import ENTITIES

ENDPOINTS = {
    "customer": "relations",
    "contact_person": "contactpersons",
    "address": "addresses",
    "product": "materials",
    "hour_type": "hourtypes",
    "warehouse": "warehouses",
}
DEBTOR = Debtor(
    number="10311",
    search_code="JONGSMA",
    name="Bakkerij Jongsma",
    name2="B.V.",
    street="Oude Markt",
    house_number="7a",
    postal_code="8701 AB",
    city="Bolsward",
    country="NLD",
    phone="0515555230",
    email="info@jongsma.example",
    vat_number="NL001234567B01",
    chamber_number="01234567",
    invoice_debtor_number="10300",
    remark="Achterom\nbellen",
    contact_persons=(
        ContactPerson(number="1"),
        ContactPerson(number="2", name="S. Jongsma", phone="06", email="s@jongsma.example"),
    ),
    delivery_addresses=(
        DeliveryAddress(
            number="1",
            description="Molen",
            street="Dijk",
            house_number="3",
            postal_code="8702 AA",
            city="Bolsward",
            country="BEL",
        ),
    ),
)
ARTICLE = Article(
    number="BUIS-22",
    search_code="BUIS",
    short_description="Buis 22 mm",
    description="Koperen buis 22 mm",
    unit="M",
    sales_price=Decimal("6.4"),
    cost_price=Decimal("3.125"),
    vat_code="2",
    revenue_group="800",
    ean_code="8712345678906",
)
RATE = Rate(number="MONT", search_code="MON", description="Monteur", price=Decimal("58"))


# --- Resulting values -------------------------------------------------------------------------------------------------


def rows(answers: Iterable[Answer], kind: str) -> list[Any]:
    return [answer.payload for answer in answers if isinstance(answer, Row) and answer.kind == kind]


def dropped(answers: Iterable[Answer]) -> dict[str, tuple[str, dict[str, str]]]:
    return {
        answer.king_id: (answer.reason.code, answer.reason.params) for answer in answers if isinstance(answer, Dropped)
    }


def test_all_that_king_has_of_a_customer_arrives() -> None:
    answers = customers.from_debtor(DEBTOR, Customers())

    assert rows(answers, "customer") == [
        outsmart.Relation(
            name="Bakkerij Jongsma B.V.",
            debtor_number="10311",
            street="Oude Markt",
            house_number="7a",
            postal_code="8701 AB",
            city="Bolsward",
            country="NL",
            contact="S. Jongsma",
            phone_number="0515555230",
            email="info@jongsma.example",
            external_id="10311",
            debtor_number_invoice="10300",
            kvk_number="01234567",
            vat_number="NL001234567B01",
            remark="Achterom\nbellen",
        )
    ]


def test_parts_of_a_customer_have_codes_of_their_own() -> None:
    answers = customers.from_debtor(DEBTOR, Customers())

    assert rows(answers, "contact_person") == [
        outsmart.ContactPerson(
            cpn_debtor_nr="10311",
            cpn_code="10311-2",
            cpn_name="S. Jongsma",
            cpn_phone="06",
            cpn_email="s@jongsma.example",
        )
    ]
    assert rows(answers, "address") == [
        outsmart.Address(
            adr_debtor_nr="10311",
            adr_code="10311-1",
            adr_line_1="Dijk 3",
            adr_zip="8702 AA",
            adr_city="Bolsward",
            adr_country="BE",
            adr_remark="Molen",
        )
    ]


def test_a_part_that_is_impossible_leaves_its_customer_alone() -> None:
    no_town = msgspec.structs.replace(DEBTOR.delivery_addresses[0], city="  ", street="")

    answers = customers.from_debtor(
        msgspec.structs.replace(DEBTOR, delivery_addresses=(no_town,)), Customers(contact_persons=False)
    )

    assert [type(answer) for answer in answers] == [Row, Dropped]
    assert dropped(answers) == {"10311-1": ("missing_fields", {"fields": "adr_line_1, adr_city"})}


def test_parts_are_left_out_when_the_settings_say_so() -> None:
    answers = customers.from_debtor(DEBTOR, Customers(contact_persons=False, delivery_addresses=False))

    assert [answer.kind for answer in answers] == ["customer"]
    assert rows(answers, "customer")[0].contact == ""


@pytest.mark.parametrize("number", ["", " ", "-1", "1-2"])
def test_a_part_number_that_could_take_the_code_of_another_is_refused(number: str) -> None:
    person = ContactPerson(number=number, name="S. Jongsma")

    answers = customers.from_debtor(
        msgspec.structs.replace(DEBTOR, contact_persons=(person,), delivery_addresses=()), Customers()
    )

    assert dropped(answers) == {f"10311-{number}": ("unusable_number", {"number": number})}


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"street": " "}, "street", "-"),
        ({"name": "", "name2": " "}, "name", "JONGSMA"),
        ({"country": "nld"}, "country", "NL"),
        ({"country": "XYZ"}, "country", "XYZ"),
        ({"country": ""}, "country", ""),
    ],
)
def test_what_a_customer_lacks_has_a_default(changes: dict[str, Any], field: str, value: str) -> None:
    (row,) = rows(customers.from_debtor(msgspec.structs.replace(DEBTOR, **changes), Customers()), "customer")

    assert getattr(row, field) == value


def test_a_customer_without_what_outsmart_requires_is_impossible() -> None:
    bare = Debtor(number="10", street="Kade", city="\t")

    assert dropped(customers.from_debtor(bare, Customers())) == {
        "10": ("missing_fields", {"fields": "name, postal_code, city"})
    }


@pytest.mark.parametrize(("inactive", "active"), [("import", "1"), ("deactivate", "0")])
def test_a_blocked_customer_is_sent_as_the_settings_say(inactive: Inactive, active: str) -> None:
    answers = customers.from_debtor(msgspec.structs.replace(DEBTOR, is_blocked=True), Customers(inactive=inactive))

    assert [row.active for row in rows(answers, "customer")] == [active]


def test_parts_of_a_customer_that_becomes_inactive_are_left_as_they_are() -> None:
    answers = customers.from_debtor(msgspec.structs.replace(DEBTOR, is_blocked=True), Customers())

    assert [(answer.kind, isinstance(answer, Row) and answer.is_active) for answer in answers] == [("customer", False)]


def test_all_that_king_has_of_a_product_arrives() -> None:
    (row,) = rows(products.from_article(ARTICLE, Products()), "product")

    assert row == outsmart.Product(
        code="BUIS-22",
        description="Koperen buis 22 mm",
        price="6.40",
        unit="M",
        eancode="8712345678906",
        vat_code="2",
    )


@pytest.mark.parametrize(("choice", "price"), [("sales", "6.40"), ("cost", "3.125"), ("none", "0.00")])
def test_the_price_is_the_one_of_the_settings(choice: Any, price: str) -> None:
    (row,) = rows(products.from_article(ARTICLE, Products(price=choice)), "product")

    assert row.price == price


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"description": " "}, ("Buis 22 mm", "6.40", "M")),
        ({"description": "", "short_description": ""}, ("BUIS", "6.40", "M")),
        ({"sales_price": None, "unit": ""}, ("Koperen buis 22 mm", "0.00", "ST")),
        ({"sales_price": Decimal("-2.5")}, ("Koperen buis 22 mm", "-2.50", "M")),
    ],
)
def test_what_a_product_lacks_has_a_default(changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    (row,) = rows(products.from_article(msgspec.structs.replace(ARTICLE, **changes), Products()), "product")

    assert (row.description, row.price, row.unit) == expected


def test_revenue_groups_are_numbers() -> None:
    assert rows(products.from_article(ARTICLE, Products(revenue_groups=("0800",))), "product")
    assert dropped(products.from_article(ARTICLE, Products(revenue_groups=("80",)))) == {
        "BUIS-22": ("other_revenue_group", {})
    }


@pytest.mark.parametrize(
    ("inactive", "code"),
    [("skip", "skipped_inactive"), ("deactivate", "cannot_deactivate_product"), ("import", None)],
)
def test_a_blocked_product_is_dealt_with_as_the_settings_say(inactive: Inactive, code: str | None) -> None:
    answers = products.from_article(msgspec.structs.replace(ARTICLE, is_blocked=True), Products(inactive=inactive))

    assert [code for code, _ in dropped(answers).values()] == ([code] if code else [])


def test_an_hour_type_arrives_and_takes_no_negative_price() -> None:
    (row,) = rows(hour_types.from_rate(RATE, HourTypes()), "hour_type")
    negative = hour_types.from_rate(msgspec.structs.replace(RATE, price=Decimal("-1")), HourTypes())

    assert (row.code, row.name, row.sale_price, row.active) == ("MONT", "Monteur", "58.00", "1")
    assert dropped(negative) == {"MONT": ("negative_hour_price", {"value": "-1.00"})}


@pytest.mark.parametrize(("inactive", "active"), [("skip", []), ("import", ["1"]), ("deactivate", ["0"])])
def test_a_blocked_hour_type_is_sent_as_the_settings_say(inactive: Inactive, active: list[str]) -> None:
    answers = hour_types.from_rate(msgspec.structs.replace(RATE, is_blocked=True), HourTypes(inactive=inactive))

    assert [row.active for row in rows(answers, "hour_type")] == active


def test_a_warehouse_without_a_description_is_named_by_its_number() -> None:
    (row,) = rows(warehouses.from_warehouse(Warehouse(number="3"), Warehouses()), "warehouse")

    assert (row.wse_code, row.wse_description, row.wse_external_id) == ("3", "Magazijn 3", "3")


# --- Nothing is cut ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (
            customers.from_debtor(msgspec.structs.replace(DEBTOR, email="e" * 256), Customers()),
            ("too_long", {"field": "email", "length": "256", "limit": "255"}),
        ),
        (
            customers.from_debtor(msgspec.structs.replace(DEBTOR, remark="é" * 32_768), Customers()),
            ("text_too_long", {"field": "remark", "length": "65536", "limit": "65535"}),
        ),
        (
            products.from_article(msgspec.structs.replace(ARTICLE, ean_code="8" * 56), Products()),
            ("too_long", {"field": "eancode", "length": "56", "limit": "55"}),
        ),
        (
            hour_types.from_rate(msgspec.structs.replace(RATE, number="M" * 51), HourTypes()),
            ("too_long", {"field": "number", "length": "51", "limit": "50"}),
        ),
        (
            hour_types.from_rate(msgspec.structs.replace(RATE, number="M" * 56), HourTypes()),
            ("too_long", {"field": "code", "length": "56", "limit": "55"}),
        ),
    ],
)
def test_a_text_that_is_too_long_is_named_with_its_length(
    answers: list[Answer], reason: tuple[str, dict[str, str]]
) -> None:
    assert list(dropped(answers).values()) == [reason]
    assert len(answers) == 1


def test_texts_of_the_full_length_arrive_whole() -> None:
    debtor = msgspec.structs.replace(DEBTOR, email="e" * 255, remark="é" * 32_767)

    (row,) = rows(customers.from_debtor(debtor, Customers()), "customer")

    assert (len(row.email), len(row.remark)) == (255, 32_767)


def test_lengths_and_required_fields_are_those_of_the_sandbox() -> None:
    for payload, endpoint in zip(outsmart.MASTER_ROWS, ENDPOINTS.values(), strict=True):
        entity = ENTITIES[endpoint]
        texts = set(payload.__struct_fields__)
        long = {field for row, field in outsmart.LONG_TEXTS if row is payload}
        short = {field for row, field in outsmart.SHORT_TEXTS if row is payload}
        assert texts <= set(entity.fields)
        assert set(outsmart.required_fields(payload)) >= set(entity.required) - {"cost_booking", "sale_booking"}
        assert (long, short) == (set(entity.long), set(entity.short) & texts)
