"""The meaning of each tag of the text lines, for the list to pick from."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.rules import texts

_MEANINGS: dict[str, Any] = {
    "order_number": _("number of the work order in OutSmart"),
    "king_order_number": _("number of the order in King"),
    "reference": _("reference of the work order"),
    "external_reference": _("the customer's reference"),
    "work_date": _("first day of the work"),
    "work_end_date": _("last day of the work"),
    "customer_name": _("name of the customer"),
    "customer_debtor_number": _("the customer's debtor number"),
    "customer_street": _("street of the work address"),
    "customer_house_number": _("house number of the work address"),
    "customer_postal_code": _("postal code of the work address"),
    "customer_city": _("town of the work address"),
    "contact_person": _("contact person at the customer"),
    "invoice_customer_name": _("name of the invoice relation"),
    "invoice_debtor_number": _("debtor number of the invoice relation"),
    "project_number": _("number of the project"),
    "external_project_number": _("the customer's number of the project"),
    "type_of_work": _("type of work"),
    "short_work_description": _("short work description"),
    "work_description": _("work description"),
    "comment": _("comment on the work order"),
    "payment_method": _("payment method"),
    "employee_number": _("number of the employee"),
    "signed_by": _("name of the person who signed"),
    "error_message": _("the fault that was found"),
    "solution_message": _("how it was solved"),
    "total_hours": _("all hours together after rounding, as H:MM"),
}


def meanings() -> list[tuple[str, str]]:
    """Return every tag with its meaning, in the order of the contract."""
    return [(tag, str(_MEANINGS[tag]) if tag in _MEANINGS else _free_field(tag)) for tag in texts.TAGS]


def _free_field(tag: str) -> str:
    return gettext("free field %(number)s of the work order") % {"number": tag.rpartition("_")[2]}
