"""Display names of the fields of King's and OutSmart's records."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# Each name with the fields that it is for: of our records and of OutSmart's, and the parts of an order that can differ.
_FIELDS: tuple[tuple[str | Promise, str], ...] = (
    (_("number"), "number"),
    (_("name"), "name cpn_name CustomerName"),
    (_("code"), "code cpn_code adr_code wse_code"),
    (_("active"), "active"),
    (_("price"), "price MaterialPrice"),
    (_("description"), "description wse_description MaterialName"),
    (_("customer number"), "debtor_number cpn_debtor_nr adr_debtor_nr CustomerDebtorNr"),
    (_("street"), "street CustomerStreet"),
    (_("house number"), "house_number CustomerStreetNo"),
    (_("postal code"), "postal_code adr_zip CustomerZIP"),
    (_("town"), "city adr_city CustomerCity"),
    (_("country"), "country adr_country"),
    (_("contact person"), "contact CustomerContactPerson contact_person contact_person_number"),
    (_("telephone"), "phone_number cpn_phone CustomerPhone phone"),
    (_("e-mail address"), "email cpn_email CustomerEmail"),
    (_("number in King"), "external_id wse_external_id"),
    (_("invoice to customer"), "debtor_number_invoice"),
    (_("Chamber of Commerce number"), "kvk_number"),
    (_("VAT number"), "vat_number"),
    (_("remark"), "remark adr_remark"),
    (_("street and house number"), "adr_line_1"),
    (_("unit"), "unit"),
    (_("EAN code"), "eancode"),
    (_("VAT code"), "vat_code"),
    (_("sales price"), "sale_price"),
    (_("cost price"), "cost_price"),
    (_("counts as cost"), "cost_booking"),
    (_("counts as sale"), "sale_booking"),
    (_("type"), "wse_type"),
    (_("King order number"), "WorkorderNo king_order_number"),
    (_("type of work"), "TypeOfWork type_of_work"),
    (_("payment method"), "PaymentMethod payment_method"),
    (_("work order status"), "WorkStatus work_status"),
    (_("internal work description"), "InternalWorkDescription internal_work_description"),
    (_("short work description"), "ShortWorkDescription short_work_description"),
    (_("deadline"), "WorkDeadline work_deadline"),
    (_("materials"), "Materials"),
    (_("product"), "MaterialCode article"),
    (_("quantity"), "MaterialNr quantity"),
    (_("warehouse"), "MaterialWarehouseCode warehouse"),
    (_("number of the line"), "line_id"),
    (_("customer"), "debtor"),
    (_("invoice customer"), "invoice_debtor"),
    (_("reference"), "reference"),
    (_("delivery date"), "delivery_date"),
    (_("address"), "address"),
    (_("order date"), "order_date"),
    (_("our reference"), "external_number"),
    (_("customer number of the invoice customer"), "invoice_debtor_number"),
    (_("delivery address"), "delivery_address_number"),
    (_("text"), "text"),
    (_("quantity to deliver now"), "to_deliver"),
    (_("quantity to invoice now"), "to_invoice"),
)
_NAMES = {field: name for name, fields in _FIELDS for field in fields.split()}
_OF_THE_INVOICE = _("%(field)s of the invoice customer")
_OF_THE_ADDRESS = _("%(field)s of the delivery address")
# The prefix of a field that belongs to one of several parties, and how it is displayed.
_PARTIES: tuple[tuple[str, str | Promise], ...] = (
    ("invoice ", _OF_THE_INVOICE),
    ("invoice_", _OF_THE_INVOICE),
    ("delivery address ", _OF_THE_ADDRESS),
    ("customer_", "%(field)s"),
)
_LINE = "line "


def field_name(code: str) -> str:
    """Return the display name of a field in the active language; an unknown field keeps its own name."""
    if code in _NAMES:
        return str(_NAMES[code])
    for beginning, said in _PARTIES:
        if code.startswith(beginning):
            return str(said) % {"field": field_name(code.removeprefix(beginning))}
    if code.endswith("Invoice") and code.removesuffix("Invoice") in _NAMES:
        return str(_OF_THE_INVOICE) % {"field": field_name(code.removesuffix("Invoice"))}
    return _of_a_line(code) if code.startswith(_LINE) else code


def field_names(codes: str) -> str:
    """Return the display names of fields, joined by a comma and a space."""
    return ", ".join(dict.fromkeys(field_name(code) for code in codes.split(", ")))


def _of_a_line(code: str) -> str:
    """Return "line BUIS: price" in words; an article number may contain a colon itself, so the last one counts."""
    line, colon, field = code.removeprefix(_LINE).rpartition(": ")
    if colon and field in _NAMES:
        return gettext("line %(line)s: %(field)s") % {"line": line, "field": field_name(field)}
    return gettext("line %(line)s") % {"line": code.removeprefix(_LINE)}
