"""How King's order now differs from the work order made from it: field by field, and line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import msgspec

from integrations.king.records import Order
from integrations.outsmart.records import Material, NewMaterial, NewWorkOrder
from kingsync.rules import matching
from kingsync.rules.imports.imported_orders import OURS, NewWork
from kingsync.rules.imports.records import one_line

NOTHING = "-"
# Field of the work order → its message code in `kingsync.messages.reason_texts`.
_OF_THE_ORDER = (
    ("customer_debtor_number", "debtor"),
    ("invoice_debtor_number", "invoice_debtor"),
    ("short_work_description", "reference"),
    ("internal_work_description", "remark"),
    ("work_deadline", "delivery_date"),
)
_ADDRESS = ("customer_street", "customer_house_number", "customer_postal_code", "customer_city")
_TEXTS_OF_A_LINE = (("code", "article"), ("name", "description"), ("warehouse", "warehouse"))


class Difference(msgspec.Struct, frozen=True):
    """One difference: `field` is a word, or `line <article>`, or `line <article>: <word>`."""

    field: str
    sent: str
    king: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison has enough data for.

    `line_ids` is King's line by the key of the material made from it. `is_customer_known`: whether contact person and
    address can be compared; `has_lines`: whether lines that King added should have become materials.
    """

    line_ids: Mapping[str, str]
    is_customer_known: bool
    has_lines: bool


def without_ours(order: Order, outsmart_ids: Iterable[str]) -> Order:
    """Return the order without the lines that the export of these work orders added."""
    forms = [matching.form_of_references(f"{OURS}{each}") for each in outsmart_ids]
    theirs = tuple(line for line in order.lines if not any(form.fullmatch(line.reference) for form in forms))
    return msgspec.structs.replace(order, lines=theirs)


def between(sent: NewWorkOrder, now: NewWork, known: Known) -> list[Difference]:
    """Return what King says differently from the work order as it was posted; empty when nothing differs."""
    return [*_header(sent, now.work_order, known), *_lines(sent, now, known)]


def _header(sent: NewWorkOrder, now: NewWorkOrder, known: Known) -> Iterator[Difference]:
    for field, word in _OF_THE_ORDER:
        yield from _described(word, getattr(sent, field), getattr(now, field))
    if known.is_customer_known:
        yield from _described("contact_person", sent.contact_person, now.contact_person)
        yield from _described("address", _address(sent), _address(now))


def _address(of: NewWorkOrder) -> str:
    # As one text: the split between street and number depends on how it was written.
    return one_line(*(getattr(of, field) for field in _ADDRESS))


def _lines(sent: NewWorkOrder, now: NewWork, known: Known) -> Iterator[Difference]:
    before = _sent_lines(sent, known.line_ids)
    after = {line.king_line_id: line.material for line in now.lines}
    for king_line_id, material in before.items():
        if king_line_id in after:
            yield from _line(material, after[king_line_id])
        else:
            yield Difference(f"line {material.code}", material.quantity, NOTHING)
    if known.has_lines:
        added = (material for king_line_id, material in after.items() if king_line_id not in before)
        yield from (Difference(f"line {material.code}", NOTHING, material.quantity) for material in added)


def _sent_lines(sent: NewWorkOrder, line_ids: Mapping[str, str]) -> dict[str, NewMaterial]:
    """Return the materials as posted, by the King line that each was made from."""
    keys = matching.Keys()
    found = {}
    for place, material in enumerate(sent.materials, 1):
        key = keys.material(Material(position=place, code=material.code, warehouse=material.warehouse))
        if key in line_ids:
            found[line_ids[key]] = material
    return found


def _line(before: NewMaterial, after: NewMaterial) -> Iterator[Difference]:
    name = f"line {before.code}"
    if not _same_number(before.quantity, after.quantity):
        yield Difference(name, before.quantity, after.quantity)
    if not _same_number(before.price, after.price):
        yield Difference(f"{name}: price", before.price, after.price)
    for field, word in _TEXTS_OF_A_LINE:
        yield from _described(f"{name}: {word}", getattr(before, field), getattr(after, field))


def _described(field: str, before: str, after: str) -> Iterator[Difference]:
    if before.strip() != after.strip():
        yield Difference(field, before or NOTHING, after or NOTHING)


def _same_number(one: str, other: str) -> bool:
    """Return True for numbers of equal value: King may write 4 as 4.0."""
    return Decimal(one) == Decimal(other)
