"""Open King order → OutSmart work order, so that the export later updates that same order."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from integrations import notation
from integrations.king.records import Debtor, LineKind, Order, OrderLine
from integrations.outsmart import records as outsmart
from integrations.outsmart.records import Material, NewMaterial, NewWorkOrder
from kingsync.rules import matching
from kingsync.rules.imports.customers import NO_STREET
from kingsync.rules.imports.records import LONGEST_NUMBER, one_line
from kingsync.rules.mapping import Orders
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import Content

OURS = "OS-"
NO_PRICE = "0.00"
# A bare "0" counts as empty in the language that OutSmart is written in.
NO_QUANTITY = "0.00"
_DEFAULTS = Orders()
_LONG_TEXTS = frozenset({"internal_work_description"})


class LinkedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A material made from a line of King's, and how the export recognises it."""

    king_line_id: str
    key: str
    content: Content
    material: NewMaterial


class NewWork(msgspec.Struct, frozen=True, kw_only=True):
    """The work order to post, with the King lines that its materials come from."""

    work_order: NewWorkOrder
    lines: tuple[LinkedLine, ...]


class _Place(msgspec.Struct, frozen=True):
    """Where the work is: the order's delivery address, else the customer's own."""

    street: str
    house_number: str
    postal_code: str
    city: str


def reason_to_leave(order: Order, choices: Orders) -> Reason | None:
    """Return why an order does not become a work order: our export made it, or it is too old."""
    if order.external_number.startswith(OURS):
        return reason("made_by_export")
    if choices.from_date and order.order_date and order.order_date < choices.from_date:
        return reason("order_before_from_date", date=order.order_date.isoformat())
    return None


def from_order(order: Order, customer: Debtor, invoice: Debtor, choices: Orders) -> NewWork | Reason:
    """Return the work order, with defaults for what OutSmart requires and King leaves empty, or why there is none."""
    if _named_place(order, customer) is None and order.delivery_address_number:
        return reason("unknown_address", address=order.delivery_address_number, debtor=customer.number)
    work = drafted(order, customer, invoice, choices)
    missing = [*_missing(order, customer), *(f"invoice {name}" for name in _missing_of(invoice))]
    if missing:
        return reason("missing_fields", fields=", ".join(dict.fromkeys(missing)))
    return next(_too_long(work), work)


def drafted(order: Order, customer: Debtor, invoice: Debtor, choices: Orders) -> NewWork:
    """Return the work order built from the two records, whether or not OutSmart would accept it."""
    lines = linked_lines(order) if choices.materials else ()
    place = _named_place(order, customer) or _own_place(customer)
    own = _own_place(invoice)
    work_order = NewWorkOrder(
        king_order_number=order.number,
        customer_name=_name(customer),
        customer_debtor_number=customer.number,
        customer_street=place.street or NO_STREET,
        customer_house_number=place.house_number,
        customer_postal_code=place.postal_code,
        customer_city=place.city,
        customer_phone=one_line(customer.phone),
        customer_email=one_line(customer.email),
        contact_person=_contact(order, customer),
        invoice_customer_name=_name(invoice),
        invoice_debtor_number=invoice.number,
        invoice_street=own.street or NO_STREET,
        invoice_house_number=own.house_number,
        invoice_postal_code=own.postal_code,
        invoice_city=own.city,
        invoice_contact_person=_name(invoice),
        type_of_work=choices.type_of_work.strip() or _DEFAULTS.type_of_work,
        payment_method=choices.payment_method.strip() or _DEFAULTS.payment_method,
        work_status=choices.work_status.strip(),
        short_work_description=one_line(order.reference),
        internal_work_description=_for_the_engineer(order),
        work_deadline=notation.write_date(order.delivery_date) if order.delivery_date else "",
        materials=tuple(line.material for line in lines),
    )
    return NewWork(work_order=work_order, lines=lines)


# --- Customer and place -----------------------------------------------------------------------------------------------


def _missing(order: Order, customer: Debtor) -> Iterator[str]:
    if not order.number.strip():
        yield "number"
    yield from _missing_of(customer, is_elsewhere=bool(order.delivery_address_number))
    place = _named_place(order, customer)
    if place:
        needed = {"street": place.street, "postal_code": place.postal_code, "city": place.city}
        yield from (f"delivery address {field}" for field, value in needed.items() if not value)


