"""One record of an XML file → the JSON that King's read gateway would return for it.

Contents are written in King's JSON notation where possible; the rest is passed on as text, so that `payloads`
refuses that record with the same words as it would for the gateway.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from integrations import notation
from integrations.king import names
from integrations.king.records import Kind, LineKind
from integrations.king.xml import names as xml_names
from integrations.king.xml.names import Form, Table
from integrations.king.xml.nodes import Node

Value = str | int | Decimal
Body = dict[str, object]

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T.*|Z|[+-][0-9]{2}:[0-9]{2})?")
_LONGEST_NUMBER = 30
_FLAGS = {"true": 1, "1": 1, "false": 0, "0": 0}

_encoder = msgspec.json.Encoder(decimal_format="number")


class Record(msgspec.Struct, frozen=True):
    """The number of a record ("" where the file gives none) and its JSON."""

    number: str
    raw: bytes


def records(kind: Kind, node: Node) -> list[Record]:
    """Return the records that one element holds: none, one, or the warehouses of a stock element."""
    if node.is_deleted:
        return []
    key = names.NUMBER[kind]
    return [Record(str(body.get(key, "")), _encoder.encode(body)) for body in _BODIES[kind](node) if body]


def _debtor(node: Node) -> list[Body]:
    own = _fields(node, xml_names.DEBTOR)
    address = next((found for name in xml_names.ADDRESSES if (found := node.find(name)) and not found.is_empty()), None)
    if address:
        own |= _fields(address, xml_names.ADDRESS)
    own["contact_persons"] = [_contact(each) for each in node.all(xml_names.CONTACT_PERSONS)]
    own["delivery_addresses"] = [
        _named(_fields(each, xml_names.DELIVERY_ADDRESS), names.DELIVERY_ADDRESS)
        for each in node.all(xml_names.DELIVERY_ADDRESSES)
    ]
    return [_named(own, names.DEBTOR)]


def _contact(node: Node) -> Body:
    values = _fields(node, xml_names.CONTACT_PERSON)
    if "name" not in values:
        parts = [node.value(*alternatives).strip() for alternatives in xml_names.NAME_PARTS]
        values["name"] = " ".join(filter(None, parts))
    return _named(values, names.CONTACT_PERSON)


def _article(node: Node) -> list[Body]:
    values = _fields(node, xml_names.ARTICLE)
    values["description"] = _dutch(node)
    values["ean_code"] = _ean_code(node) or values.get("ean_code", "")
    return [_named(values, names.ARTICLE)]


def _dutch(node: Node) -> str:
    """Return the description in Dutch, else the first in any language."""
    texts = list(node.all(xml_names.LANGUAGE_TEXTS))
    dutch = [each for each in texts if each.value(xml_names.LANGUAGE).strip().upper() in xml_names.DUTCH]
    return next(filter(None, (each.value(xml_names.LANGUAGE_TEXT) for each in (*dutch, *texts))), "")


def _ean_code(node: Node) -> str:
    """Return the default EAN code, else the first."""
    codes = list(node.all(xml_names.EAN_CODES))
    usual = [each for each in codes if _written(Form.FLAG, each.value(xml_names.EAN_IS_DEFAULT)) == 1]
    return next(filter(None, (each.value(xml_names.EAN_CODE) for each in (*usual, *codes))), "")


def _rate(node: Node) -> list[Body]:
    return [_named(_fields(node, xml_names.RATE), names.RATE)]


def _warehouses(node: Node) -> list[Body]:
    return [_named(_fields(each, xml_names.WAREHOUSE), names.WAREHOUSE) for each in node.all(xml_names.WAREHOUSES)]


def _order(node: Node) -> list[Body]:
    header = node.find(xml_names.ORDER_HEADER) or node
    values = _fields(header, xml_names.ORDER)
    includes_vat = header.value(xml_names.PRICES_IN).strip().upper() == xml_names.INCLUDING_VAT
    lines = [line for line in node.all(xml_names.ORDER_LINES) if not line.is_empty()]
    values["lines"] = [_line(line, place, includes_vat=includes_vat) for place, line in enumerate(lines, 1)]
    return [_named(values, names.ORDER)]


def _line(node: Node, place: int, *, includes_vat: bool) -> Body:
    values = {"position": place, **_fields(node, xml_names.ORDER_LINE)}
    if includes_vat:
        values.pop("price", None)
    if "description" not in values and values.get("kind") != LineKind.TEXT:
        values["description"] = next(iter(str(values.get("text", "")).strip().splitlines()), "")
    return _named(values, names.ORDER_LINE)


def _fields(node: Node, table: Table) -> Body:
    """Return the non-empty fields of a table."""
    found = ((ours, field.form, node.value(*field.paths)) for ours, field in table.items())
    return {ours: _written(form, text) for ours, form, text in found if text}


def _named(values: Body, table: Mapping[str, str]) -> Body:
    """Return values under King's names, always in the same order; {} when there are none."""
    return {kings: values[ours] for ours, kings in table.items() if values.get(ours) not in (None, "", [])}


def _written(form: Form, text: str) -> Value:
    """Return a text in King's JSON notation, or unchanged where it does not have that form."""
    if form is Form.TEXT:
        return text
    stripped = text.strip()
    if form is Form.WHOLE:
        return int(stripped) if _WHOLE.fullmatch(stripped) else stripped
    if form is Form.FLAG:
        return _FLAGS.get(stripped.casefold(), stripped)
    if form is Form.DAY:
        found = _DAY.fullmatch(stripped)
        return found.group(1) if found else stripped
    return _number(stripped)


def _number(text: str) -> Value:
    """Return a number without trailing zeros: King's database pads them, the gateway does not."""
    try:
        number = notation.parse_decimal(text) if len(text) <= _LONGEST_NUMBER else None
    except ValueError:
        number = None
    if number is None:
        return text
    plain = f"{number:f}"
    return Decimal(plain.rstrip("0").rstrip(".") if "." in plain else plain)


_BODIES: Mapping[Kind, Callable[[Node], list[Body]]] = {
    Kind.DEBTOR: _debtor,
    Kind.ARTICLE: _article,
    Kind.RATE: _rate,
    Kind.WAREHOUSE: _warehouses,
    Kind.ORDER: _order,
}
