"""King debtor → OutSmart relation, contact persons and delivery addresses."""

from __future__ import annotations

from integrations.king.records import ContactPerson, Debtor, DeliveryAddress
from integrations.outsmart import records as outsmart
from kingsync.rules.imports.countries import two_letters
from kingsync.rules.imports.records import Answer, Dropped, Row, checked, one_line, refused, skipped
from kingsync.rules.mapping import Customers
from kingsync.rules.outcomes import reason

# OutSmart requires a street, but a customer with only a post-office box has none.
NO_STREET = "-"
# Separates the customer's number from that of its part; a part's number may not contain it, so that codes stay unique.
SEPARATOR = "-"


def from_debtor(debtor: Debtor, choices: Customers) -> list[Answer]:
    """Return the relation first, then its parts; only the relation's answer when the relation is not sent.

    The parts of a customer that becomes inactive are left as they are: OutSmart cannot deactivate those.
    """
    name = one_line(debtor.name, debtor.name2) or one_line(debtor.search_code)
    if debtor.is_blocked and choices.inactive == "skip":
        return [skipped("customer", debtor.number, "skipped_inactive", name=name)]
    relation = checked(_relation(debtor, name, choices))
    if isinstance(relation, Dropped) or not relation.is_active:
        return [relation]
    answers: list[Answer] = [relation]
    # When King gives a number twice it is one part: the last one counts, as it would in OutSmart.
    if choices.contact_persons:
        persons = {person.number: person for person in debtor.contact_persons}
        answers += [_contact_person(debtor, person) for person in persons.values()]
    if choices.delivery_addresses:
        addresses = {address.number: address for address in debtor.delivery_addresses}
        answers += [_address(debtor, address) for address in addresses.values()]
    return answers


def _relation(debtor: Debtor, name: str, choices: Customers) -> Row:
    is_active = not (debtor.is_blocked and choices.inactive == "deactivate")
    payload = outsmart.Relation(
        name=name,
        debtor_number=debtor.number,
        street=one_line(debtor.street) or NO_STREET,
        house_number=one_line(debtor.house_number),
        postal_code=one_line(debtor.postal_code),
        city=one_line(debtor.city),
        country=two_letters(debtor.country),
        contact=_first_contact(debtor) if choices.contact_persons else "",
        phone_number=one_line(debtor.phone),
        email=one_line(debtor.email),
        external_id=debtor.number,
        debtor_number_invoice=debtor.invoice_debtor_number,
        kvk_number=one_line(debtor.chamber_number),
        vat_number=one_line(debtor.vat_number),
        remark=debtor.remark.strip(),
        active="1" if is_active else "0",
    )
    return Row(
        kind="customer",
        king_id=debtor.number,
        outsmart_id=debtor.number,
        payload=payload,
        is_active=is_active,
        name=name,
    )


def _first_contact(debtor: Debtor) -> str:
    names = (one_line(person.name) for person in debtor.contact_persons)
    return next((name for name in names if name), "")


def _contact_person(debtor: Debtor, person: ContactPerson) -> Answer:
    code, name = _code(debtor, person.number), one_line(person.name)
    if not _is_usable(person.number):
        return refused("contact_person", code, reason("unusable_number", number=person.number), name=name)
    payload = outsmart.ContactPerson(
        cpn_debtor_nr=debtor.number,
        cpn_code=code,
        cpn_name=name,
        cpn_phone=one_line(person.phone),
        cpn_email=one_line(person.email),
    )
    return checked(Row(kind="contact_person", king_id=code, outsmart_id=code, payload=payload, name=name))


def _address(debtor: Debtor, address: DeliveryAddress) -> Answer:
    code, street = _code(debtor, address.number), one_line(address.street)
    line = one_line(street, address.house_number)
    name = one_line(address.description) or line
    if not _is_usable(address.number):
        return refused("address", code, reason("unusable_number", number=address.number), name=name)
    payload = outsmart.Address(
        adr_debtor_nr=debtor.number,
        adr_code=code,
        # A house number alone is no usable address.
        adr_line_1=line if street else "",
        adr_zip=one_line(address.postal_code),
        adr_city=one_line(address.city),
        adr_country=two_letters(address.country),
        adr_remark=one_line(address.description),
    )
    return checked(Row(kind="address", king_id=code, outsmart_id=code, payload=payload, name=name))


def _code(debtor: Debtor, number: str) -> str:
    """Return a code unique to this part: OutSmart's codes are global, King numbers within the debtor."""
    return f"{debtor.number}{SEPARATOR}{number}"


def owner_of(code: str) -> str:
    """Return the number of the customer that a contact person or address belongs to, from its code."""
    return code.rpartition(SEPARATOR)[0]


def _is_usable(number: str) -> bool:
    return bool(number.strip()) and SEPARATOR not in number
