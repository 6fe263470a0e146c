"""OutSmart's records as our own strict values. `payloads.py` makes them from the wire."""

from __future__ import annotations

import msgspec


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """One material row. `position` counts from 1. Texts as OutSmart wrote them; rules read the numbers."""

    position: int
    code: str = ""
    name: str = ""
    quantity: str = ""
    unit: str = ""
    price: str = ""
    warehouse: str = ""


class WorkPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """One work period. Times are `H:i`, `work_date` is `d-m-Y`, `break_minutes` whole minutes, all as text."""

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
    mutation_date: str = ""
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


class WorkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One of OutSmart's free work status codes, shown as `code - name`."""

    code: str
    name: str
