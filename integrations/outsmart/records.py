"""OutSmart's records as our own strict values. `payloads.py` decodes them."""

from __future__ import annotations

import msgspec


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """One material row. `position` counts from 1. Texts are as OutSmart wrote them; the rules parse the numbers."""

    position: int
    code: str = ""
    name: str = ""
    quantity: str = ""
    unit: str = ""
    price: str = ""
    warehouse: str = ""
    warranty: str = ""


class WorkPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """One work period. Times are `H:i`, `work_date` is `d-m-Y`, `break_minutes` whole minutes, all as text.

    `travel` is a distance, not a time.
    """

    position: int
    period_id: str = ""
    work_date: str = ""
    begin_time: str = ""
    end_time: str = ""
    break_minutes: str = ""
    total_time: str = ""
    hour_type: str = ""
    employee_number: str = ""
    remark: str = ""
    travel: str = ""
    object_code: str = ""


class WorkOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One work order: absent, null and "" are all "". Long texts have LF line ends and no control characters.

    `free_fields` maps 1..50 to text. Dates stay as OutSmart shows them (`d-m-Y`).
    """

    outsmart_id: str
    king_order_number: str = ""  # WorkorderNo
    order_number: str = ""  # OrderNr
    status: str = ""
    work_status: str = ""
    is_archived: bool = False
    reference: str = ""
    external_reference: str = ""
    work_date: str = ""
    work_end_date: str = ""
    customer_name: str = ""
    customer_debtor_number: str = ""
    customer_street: str = ""
    customer_house_number: str = ""
    customer_postal_code: str = ""
    customer_city: str = ""
    contact_person: str = ""
    invoice_customer_name: str = ""
    invoice_debtor_number: str = ""
    project_number: str = ""
    external_project_number: str = ""
    type_of_work: str = ""
    short_work_description: str = ""
    work_description: str = ""
    comment: str = ""
    payment_method: str = ""
    employee_number: str = ""
    signed_by: str = ""
    error_message: str = ""
    solution_message: str = ""
    minimum_hours: str = ""
    rounding_amount: str = ""
    free_fields: dict[int, str] = {}
    materials: tuple[Material, ...] = ()
    periods: tuple[WorkPeriod, ...] = ()


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """What the selection needs of a work order, from a row that may be damaged. None: present but unreadable."""

    outsmart_id: str = ""
    order_number: str = ""
    customer_name: str = ""
    king_order_number: str = ""
    status: str | None = ""
    work_status: str | None = ""
    is_archived: bool = False


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """A row for POST relations (chapter 3.1 of the contract). Field names are OutSmart's own."""

    name: str
    debtor_number: str
    street: str
    postal_code: str
    city: str
    house_number: str = ""
    contact: str = ""
    phone_number: str = ""
    email: str = ""
    country: str = ""
    external_id: str = ""
    debtor_number_invoice: str = ""
    kvk_number: str = ""
    vat_number: str = ""
    remark: str = ""
    active: str = "1"


class ContactPerson(msgspec.Struct, frozen=True, kw_only=True):
    """A row for POST contactpersons; `cpn_code` is global over all customers."""

    cpn_debtor_nr: str
    cpn_code: str
    cpn_name: str
    cpn_phone: str = ""
    cpn_email: str = ""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A row for POST addresses; `adr_code` is global over all customers."""

    adr_debtor_nr: str
    adr_code: str
    adr_line_1: str
    adr_zip: str
    adr_city: str
    adr_country: str = ""
    adr_remark: str = ""


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A row for POST materials. `price` with a decimal point."""

    code: str
    description: str
    price: str
    unit: str
    eancode: str = ""
    vat_code: str = ""


class HourType(msgspec.Struct, frozen=True, kw_only=True):
    """A row for POST hourtypes."""

    code: str
    name: str
    sale_price: str
    cost_booking: str = "0"
    sale_booking: str = "1"
    cost_price: str = "0.00"
    active: str = "1"


class Warehouse(msgspec.Struct, frozen=True, kw_only=True):
    """A row for POST warehouses."""

    wse_code: str
    wse_description: str
    wse_type: str = "BUILDING"
    wse_external_id: str = ""


class Employee(msgspec.Struct, frozen=True, kw_only=True):
    """An employee, known in work orders by the number."""

    number: str
    first_name: str = ""
    last_name: str = ""


class WorkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One of OutSmart's free work status codes, shown as `code - name`."""

    code: str
    name: str


def _vendor_key(field: str) -> str | None:
    """Return OutSmart's key for a field of the rows below: PascalCase, with its own exceptions."""
    return _ODD_KEYS.get(field, "".join(part.title() for part in field.split("_")))


_ODD_KEYS = {
    "king_order_number": "WorkorderNo",
    "customer_debtor_number": "CustomerDebtorNr",
    "customer_house_number": "CustomerStreetNo",
    "customer_postal_code": "CustomerZIP",
    "contact_person": "CustomerContactPerson",
    "invoice_customer_name": "CustomerNameInvoice",
    "invoice_debtor_number": "CustomerDebtorNrInvoice",
    "invoice_street": "CustomerStreetInvoice",
    "invoice_house_number": "CustomerStreetNoInvoice",
    "invoice_postal_code": "CustomerZIPInvoice",
    "invoice_city": "CustomerCityInvoice",
    "invoice_contact_person": "CustomerContactPersonInvoice",
    "code": "MaterialCode",
    "name": "MaterialName",
    "quantity": "MaterialNr",
    "price": "MaterialPrice",
    "warehouse": "MaterialWarehouseCode",
}


class NewMaterial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=_vendor_key):
    """A material row to post. Quantity and prices with a decimal point; empty fields are not sent."""

    code: str
    name: str
    quantity: str
    price: str
    warehouse: str = ""


class NewWorkOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=_vendor_key):
    """A row for PostWorkorders (chapter 2.9): the fields that we fill in. Dates d-m-Y; empty ones are not sent."""

    king_order_number: str
    customer_name: str
    customer_debtor_number: str
    customer_street: str
    customer_postal_code: str
    customer_city: str
    contact_person: str
    invoice_customer_name: str
    invoice_debtor_number: str
    invoice_street: str
    invoice_postal_code: str
    invoice_city: str
    invoice_contact_person: str
    type_of_work: str
    payment_method: str
    customer_house_number: str = ""
    customer_phone: str = ""
    customer_email: str = ""
    invoice_house_number: str = ""
    internal_work_description: str = ""
    short_work_description: str = ""
    work_deadline: str = ""
    work_status: str = ""
    materials: tuple[NewMaterial, ...] = ()


# --- What OutSmart takes in the rows of master data (chapters 1.6 and 3) ---------------------------------------------

MASTER_ROWS: tuple[type[msgspec.Struct], ...] = (Relation, ContactPerson, Address, Product, HourType, Warehouse)
USUAL_LENGTH = 255  # characters
SHORT_LENGTH = 55
LONG_LENGTH = 65_535  # bytes: "64 kB"
SHORT_TEXTS = frozenset({(Product, "eancode"), (HourType, "code"), (Warehouse, "wse_code")})
LONG_TEXTS = frozenset({(Relation, "remark"), (Product, "description")})


def required_fields(row: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of the fields that may not be empty: those without a default."""
    return tuple(field.name for field in msgspec.structs.fields(row) if field.required)
