"""Any record of King's gives rows that OutSmart accepts, or reasons; any JSON gives a record, or the error's path."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from integrations import errors
from integrations.king import names, payloads
from integrations.king.records import (
    Article,
    ContactPerson,
    Debtor,
    DeliveryAddress,
    Kind,
    Order,
    OrderLine,
    Rate,
    Warehouse,
)
from integrations.outsmart import records as outsmart
from kingsync.messages import reason_texts
from kingsync.messages.field_names import field_names
from kingsync.models.links import RecordKind
from kingsync.rules.imports import customers, hour_types, products, warehouses
from kingsync.rules.imports.countries import two_letters
from kingsync.rules.imports.records import Answer, Dropped, Row
from kingsync.rules.mapping import Customers, HourTypes, Inactive, Products, Warehouses
from sandboxes.outsmart.masters import Masters

ENDPOINTS = {
    "customer": "relations",
    "contact_person": "contactpersons",
    "address": "addresses",
    "product": "materials",
    "hour_type": "hourtypes",
    "warehouse": "warehouses",
}
REASONS = {
    *("missing_fields", "too_long", "text_too_long", "unusable_number", "negative_hour_price"),
    *("skipped_inactive", "other_revenue_group", "cannot_deactivate_product", "price_with_vat_only"),
}

SIGNS = st.characters(exclude_categories=["Cs"])
ODD_TEXTS = st.one_of(
    st.text(SIGNS, max_size=12),
    st.sampled_from(["", " ", "\t\n", "\x00", "\u00a0", "-"]),
    st.builds(str.__mul__, st.sampled_from("xé "), st.sampled_from([51, 56, 256, 40_000, 70_000])),
)


def mostly(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any], *, one_in: int = 12) -> st.SearchStrategy[Any]:
    """Return a strategy in which most records get far enough to exercise every rule."""
    return st.integers(1, one_in).flatmap(lambda place: odd if place == one_in else usual)


TEXTS = mostly(st.sampled_from(["1", "10311", "Kade", "8701 AB", "NLD", "8712345678906"]), ODD_TEXTS)
PRICES = st.none() | st.decimals(-1000, 1000, places=3) | st.decimals(allow_nan=False, allow_infinity=False)
POLICIES = st.sampled_from(get_args(Inactive))


def built(record: type[msgspec.Struct], **others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for records of a type, with every possible text, price and flag."""
    by_type = {str: TEXTS, "str": TEXTS, Decimal | None: PRICES, bool: st.booleans(), int: st.integers()}
    fields = {
        field.name: others[field.name] if field.name in others else by_type[field.type]
        for field in msgspec.structs.fields(record)
    }
    return st.builds(record, **fields)


DEBTORS = built(
    Debtor,
    contact_persons=st.lists(built(ContactPerson), max_size=4).map(tuple),
    delivery_addresses=st.lists(built(DeliveryAddress), max_size=4).map(tuple),
)
CUSTOMERS = st.builds(Customers, inactive=POLICIES, delivery_addresses=st.booleans(), contact_persons=st.booleans())
PRODUCTS = st.builds(
    Products,
    inactive=POLICIES,
    price=st.sampled_from(["sales", "cost", "none"]),
    revenue_groups=st.lists(TEXTS, max_size=2).map(tuple),
)


def is_right(answers: list[Answer]) -> bool:
    """Check every guarantee about the answers to one record."""
    assert answers
    keys = [(answer.kind, answer.outsmart_id) for answer in answers if isinstance(answer, Row)]
    assert len(keys) == len(set(keys))
    for answer in answers:
        assert answer.kind in RecordKind.values
        assert len(answer.king_id) <= 50
        assert len(answer.name) <= 255
        if isinstance(answer, Row):
            assert_accepted(answer)
        else:
            assert_explained(answer)
    return True


def assert_accepted(row: Row) -> None:
    """Check a row as OutSmart does, with the sandbox, which accepts a field of blanks: so that is checked too."""
    assert all(getattr(row.payload, field).strip() for field in outsmart.required_fields(type(row.payload)))
    assert Masters().post(ENDPOINTS[row.kind], [msgspec.to_builtins(row.payload)]) == 1


def assert_explained(answer: Dropped) -> None:
    assert answer.reason.code in REASONS
    said = []
    for language in ("nl", "en"):
        with translation.override(language):
            said.append(reason_texts.sentence(reason_texts.stored(answer.reason)))
    assert all(said)
    assert answer.reason.code not in said
    named = answer.reason.params.get("fields") or answer.reason.params.get("field", "")
    assert "_" not in field_names(named)


@given(DEBTORS, CUSTOMERS)
def test_any_debtor_gives_rows_or_reasons(debtor: Debtor, choices: Customers) -> None:
    answers = customers.from_debtor(debtor, choices)

    assert is_right(answers)
    assert answers[0].kind == "customer"
    assert isinstance(answers[0], Row) or len(answers) == 1


@given(built(Article), PRODUCTS)
def test_any_article_gives_a_row_or_a_reason(article: Article, choices: Products) -> None:
    answers = products.from_article(article, choices)

    assert is_right(answers)
    assert len(answers) == 1


