"""Text lines with their tags (product.md §2 and rule 6)."""

from __future__ import annotations

import re
from decimal import Decimal

from tests.oracle import notation
from tests.oracle.values import LONGEST_TEXT, LeftOut, Line, Outcome, Refused, Row, Sent, Settings

FIELDS = {
    "order_number": "OrderNr",
    "reference": "Reference",
    "external_reference": "ExternalReference",
    "work_date": "WorkDate",
    "work_end_date": "WorkEndDate",
    "customer_name": "CustomerName",
    "customer_debtor_number": "CustomerDebtorNr",
    "customer_street": "CustomerStreet",
    "customer_house_number": "CustomerStreetNo",
    "customer_postal_code": "CustomerZIP",
    "customer_city": "CustomerCity",
    "contact_person": "CustomerContactPerson",
    "invoice_customer_name": "CustomerNameInvoice",
    "invoice_debtor_number": "CustomerDebtorNrInvoice",
    "project_number": "ProjectNr",
    "external_project_number": "ExternProjectNr",
    "type_of_work": "TypeOfWork",
    "short_work_description": "ShortWorkDescription",
    "work_description": "WorkDescription",
    "comment": "Comment",
    "payment_method": "PaymentMethod",
    "employee_number": "EmployeeNr",
    "signed_by": "SignatureContactperson",
    "error_message": "ErrorMessage",
    "solution_message": "SolutionMessage",
}
_PART = re.compile(r"\{\{|\}\}|\{([a-z_0-9]+)\}")
# Filled in when comparing: King gives a new order its number.
KING_ORDER_NUMBER = "\ufdd0"


def lines(work_order: Row, settings: Settings, *, minutes: int) -> list[Outcome]:
    """Return the outcomes of the work description and the extra lines."""
    values = _values(work_order, minutes)
    found = [notation.text(work_order, "WorkDescription")] if settings.work_description else []
    found += [filled(template, values) for template in settings.extra_text_lines]
    return [_line(each) for each in found]


def filled(template: str, values: dict[str, str]) -> str:
    """Return the template with its tags filled in, once: values are data."""
    literal = {"{{": "{", "}}": "}"}
    return _PART.sub(lambda part: literal[part[0]] if part[0] in literal else values[part[1]], template)


def _line(content: str) -> Outcome:
    if not content.strip():
        return LeftOut()
    if len(content) > LONGEST_TEXT:
        return Refused(frozenset({"long_text"}))
    return Sent(Line("TEKST", "", content))


def _values(work_order: Row, minutes: int) -> dict[str, str]:
    values = {tag: notation.text(work_order, name) for tag, name in FIELDS.items()}
    given = work_order.get("FreeFields")
    free = given if isinstance(given, dict) else {}
    values |= {f"free_field_{n}": notation.text(free, f"val_value_{n}") for n in range(1, 51)}
    values["travel_distance"] = _travel_distance(work_order)
    return values | {"total_hours": notation.hours_and_minutes(minutes), "king_order_number": KING_ORDER_NUMBER}


def _travel_distance(work_order: Row) -> str:
    """Return the sum of the distances above zero, "" when there are none (docs/decisions/0018)."""
    rows = work_order.get("Workperiods")
    written = [notation.text(row, "Travel") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    found = [distance for each in written if (distance := notation.number(each)) and distance > 0]
    whole, _, decimals = f"{sum(found, Decimal(0)):f}".partition(".")
    decimals = decimals.rstrip("0")
    return "" if not found else f"{whole},{decimals}" if decimals else whole
