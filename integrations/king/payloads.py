"""King's JSON → our records, and our orders → King's JSON. Names come only from `names.py`."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from integrations import notation, shapes
from integrations.king import limits, names, records
from integrations.king.records import Kind

SYSTEM = "king"

# A body holds what King accepts: text, whole numbers, decimals and dates.
Value = str | int | Decimal | datetime.date
Body = dict[str, Value]

_MOST_DIGITS = 18  # every JSON reader accepts a whole number of this length
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
    """What distinguishes one order from another."""

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
    """Decode a debtor from its JSON. Raises PayloadError, whose path says where."""
    return _DEBTOR.read(raw, system=SYSTEM, operation=names.READ[Kind.DEBTOR])


def article(raw: bytes | msgspec.Raw) -> records.Article:
    """Decode an article from its JSON. Raises PayloadError, whose path says where."""
    return _ARTICLE.read(raw, system=SYSTEM, operation=names.READ[Kind.ARTICLE])


def rate(raw: bytes | msgspec.Raw) -> records.Rate:
    """Decode a rate from its JSON. Raises PayloadError, whose path says where."""
    return _RATE.read(raw, system=SYSTEM, operation=names.READ[Kind.RATE])


def warehouse(raw: bytes | msgspec.Raw) -> records.Warehouse:
    """Decode a warehouse from its JSON. Raises PayloadError, whose path says where."""
    return _WAREHOUSE.read(raw, system=SYSTEM, operation=names.READ[Kind.WAREHOUSE])


def order(raw: bytes | msgspec.Raw) -> records.Order:
    """Decode an order from its JSON. Raises PayloadError, whose path says where."""
    return _ORDER.read(raw, system=SYSTEM, operation=names.READ[Kind.ORDER])


def order_marks(raw: bytes | msgspec.Raw) -> OrderMarks:
    """Return an order's number and external number without reading the rest. Raises PayloadError."""
    return _ORDER_MARKS.read(raw, system=SYSTEM, operation=names.READ[Kind.ORDER])


def number(kind: Kind, raw: bytes | msgspec.Raw) -> str:
    """Return the number of a record without reading the rest. Raises PayloadError."""
    return _NUMBER_ONLY[kind].read(raw, system=SYSTEM, operation=names.READ[kind]).number


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
