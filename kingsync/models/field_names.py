"""What people call the fields of a record, King's and OutSmart's alike."""

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
    "wse_type": _("sort"),
    "wse_external_id": _KING_NUMBER,
    # Work orders
    "WorkorderNo": _("King order number"),
    "CustomerName": _("customer"),
    "CustomerDebtorNr": _CUSTOMER_NUMBER,
    "CustomerStreet": _STREET,
    "CustomerStreetNo": _HOUSE_NUMBER,
    "CustomerZIP": _POSTAL_CODE,
    "CustomerCity": _CITY,
    "CustomerContactPerson": _CONTACT,
    "CustomerPhone": _PHONE,
    "CustomerEmail": _EMAIL,
    "CustomerRemark": _REMARK,
    "TypeOfWork": _("type of work"),
    "PaymentMethod": _("payment method"),
    "WorkStatus": _("work status"),
    "WorkDescription": _("work description"),
    "InternalWorkDescription": _("internal work description"),
    "ShortWorkDescription": _("short work description"),
    "Reference": _("reference"),
    "ExternProjectNr": _("external project number"),
    "OrderNr": _("work order number"),
    "WorkDate": _("work date"),
    "WorkDeadline": _("deadline"),
    "CpnCode": _("code of the contact person"),
    "AdrCode": _("code of the delivery address"),
    "Materials": _("materials"),
}
_INVOICE_BEFORE = "invoice "
_INVOICE_AFTER = "Invoice"


def field_name(code: str) -> str:
    """Return what people call a field, in the active language; a field that we do not know by its own name."""
    if code in _NAMES:
        return str(_NAMES[code])
    if code.startswith(_INVOICE_BEFORE):
        return gettext("%(field)s of the invoice customer") % {"field": field_name(code.removeprefix(_INVOICE_BEFORE))}
    plain = code.removesuffix(_INVOICE_AFTER)
    if plain != code and plain in _NAMES:
        return gettext("%(field)s of the invoice customer") % {"field": field_name(plain)}
    return code


def field_names(codes: str) -> str:
    """Return the names of fields that are joined by a comma and a blank."""
    return ", ".join(dict.fromkeys(field_name(code) for code in codes.split(", ")))