@given(built(Rate), st.builds(HourTypes, inactive=POLICIES))
def test_any_rate_gives_a_row_or_a_reason(rate: Rate, choices: HourTypes) -> None:
    answers = hour_types.from_rate(rate, choices)

    assert is_right(answers)
    assert len(answers) == 1


@given(built(Warehouse))
def test_any_warehouse_gives_a_row_or_a_reason(warehouse: Warehouse) -> None:
    answers = warehouses.from_warehouse(warehouse, Warehouses())

    assert is_right(answers)
    assert len(answers) == 1


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 999)), unique=True, max_size=30))
def test_codes_of_parts_are_never_shared(parts: list[tuple[int, int]]) -> None:
    debtors = [
        Debtor(
            number=str(debtor),
            name="X",
            postal_code="1",
            city="Ede",
            contact_persons=(ContactPerson(number=str(number), name="X"),),
        )
        for debtor, number in parts
    ]

    codes = [answer.king_id for each in debtors for answer in customers.from_debtor(each, Customers())[1:]]

    assert len(set(codes)) == len(parts)


@given(st.text(SIGNS))
def test_any_country_keeps_its_meaning(country: str) -> None:
    assert two_letters(country) in {country.strip(), two_letters(country.strip().upper())}


# --- Any JSON ---------------------------------------------------------------------------------------------------------

SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(SIGNS, max_size=30),
    st.sampled_from(["1,5", "1e3", "2025-13-01", "0000-00-00", "ja", "ART"]),
    st.builds(str.__mul__, st.sampled_from("x9"), st.sampled_from([60, 300])),
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
USUAL: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(SIGNS, max_size=30) | st.integers() | st.none(),
    bool: st.sampled_from([0, 1, "0", "1", True, None, "ja"]),
    int: st.integers(0, 3) | st.sampled_from(["2", None, 1.0]),
    Decimal | None: st.floats(-1e9, 1e9) | st.sampled_from(["1,5", "-2.25", "", None, 3, 1e3]),
    datetime.date | None: st.dates().map(str) | st.sampled_from(["", None, "0000-00-00", "2025-01-31 10:00:00"]),
}


def objects(record: type[msgspec.Struct], table: Mapping[str, str], **rows: st.SearchStrategy[Any]) -> Any:
    """Return a strategy for objects with King's names, and mostly valid values."""
    hints = get_type_hints(record)
    values = {
        king: mostly(st.lists(rows[ours], max_size=3) if ours in rows else USUAL[hints[ours]], ANYTHING, one_in=60)
        for ours, king in table.items()
    }
    key = next(iter(table.values()))
    return st.fixed_dictionaries(
        {key: mostly(st.integers(0, 99_999) | st.text(SIGNS, min_size=1, max_size=20), values.pop(key))},
        optional=values,
    )


CONTACT_PERSONS = objects(ContactPerson, names.CONTACT_PERSON)
ADDRESSES = objects(DeliveryAddress, names.DELIVERY_ADDRESS)
JSON: dict[Kind, tuple[st.SearchStrategy[Any], Callable[[bytes], Any], Callable[[Any], list[Answer]] | None]] = {
    Kind.DEBTOR: (
        objects(Debtor, names.DEBTOR, contact_persons=CONTACT_PERSONS, delivery_addresses=ADDRESSES),
        payloads.debtor,
        lambda debtor: customers.from_debtor(debtor, Customers()),
    ),
    Kind.ARTICLE: (
        objects(Article, names.ARTICLE),
        payloads.article,
        lambda article: products.from_article(article, Products()),
    ),
    Kind.RATE: (objects(Rate, names.RATE), payloads.rate, lambda rate: hour_types.from_rate(rate, HourTypes())),
    Kind.WAREHOUSE: (
        objects(Warehouse, names.WAREHOUSE),
        payloads.warehouse,
        lambda warehouse: warehouses.from_warehouse(warehouse, Warehouses()),
    ),
    Kind.ORDER: (
        objects(Order, names.ORDER, lines=objects(OrderLine, names.ORDER_LINE)),
        payloads.order,
        None,
    ),
}


@pytest.mark.parametrize("kind", Kind)
@given(st.data())
def test_any_json_is_a_record_or_says_where_it_is_wrong(kind: Kind, data: st.DataObject) -> None:
    anything, decode, rule = JSON[kind]
    raw = msgspec.json.encode(data.draw(anything))

    try:
        record = decode(raw)
    except errors.PayloadError as error:
        where = error.path
    else:
        where = "$"
        assert record.number
        assert rule is None or is_right(rule(record))
    assert where.startswith("$")


@pytest.mark.parametrize("kind", Kind)
@given(st.binary(max_size=40) | ANYTHING.map(msgspec.json.encode))
def test_any_bytes_are_a_record_or_a_payload_error(kind: Kind, raw: bytes) -> None:
    _, decode, _ = JSON[kind]

    try:
        told = decode(raw).number
    except errors.PayloadError as error:
        told = error.detail

    assert told
