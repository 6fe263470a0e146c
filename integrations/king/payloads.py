"""King's JSON → our records, and our orders → King's JSON. Names come from `names.py` only."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from integrations import notation, shapes
from integrations.king import limits, names, records
from integrations.king.records import Kind

SYSTEM = "king"

# A body holds what King can take: text, whole numbers, decimals and dates.
Value = str | int | Decimal | datetime.date
Body = dict[str, Value]

_MOST_DIGITS = 18  # what every reader of JSON takes as a whole number
_encoder = msgspec.json.Encoder(decimal_format="number")


def _warehouse_number(value: object) -> str:
    return notation.canonical_number(shapes.text(value).strip())


_CONTACT_PERSON = shapes.Shape(records.ContactPerson, names.CONTACT_PERSON, key="number")
_DELIVERY_ADDRESS = shapes.Shape(records.DeliveryAddress, names.DELIVERY_ADDRESS, key="number")
_DEBTOR = shapes.Shape(
    records.Debtor,
    names.DEBTOR,
    key="number",
    rows={"contact_persons": _CONTACT_PERSON, "delivery_addresses": _DELIVERY_ADDRESS},
)
_ARTICLE = shapes.Shape(records.Article, names.ARTICLE, key="number")
_RATE = shapes.Shape(records.Rate, names.RATE, key="number")
_WAREHOUSE = shapes.Shape(records.Warehouse, names.WAREHOUSE, key="number", readers={"number": _warehouse_number})
_ORDER_LINE = shapes.Shape(records.OrderLine, names.ORDER_LINE, key="line_id", readers={"warehouse": _warehouse_number})
_ORDER = shapes.Shape(
    records.Order, names.ORDER, key="number", readers={"warehouse": _warehouse_number}, rows={"lines": _ORDER_LINE}
)


class OrderMarks(msgspec.Struct, frozen=True, kw_only=True):
    """What tells one order from another."""

    number: str
    external_number: str = ""


_ORDER_MARKS = shapes.Shape(
    OrderMarks, {name: names.ORDER[name] for name in ("number", "external_number")}, key="number"
)


class _NumberOnly(msgspec.Struct, frozen=True, kw_only=True):
    number: str


_NUMBER_ONLY = {
    kind: shapes.Shape(
        _NumberOnly,
        {"number": names.NUMBER[kind]},
        key="number",
        readers={"number": _warehouse_number} if kind is Kind.WAREHOUSE else None,
    )
    for kind in Kind
}


def debtor(raw: bytes | msgspec.Raw) -> records.Debtor:
    """This function will make a debtor of its JSON. Raises PayloadError, whose path says where."""
    return _DEBTOR.read(raw, system=SYSTEM, operation=names.READ[Kind.DEBTOR])


def article(raw: bytes | msgspec.Raw) -> records.Article:
    """This function will make an article of its JSON. Raises PayloadError, whose path says where."""
    return _ARTICLE.read(raw, system=SYSTEM, operation=names.READ[Kind.ARTICLE])


def rate(raw: bytes | msgspec.Raw) -> records.Rate:
    """This function will make a rate of its JSON. Raises PayloadError, whose path says where."""
    return _RATE.read(raw, system=SYSTEM, operation=names.READ[Kind.RATE])


def warehouse(raw: bytes | msgspec.Raw) -> records.Warehouse:
    """This function will make a warehouse of its JSON. Raises PayloadError, whose path says where."""
    return _WAREHOUSE.read(raw, system=SYSTEM, operation=names.READ[Kind.WAREHOUSE])


def order(raw: bytes | msgspec.Raw) -> records.Order:
    """This function will make an order of its JSON. Raises PayloadError, whose path says where."""
    return _ORDER.read(raw, system=SYSTEM, operation=names.READ[Kind.ORDER])


def order_marks(raw: bytes | msgspec.Raw) -> OrderMarks:
    """Return the number of an order and its external one without reading the rest. Raises PayloadError."""
    return _ORDER_MARKS.read(raw, system=SYSTEM, operation=names.READ[Kind.ORDER])


def number(kind: Kind, raw: bytes | msgspec.Raw) -> str:
    """This function will find the number of a record without reading the rest. Raises PayloadError."""
    return _NUMBER_ONLY[kind].read(raw, system=SYSTEM, operation=names.READ[kind]).number


def encoded(body: Mapping[str, Value]) -> bytes:
    """This function will write a body: decimals as JSON numbers with exactly the digits that they have."""
    return _encoder.encode({name: _plain(value) for name, value in body.items()})


def number_value(text: str) -> str | int:
    """This function will give a record number as King wants it: whole numbers as such, all other text as text."""
    return int(text) if is_whole_number(text) else text


def is_whole_number(text: str) -> bool:
    """This function will tell whether a number survives being sent as one: digits, few, and no leading zero."""
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and (text == "0" or text[0] != "0")


def is_order_number(text: str) -> bool:
    """Tell whether King may have an order of this number: a whole one of at most ten digits."""
    return is_whole_number(text) and len(text) <= limits.ORDER_NUMBER_DIGITS


def new_order(order: records.NewOrder) -> Body:
    """This function will make the body of Order_Toevoegen; "" and None are not sent."""
    body = _body(order, names.ORDER)
    if order.pick_list is not None:
        body[names.PICK_LIST] = names.ON_PICK_LIST if order.pick_list else names.NOT_ON_PICK_LIST
    return body


def new_line(line: records.NewLine) -> Body:
    """This function will make the line's part of the body of Order_OrderRegel_Toevoegen; "" and None are not sent."""
    return _body(line, names.ORDER_LINE)


def line_change(change: records.LineChange) -> Body:
    """This function will make the line's part of the body of Order_OrderRegel_Wijzigen; only None is not sent."""
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
    """1E+2 is a JSON number too, but not one that every reader expects. Raises ValueError for NaN."""
    if not isinstance(value, Decimal):
        return value
    if not value.is_finite():
        raise ValueError("not a finite number")
    return Decimal(f"{value:f}")
