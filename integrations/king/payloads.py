"""King's JSON → our records, and our orders → King's JSON. Names come only from `names.py`."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from integrations import notation, shapes
from integrations.king import limits, names, records
from integrations.king.records import Kind

SYSTEM = "king"
Record = TypeVar("Record", bound=msgspec.Struct)

# A body holds what King accepts: text, whole numbers, decimals and dates.
Value = str | int | Decimal | datetime.date
Body = dict[str, Value]

_MOST_DIGITS = 18  # every JSON reader accepts a whole number of this length
_encoder = msgspec.json.Encoder(decimal_format="number")


def _warehouse_number(value: object) -> str:
    return notation.canonical_number(shapes.text(value).strip())


_CONTACT_PERSON = shapes.Shape(records.ContactPerson, names.CONTACT_PERSON, key="number")
_DELIVERY_ADDRESS = shapes.Shape(records.DeliveryAddress, names.DELIVERY_ADDRESS, key="number")
_ORDER_LINE = shapes.Shape(records.OrderLine, names.ORDER_LINE, key="line_id", readers={"warehouse": _warehouse_number})


class OrderMarks(msgspec.Struct, frozen=True, kw_only=True):
    """What distinguishes one order from another."""

    number: str
    external_number: str = ""


class _NumberOnly(msgspec.Struct, frozen=True, kw_only=True):
    number: str


def _shape(kind: Kind, record: type[Record], table: Mapping[str, str], **how: Any) -> shapes.Shape[Record]:
    return shapes.Shape(record, table, key="number", system=SYSTEM, operation=names.READ[kind], **how)


# Each decodes a record from its JSON. Raises PayloadError, whose path says where.
debtor = _shape(
    Kind.DEBTOR,
    records.Debtor,
    names.DEBTOR,
    rows={"contact_persons": _CONTACT_PERSON, "delivery_addresses": _DELIVERY_ADDRESS},
).read
article = _shape(Kind.ARTICLE, records.Article, names.ARTICLE, is_numerous=True).read
rate = _shape(Kind.RATE, records.Rate, names.RATE).read
warehouse = _shape(Kind.WAREHOUSE, records.Warehouse, names.WAREHOUSE, readers={"number": _warehouse_number}).read
order = _shape(
    Kind.ORDER, records.Order, names.ORDER, readers={"warehouse": _warehouse_number}, rows={"lines": _ORDER_LINE}
).read
order_marks = _shape(
    Kind.ORDER, OrderMarks, {name: names.ORDER[name] for name in ("number", "external_number")}
).read  # without reading the rest

_NUMBER_ONLY = {
    kind: _shape(
        kind,
        _NumberOnly,
        {"number": names.NUMBER[kind]},
        readers={"number": _warehouse_number} if kind is Kind.WAREHOUSE else None,
    )
    for kind in Kind
}


def number(kind: Kind, raw: bytes | msgspec.Raw) -> str:
    """Return the number of a record without reading the rest. Raises PayloadError."""
    return _NUMBER_ONLY[kind].read(raw).number


def encoded(body: Mapping[str, Value]) -> bytes:
    """Encode a body: decimals become JSON numbers with exactly the digits that they have."""
    return _encoder.encode({name: _plain(value) for name, value in body.items()})


def number_value(text: str) -> str | int:
    """Return a record number as King wants it: whole numbers as int, everything else as text."""
    return int(text) if is_whole_number(text) else text


def is_whole_number(text: str) -> bool:
    """Return whether a number survives being sent as one: only digits, not too many, no leading zero."""
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and (text == "0" or text[0] != "0")


def is_order_number(text: str) -> bool:
    """Return whether King may have an order of this number: a whole number of at most ten digits."""
    return is_whole_number(text) and len(text) <= limits.ORDER_NUMBER_DIGITS


def new_order(order: records.NewOrder) -> Body:
    """Return the body of Order_Toevoegen; "" and None are not sent."""
    body = _body(order, names.ORDER)
    if order.pick_list is not None:
        body[names.PICK_LIST] = names.ON_PICK_LIST if order.pick_list else names.NOT_ON_PICK_LIST
    return body


def new_line(line: records.NewLine) -> Body:
    """Return the line's part of the body of Order_OrderRegel_Toevoegen; "" and None are not sent."""
    return _body(line, names.ORDER_LINE)


def line_change(change: records.LineChange) -> Body:
    """Return the line's part of the body of Order_OrderRegel_Wijzigen; only None is not sent."""
    return _body(change, names.ORDER_LINE, nothing=(None,))


_AS_NUMBER: dict[str, Callable[[str], str | int]] = {
    "debtor_number": number_value,
    "warehouse": lambda text: number_value(notation.canonical_number(text)),
}


def _body(values: msgspec.Struct, table: Mapping[str, str], *, nothing: tuple[object, ...] = (None, "")) -> Body:
    given = {field: getattr(values, field) for field in values.__struct_fields__ if field in table}
    return {
        table[field]: _AS_NUMBER[field](value) if field in _AS_NUMBER else value
        for field, value in given.items()
        if value not in nothing
    }


def _plain(value: Value) -> Value:
    """Return a decimal without exponent: not every JSON reader expects 1E+2. Raises ValueError for NaN and infinity."""
    if not isinstance(value, Decimal):
        return value
    if not value.is_finite():
        raise ValueError("not a finite number")
    return Decimal(f"{value:f}")
