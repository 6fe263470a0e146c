"""The customers that orders name: from what the import of customers sent, else from King itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

import msgspec

from integrations import errors
from integrations.king import payloads
from integrations.king.reader import KingReader
from integrations.king.records import ContactPerson, Debtor, DeliveryAddress, Kind, Order
from integrations.outsmart import records as outsmart
from kingsync.models.import_kinds import MASTER_DATA
from kingsync.models.links import RecordKind, RecordLink
from kingsync.rules.imports.customers import SEPARATOR
from kingsync.rules.outcomes import Reason, reason

T = TypeVar("T")


class Customers:
    """Looks up the customers of one page of orders at a time: a page costs one query and rarely a call."""

    def __init__(self, king: KingReader) -> None:
        self._king = king
        self._sent: dict[tuple[str, str], str] = {}
        # King's own answers are kept for the whole run: each costs a call.
        self._asked: dict[str, Debtor | Reason] = {}

    def prepare(self, orders: Iterable[Order]) -> None:
        """Prefetch what was sent of all customers that these orders name."""
        wanted = {each for order in orders for each in _named_by(order)}
        found = RecordLink.objects.filter(
            kind__in=MASTER_DATA["customers"].posted,
            king_id__in={king_id for _, king_id in wanted},
            state=RecordLink.State.LINKED,
        ).exclude(sent="")
        rows = found.values_list("kind", "king_id", "sent")
        self._sent = {(kind, king_id): sent for kind, king_id, sent in rows if (kind, king_id) in wanted}

    def of(self, order: Order) -> tuple[Debtor, Debtor] | Reason:
        """Return who the work is for and who pays, or why one of them is unknown."""
        customer = self._customer(order)
        if isinstance(customer, Reason):
            return customer
        payer = order.invoice_debtor_number
        if not payer or payer == order.debtor_number:
            return customer, customer
        invoice = self._debtor(payer)
        return invoice if isinstance(invoice, Reason) else (customer, invoice)

    def _customer(self, order: Order) -> Debtor | Reason:
        """Return the customer with the contact person and the delivery address that the order names."""
        customer = self._debtor(order.debtor_number)
        if isinstance(customer, Reason) or self._is_asked(order.debtor_number):
            return customer
        persons, addresses = self._persons(order), self._addresses(order)
        is_whole = not (
            _lacks(order.contact_person_number, persons) or _lacks(order.delivery_address_number, addresses)
        )
        if not is_whole and self._king.can_look_up:
            asked = self._from_king(order.debtor_number)
            if isinstance(asked, Debtor):
                return asked
        return msgspec.structs.replace(customer, contact_persons=persons, delivery_addresses=addresses)

    def _debtor(self, number: str) -> Debtor | Reason:
        sent = _read(self._sent.get((RecordKind.CUSTOMER, number)), outsmart.Relation)
        if sent is None or self._is_asked(number):
            return self._from_king(number)
        return Debtor(
            number=number,
            name=sent.name,
            street=sent.street,
            house_number=sent.house_number,
            postal_code=sent.postal_code,
            city=sent.city,
            phone=sent.phone_number,
            email=sent.email,
        )

    def _persons(self, order: Order) -> tuple[ContactPerson, ...]:
        number = order.contact_person_number
        sent = _read(self._sent.get((RecordKind.CONTACT_PERSON, _code(order, number))), outsmart.ContactPerson)
        return (ContactPerson(number=number, name=sent.cpn_name),) if sent else ()

    def _addresses(self, order: Order) -> tuple[DeliveryAddress, ...]:
        number = order.delivery_address_number
        sent = _read(self._sent.get((RecordKind.ADDRESS, _code(order, number))), outsmart.Address)
        if sent is None:
            return ()
        return (DeliveryAddress(number=number, street=sent.adr_line_1, postal_code=sent.adr_zip, city=sent.adr_city),)

    def _is_asked(self, number: str) -> bool:
        return isinstance(self._asked.get(number), Debtor)

    def _from_king(self, number: str) -> Debtor | Reason:
        if number not in self._asked:
            self._asked[number] = self._look_up(number)
        return self._asked[number]

    def _look_up(self, number: str) -> Debtor | Reason:
        if not self._king.can_look_up:
            return reason("customer_not_imported", debtor=number)
        raw = self._king.find_record(Kind.DEBTOR, number)
        if raw is None:
            return reason("unknown_debtor", debtor=number)
        try:
            return payloads.debtor(raw)
        except errors.PayloadError as error:
            return reason("unreadable_customer", debtor=number, detail=error.detail or error.path)


def _named_by(order: Order) -> Iterator[tuple[str, str]]:
    """Return the records of customers that an order names: their RecordKind and King number."""
    yield RecordKind.CUSTOMER, order.debtor_number
    yield RecordKind.CUSTOMER, order.invoice_debtor_number
    yield RecordKind.CONTACT_PERSON, _code(order, order.contact_person_number)
    yield RecordKind.ADDRESS, _code(order, order.delivery_address_number)


def _code(order: Order, number: str) -> str:
    return f"{order.debtor_number}{SEPARATOR}{number}"


def _lacks(number: str, found: Sized) -> bool:
    return bool(number) and not found


def _read(sent: str | None, form: type[T]) -> T | None:
    """Return what was posted; None for nothing, or for a row in an obsolete format."""
    try:
        return msgspec.json.decode(sent, type=form) if sent else None
    except msgspec.DecodeError:
        return None
