"""Open King order → OutSmart work order, so that the export later updates that same order."""

from __future__ import annotations

import msgspec

from integrations import notation
from integrations.king.records import Debtor, LineKind, Order, OrderLine
from integrations.outsmart.records import Material, NewMaterial, NewWorkOrder
from kingsync.rules import matching
from kingsync.rules.customers import NO_STREET
from kingsync.rules.mapping import Orders
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import Content
from kingsync.rules.records import one_line

OURS = "OS-"
NO_PRICE = "0.00"


class LinkedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A material made from a line of King's, and how the export finds it again."""

    king_line_id: str
    key: str
    content: Content
    material: NewMaterial


class NewWork(msgspec.Struct, frozen=True, kw_only=True):
    """The work order to post, with the King lines that its materials are."""

    work_order: NewWorkOrder
    lines: tuple[LinkedLine, ...]


def reason_to_leave(order: Order, choices: Orders) -> Reason | None:
    """Return why an order does not become a work order: our export made it, or it is too old."""
    if order.external_number.startswith(OURS):
        return reason("made_by_export")
    if choices.from_date and order.order_date and order.order_date < choices.from_date:
        return reason("order_before_from_date", date=order.order_date.isoformat())
    return None


def from_order(order: Order, customer: Debtor, invoice: Debtor, choices: Orders) -> NewWork | Reason:
    """Return the work order with defaults for what OutSmart requires and King leaves empty, or what is missing."""
    missing = [*_missing(customer), *(f"invoice {name}" for name in _missing(invoice))]
    if missing:
        return reason("missing_fields", fields=", ".join(dict.fromkeys(missing)))
    lines = linked_lines(order) if choices.materials else ()
    contact = _contact(order, customer)
    work_order = NewWorkOrder(
        king_order_number=order.number,
        customer_name=_name(customer),
        customer_debtor_number=customer.number,
        customer_street=customer.street.strip() or NO_STREET,
        customer_house_number=customer.house_number,
        customer_postal_code=customer.postal_code,
        customer_city=customer.city,
        customer_phone=customer.phone,
        customer_email=customer.email,
        contact_person=contact,
        invoice_customer_name=_name(invoice),
        invoice_debtor_number=invoice.number,
        invoice_street=invoice.street.strip() or NO_STREET,
        invoice_house_number=invoice.house_number,
        invoice_postal_code=invoice.postal_code,
        invoice_city=invoice.city,
        invoice_contact_person=_name(invoice),
        type_of_work=choices.type_of_work,
        payment_method=choices.payment_method,
        work_status=choices.work_status,
        short_work_description=order.reference,
        internal_work_description=order.remark,
        work_deadline=notation.write_date(order.delivery_date) if order.delivery_date else "",
        materials=tuple(line.material for line in lines),
    )
    return NewWork(work_order=work_order, lines=lines)


def _missing(debtor: Debtor) -> list[str]:
    needed = {"name": _name(debtor), "postal_code": debtor.postal_code, "city": debtor.city}
    return [field for field, value in needed.items() if not value.strip()]


def _name(debtor: Debtor) -> str:
    return one_line(debtor.name, debtor.name2) or debtor.search_code


def _contact(order: Order, customer: Debtor) -> str:
    """Return the order's contact person; OutSmart requires one, so else the customer's own name."""
    named = {person.number: person.name for person in customer.contact_persons}
    return named.get(order.contact_person_number, "").strip() or _name(customer)


def linked_lines(order: Order) -> tuple[LinkedLine, ...]:
    """Return the article lines as materials, each with the King line that it is."""
    keys = matching.Keys()
    articles = [line for line in order.lines if line.kind == LineKind.ARTICLE and line.article_number]
    return tuple(_linked(keys, place, line) for place, line in enumerate(articles, 1))


def _linked(keys: matching.Keys, place: int, line: OrderLine) -> LinkedLine:
    row = Material(position=place, code=line.article_number, warehouse=line.warehouse)
    material = NewMaterial(
        code=line.article_number,
        name=line.description or line.article_number,
        quantity=f"{line.quantity or 0:f}",
        price=NO_PRICE if line.price is None else notation.write_decimal(line.price),
        warehouse=line.warehouse,
    )
    content = Content(
        kind=LineKind.ARTICLE, article=line.article_number, quantity=line.quantity, warehouse=line.warehouse
    )
    return LinkedLine(king_line_id=line.line_id, key=keys.material(row), content=content, material=material)