def _missing_of(debtor: Debtor, *, is_elsewhere: bool = False) -> Iterator[str]:
    needed = {"debtor_number": debtor.number, "name": _name(debtor)}
    if not is_elsewhere:
        needed |= {"postal_code": debtor.postal_code, "city": debtor.city}
    return (field for field, value in needed.items() if not value.strip())


def _name(debtor: Debtor) -> str:
    return one_line(debtor.name, debtor.name2) or one_line(debtor.search_code)


def _own_place(debtor: Debtor) -> _Place:
    return _Place(
        one_line(debtor.street), one_line(debtor.house_number), one_line(debtor.postal_code), one_line(debtor.city)
    )


def _named_place(order: Order, customer: Debtor) -> _Place | None:
    """Return the delivery address that the order names; None when it names none, or an unknown one."""
    for address in customer.delivery_addresses:
        if order.delivery_address_number and address.number == order.delivery_address_number:
            return _Place(
                one_line(address.street),
                one_line(address.house_number),
                one_line(address.postal_code),
                one_line(address.city),
            )
    return None


def _contact(order: Order, customer: Debtor) -> str:
    """Return the order's contact person, else the customer's own name: OutSmart requires one."""
    named = {person.number: one_line(person.name) for person in customer.contact_persons}
    return named.get(order.contact_person_number) or _name(customer)


def _for_the_engineer(order: Order) -> str:
    """Return the remark and the text lines. Not the work description: the export would send that back as text."""
    texts = (line.text or line.description for line in order.lines if line.kind == LineKind.TEXT)
    return "\n".join(text.strip() for text in (order.remark, *texts) if text.strip())


# --- Lines ------------------------------------------------------------------------------------------------------------


def linked_lines(order: Order) -> tuple[LinkedLine, ...]:
    """Return the article lines as materials, each with its King line; hours are those that were worked."""
    keys = matching.Keys()
    articles = [line for line in order.lines if line.kind == LineKind.ARTICLE and line.article_number.strip()]
    return tuple(_linked(keys, place, line) for place, line in enumerate(articles, 1))


def _linked(keys: matching.Keys, place: int, line: OrderLine) -> LinkedLine:
    row = Material(position=place, code=line.article_number, warehouse=line.warehouse)
    material = NewMaterial(
        code=line.article_number,
        name=one_line(line.description) or line.article_number,
        quantity=_quantity(line.quantity),
        price=NO_PRICE if line.price is None else notation.write_decimal(line.price),
        warehouse=line.warehouse,
    )
    content = Content(
        kind=LineKind.ARTICLE,
        article=line.article_number,
        quantity=line.quantity,
        price=line.price,
        warehouse=line.warehouse,
    )
    return LinkedLine(king_line_id=line.line_id, key=keys.material(row), content=content, material=material)


def _quantity(quantity: Decimal | None) -> str:
    return f"{quantity:f}" if quantity else NO_QUANTITY


# --- What OutSmart accepts --------------------------------------------------------------------------------------------


def _too_long(work: NewWork) -> Iterator[Reason]:
    """Return which fields are longer than OutSmart accepts: nothing is cut silently."""
    if len(work.work_order.king_order_number) > LONGEST_NUMBER:
        yield _over("number", len(work.work_order.king_order_number), LONGEST_NUMBER)
    yield from _long_texts(work.work_order)
    for line in work.lines:
        yield from _long_texts(line.material)
        if len(line.king_line_id) > LONGEST_NUMBER:
            yield _over("line_id", len(line.king_line_id), LONGEST_NUMBER)


def _long_texts(row: msgspec.Struct) -> Iterator[Reason]:
    for field in row.__struct_fields__:
        value = getattr(row, field)
        if not isinstance(value, str):
            continue
        if field in _LONG_TEXTS:
            size = len(value.encode("utf-8", "surrogatepass"))
            if size > outsmart.LONG_LENGTH:
                yield reason("text_too_long", field=field, length=str(size), limit=str(outsmart.LONG_LENGTH))
        elif len(value) > outsmart.USUAL_LENGTH:
            yield _over(field, len(value), outsmart.USUAL_LENGTH)


def _over(field: str, length: int, limit: int) -> Reason:
    return reason("too_long", field=field, length=str(length), limit=str(limit))
