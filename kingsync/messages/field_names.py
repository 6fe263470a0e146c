"""Display names of the fields of King's and OutSmart's records."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

_NUMBER = _("number")
_NAME = _("name")
_CODE = _("code")
_CUSTOMER_NUMBER = _("customer number")
_STREET = _("street")
_STREET_AND_NUMBER = _("street and house number")
_HOUSE_NUMBER = _("house number")
_POSTAL_CODE = _("postal code")
_CITY = _("town")
_COUNTRY = _("country")
_PHONE = _("telephone")
_EMAIL = _("e-mail address")
_REMARK = _("remark")
_DESCRIPTION = _("description")
_CONTACT = _("contact person")
_ACTIVE = _("active")
_PRICE = _("price")
_KING_NUMBER = _("number in King")
_TYPE_OF_WORK = _("type of work")
_PAYMENT_METHOD = _("payment method")
_WORK_STATUS = _("work order status")
_WORK_DESCRIPTION = _("work description")
_INTERNAL = _("internal work description")
_SHORT = _("short work description")
_DEADLINE = _("deadline")
_KING_ORDER = _("King order number")
_WAREHOUSE = _("warehouse")
_QUANTITY = _("quantity")

_NAMES: dict[str, str | Promise] = {
    "number": _NUMBER,
    "name": _NAME,
    "code": _CODE,
    "active": _ACTIVE,
    "price": _PRICE,
    "description": _DESCRIPTION,
    # Customers
    "debtor_number": _CUSTOMER_NUMBER,
    "street": _STREET,
    "house_number": _HOUSE_NUMBER,
    "postal_code": _POSTAL_CODE,
    "city": _CITY,
    "country": _COUNTRY,
    "contact": _CONTACT,
    "phone_number": _PHONE,
    "email": _EMAIL,
    "external_id": _KING_NUMBER,
    "debtor_number_invoice": _("invoice to customer"),
    "kvk_number": _("Chamber of Commerce number"),
    "vat_number": _("VAT number"),
    "remark": _REMARK,
    # Contact persons and delivery addresses
    "cpn_debtor_nr": _CUSTOMER_NUMBER,
    "cpn_code": _CODE,
    "cpn_name": _NAME,
    "cpn_phone": _PHONE,
    "cpn_email": _EMAIL,
    "adr_debtor_nr": _CUSTOMER_NUMBER,
    "adr_code": _CODE,
    "adr_line_1": _STREET_AND_NUMBER,
    "adr_zip": _POSTAL_CODE,
    "adr_city": _CITY,
    "adr_country": _COUNTRY,
    "adr_remark": _REMARK,
    # Products
    "unit": _("unit"),
    "eancode": _("EAN code"),
    "vat_code": _("VAT code"),
    # Hour types
    "sale_price": _("sales price"),
    "cost_price": _("cost price"),
    "cost_booking": _("counts as cost"),
    "sale_booking": _("counts as sale"),
    # Warehouses
    "wse_code": _CODE,
    "wse_description": _DESCRIPTION,
    "wse_type": _("type"),
    "wse_external_id": _KING_NUMBER,
    # Work orders, by OutSmart's field names
    "WorkorderNo": _KING_ORDER,
    "CustomerName": _NAME,
    "CustomerDebtorNr": _CUSTOMER_NUMBER,
    "CustomerStreet": _STREET,
    "CustomerStreetNo": _HOUSE_NUMBER,
    "CustomerZIP": _POSTAL_CODE,
    "CustomerCity": _CITY,
    "CustomerContactPerson": _CONTACT,
    "CustomerPhone": _PHONE,
    "CustomerEmail": _EMAIL,
    "CustomerRemark": _REMARK,
    "TypeOfWork": _TYPE_OF_WORK,
    "PaymentMethod": _PAYMENT_METHOD,
    "WorkStatus": _WORK_STATUS,
    "WorkDescription": _WORK_DESCRIPTION,
    "InternalWorkDescription": _INTERNAL,
    "ShortWorkDescription": _SHORT,
    "WorkDeadline": _DEADLINE,
    "Materials": _("materials"),
    "MaterialCode": _("product"),
    "MaterialName": _DESCRIPTION,
    "MaterialNr": _QUANTITY,
    "MaterialPrice": _PRICE,
    "MaterialWarehouseCode": _WAREHOUSE,
    # Work orders, by our field names; and the parts of an order that can differ from its work order
    "king_order_number": _KING_ORDER,
    "contact_person": _CONTACT,
    "type_of_work": _TYPE_OF_WORK,
    "payment_method": _PAYMENT_METHOD,
    "work_status": _WORK_STATUS,
    "internal_work_description": _INTERNAL,
    "short_work_description": _SHORT,
    "work_deadline": _DEADLINE,
    "phone": _PHONE,
    "line_id": _("number of the line"),
    "debtor": _("customer"),
    "invoice_debtor": _("invoice customer"),
    "reference": _("reference"),
    "delivery_date": _("delivery date"),
    "address": _("address"),
    "article": _("product"),
    "warehouse": _WAREHOUSE,
    "quantity": _QUANTITY,
    # Lines of a King order
    "text": _("text"),
    "to_deliver": _("quantity to deliver now"),
    "to_invoice": _("quantity to invoice now"),
}
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
