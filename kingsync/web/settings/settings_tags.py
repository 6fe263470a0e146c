"""The label of each tag of the text lines: in the list to pick from, and in the line itself."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.rules import texts

_MEANINGS: dict[str, Any] = {
    "order_number": _("work order number"),
    "king_order_number": _("King order number"),
    "reference": _("reference"),
    "external_reference": _("customer's reference"),
    "work_date": _("first day of the work"),
    "work_end_date": _("last day of the work"),
    "customer_name": _("customer name"),
    "customer_debtor_number": _("debtor number of the customer"),
    "customer_street": _("street"),
    "customer_house_number": _("house number"),
    "customer_postal_code": _("postal code"),
    "customer_city": _("town"),
    "contact_person": _("contact person"),
    "invoice_customer_name": _("name of the invoice relation"),
    "invoice_debtor_number": _("debtor number of the invoice relation"),
    "project_number": _("project number"),
    "external_project_number": _("customer's project number"),
    "type_of_work": _("type of work"),
    "short_work_description": _("short work description"),
    "work_description": _("work description"),
    "comment": _("comment"),
    "payment_method": _("payment method"),
    "employee_number": _("employee number"),
    "signed_by": _("signed by"),
    "error_message": _("fault found"),
    "solution_message": _("solution"),
    "total_hours": _("total hours (H:MM)"),
    "travel_distance": _("travel distance"),
}


def meanings() -> list[tuple[str, str]]:
    """Return every tag with its meaning, in the order of the contract."""
    return [(tag, str(_MEANINGS[tag]) if tag in _MEANINGS else _free_field(tag)) for tag in texts.TAGS]


def _free_field(tag: str) -> str:
    return gettext("free field %(number)s") % {"number": tag.rpartition("_")[2]}
