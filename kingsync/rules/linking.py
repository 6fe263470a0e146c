"""Whose King order it is: the number of another customer's order is a mistake until someone approves it."""

from __future__ import annotations

from integrations import notation
from integrations.outsmart.records import WorkOrder
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason, reason, shown
from kingsync.rules.plans import ArticleData


def mark(number: str, debtor_number: str) -> str:
    """Return King's order and its debtor in the ledger's form, as approved by a person or as last read."""
    return f"{number}:{debtor_number}"


def debtor_in(seen: str, number: str) -> str:
    """Return the debtor in a mark, "" when the mark is about another order."""
    order_number, _, debtor_number = seen.partition(":")
    return debtor_number if order_number == number else ""


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
