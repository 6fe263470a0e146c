"""Whose King order it is: the number of another customer's order is a mistake until someone approves it."""

from __future__ import annotations

from integrations import notation
from integrations.outsmart.records import WorkOrder
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason, reason, shown
from kingsync.rules.plans import ArticleData

# Of a choice in the ledger's form.
CHOICE_LENGTH = 101


def wanted(work_order_number: str, chosen: str = "") -> str:
    """Return the King order that a work order should be on by OutSmart's WorkorderNo, "" if none is named.

    `chosen` is the order that a user linked, or "" for a new one, and the WorkorderNo that this overrules: another one
    counts again.
    """
    number, is_chosen, overruled = chosen.partition(":")
    given = notation.canonical_number(work_order_number.strip())
    return number if is_chosen and given in ("", overruled) else given


def choice(number: str, work_order_number: str) -> str:
    """Return a user's choice of a King order, "" for a new one, in the ledger's form."""
    return f"{number}:{notation.canonical_number(work_order_number.strip())}"


def is_new_chosen(chosen: str) -> bool:
    """Return whether a user chose a new order for the work order."""
    return chosen.startswith(":")


def moves_to(wanted_number: str, number: str | None) -> str:
    """Return the order to go to from the order `number`, "" to stay: an emptied WorkorderNo never means to leave."""
    is_elsewhere = number and wanted_number and wanted_number != number
    return wanted_number if is_elsewhere else ""


def mark(number: str, debtor_number: str) -> str:
    """Return King's order and its debtor in the ledger's form, as approved by a person or as last read."""
    return f"{number}:{debtor_number}"


def debtor_in(seen: str, number: str) -> str:
    """Return the debtor in a mark, "" when the mark is about another order."""
    order_number, _, debtor_number = seen.partition(":")
    return debtor_number if order_number == number else ""


def former_mark(administration: str, number: str) -> str:
    """Return an order of a former administration, by that one's key and its number, as a person released it."""
    return f"{administration}:{number}"


def former_hold(
    number: str, *, key: str, administration: str, is_excluded: bool = False, accepted: str = ""
) -> Reason | None:
    """Return why a work order of a former administration waits for a release; None where it was given."""
    if accepted == former_mark(key, number):
        return None
    code = "excluded_in_former_administration" if is_excluded else "in_former_administration"
    return reason(code, number=number or "–", administration=administration, former=former_mark(key, number))


def is_of_other_customer(work_order: WorkOrder, debtor_number: str) -> bool:
    """Return whether a debtor is neither the work order's customer nor its invoice relation."""
    known = (work_order.customer_debtor_number, work_order.invoice_debtor_number)
    own = {notation.canonical_number(each.strip()) for each in known}
    return bool(debtor_number) and notation.canonical_number(debtor_number) not in own


def hold(
    work_order: WorkOrder, choices: Exports, *, number: str, debtor: ArticleData, accepted: str = ""
) -> Reason | None:
    """Return why the work order waits for approval; None where the order may be its own, or it was approved."""
    if choices.order_of_other_customer == "send" or accepted == mark(number, debtor.number):
        return None
    if not is_of_other_customer(work_order, debtor.number):
        return None
    return reason(
        "order_of_other_customer",
        number=number,
        debtor=debtor.number,
        debtor_name=debtor.name or "–",
        customer=shown(work_order.customer_debtor_number.strip()) or "–",
        customer_name=shown(work_order.customer_name) or "–",
    )
