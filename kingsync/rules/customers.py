"""King debtor → OutSmart relation, contact persons and delivery addresses."""

from __future__ import annotations

from integrations.king.records import ContactPerson, Debtor, DeliveryAddress
from integrations.outsmart import records as outsmart
from kingsync.rules.mapping import Customers
from kingsync.rules.records import Answer, Row, impossible, one_line, skipped

# OutSmart takes no relation without a street, but a customer with only a post-office box has none.
NO_STREET = "-"


def from_debtor(debtor: Debtor, choices: Customers) -> list[Answer]:
    """Return the relation first, then what belongs to it; only the relation's answer when that is not sent."""
    if debtor.is_blocked and choices.inactive == "skip":
        return [skipped("customer", debtor.number, "skipped_inactive")]
    name = one_line(debtor.name, debtor.name2) or debtor.search_code
    needed = {"name": name, "postal_code": debtor.postal_code, "city": debtor.city}
    missing = [field for field, value in needed.items() if not value.strip()]
    if missing:
        return [impossible("customer", debtor.number, *missing)]
    answers: list[Answer] = [_relation(debtor, name, choices)]
    if choices.contact_persons:
        answers += [_contact_person(debtor, person) for person in debtor.contact_persons]
    if choices.delivery_addresses:
        answers += [_address(debtor, address) for address in debtor.delivery_addresses]
    return answers


def _relation(debtor: Debtor, name: str, choices: Customers) -> Row:
    is_active = not (debtor.is_blocked and choices.inactive == "deactivate")
    payload = outsmart.Relation(
        name=name,
        debtor_number=debtor.number,
        street=debtor.street.strip() or NO_STREET,
        house_number=debtor.house_number,
        postal_code=debtor.postal_code,
        city=debtor.city,
        country=debtor.country,
        phone_number=debtor.phone,
        email=debtor.email,
        external_id=debtor.number,
        debtor_number_invoice=debtor.invoice_debtor_number,
        kvk_number=debtor.chamber_number,
        vat_number=debtor.vat_number,
        remark=debtor.remark,
        active="1" if is_active else "0",
    )
    return Row(kind="customer", king_id=debtor.number, outsmart_id=debtor.number, payload=payload, is_active=is_active)


def _contact_person(debtor: Debtor, person: ContactPerson) -> Answer:
    # OutSmart's codes are global, King numbers within the debtor.
    code = f"{debtor.number}-{person.number}"
    if not person.name.strip():
        return impossible("contact_person", code, "name")
    payload = outsmart.ContactPerson(
        cpn_debtor_nr=debtor.number, cpn_code=code, cpn_name=person.name, cpn_phone=person.phone, cpn_email=person.email
    )
    return Row(kind="contact_person", king_id=code, outsmart_id=code, payload=payload)


def _address(debtor: Debtor, address: DeliveryAddress) -> Answer:
    code = f"{debtor.number}-{address.number}"
    line = one_line(address.street, address.house_number)
    needed = {"street": line, "postal_code": address.postal_code, "city": address.city}
    missing = [field for field, value in needed.items() if not value.strip()]
    if missing:
        return impossible("address", code, *missing)
    payload = outsmart.Address(
        adr_debtor_nr=debtor.number,
        adr_code=code,
        adr_line_1=line,
        adr_zip=address.postal_code,
        adr_city=address.city,
        adr_country=address.country,
        adr_remark=address.description,
    )
    return Row(kind="address", king_id=code, outsmart_id=code, payload=payload)
