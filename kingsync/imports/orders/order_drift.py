"""What happens in King to orders that have a work order: changed, closed, reopened. Nothing is sent to OutSmart.

See docs/decisions/0006-imported-orders-are-not-changed.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec

from integrations.king.records import Debtor, Order
from integrations.outsmart.records import NewWorkOrder
from kingsync.imports import diff
from kingsync.imports.orders import order_links
from kingsync.imports.orders.order_customers import Customers
from kingsync.imports.orders.order_links import State
from kingsync.king_mirror import imported_lines
from kingsync.messages.reason_texts import stored
from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.runs import LogEntry
from kingsync.rules.imports import imported_orders, order_changes
from kingsync.rules.imports.imported_orders import NewWork
from kingsync.rules.imports.order_changes import Difference, Known
from kingsync.rules.mapping import Orders
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs.lifecycle import Claim
from kingsync.runs.run_log import RunLog

NAMED_AT_MOST = 10


class OrderWatch:
    """Updates the displayed state of imported orders; changes links, and leaves saving them to the caller."""

    def __init__(self, claim: Claim, choices: Orders, customers: Customers, log: RunLog) -> None:
        self._claim, self._choices, self._customers, self._log = claim, choices, customers, log

    def still_there(self, link: RecordLink, *, is_exported: bool) -> bool:
        """Update the link of an order that is open in King; return True when that changes what we show of it."""
        is_back = link.state == State.DELETED
        if is_back:
            link.state, link.reason = State.LINKED, {}
            self._log_event("record.open_again", link, LogEntry.Level.INFO)
        is_settled = is_exported and bool(link.difference)
        if is_settled:
            link.difference = []
        return is_back or is_settled

    def changed(self, link: RecordLink, order: Order, source_hash: uuid.UUID) -> None:
        """Compare an order whose bytes changed with the work order as it was posted; report each difference once."""
        found = [msgspec.to_builtins(each) for each in self._differences(link, order)]
        is_news = bool(found) and found != link.difference
        link.difference, link.source_hash = found, source_hash
        if found:
            self._report(link, "unchanged", _why(found), found)
        if is_news:
            self._log_event("record.differs", link, LogEntry.Level.WARNING, _why(found), {"difference": found})

    def _differences(self, link: RecordLink, order: Order) -> list[Difference]:
        order = order_changes.without_ours(order, order_links.work_orders_of(link))
        parties = self._customers.of(order)
        is_known = not isinstance(parties, Reason)
        customer, invoice = _strangers(order) if isinstance(parties, Reason) else parties
        # Lines that were sent are compared, whatever the settings now say about new work orders.
        choices = msgspec.structs.replace(self._choices, materials=True)
        known = Known(
            line_ids=imported_lines.line_ids(link.king_id),
            is_customer_known=is_known,
            has_lines=self._choices.materials,
        )
        try:
            sent = msgspec.json.decode(link.sent, type=NewWorkOrder)
        except msgspec.DecodeError:
            return []  # posted in an obsolete format: it cannot be compared
        return order_changes.between(sent, imported_orders.drafted(order, customer, invoice, choices), known)

    def deleted_at_source(self, link: RecordLink) -> None:
        """Mark an order that King no longer shows; the work order is left to the users."""
        why = reason("order_deleted_in_king")
        link.state, link.reason = State.DELETED, dict(stored(why))
        self._report(link, "deleted", why)
        self._log_event("record.deleted_at_source", link, LogEntry.Level.WARNING, why)

    def _report(self, link: RecordLink, outcome: str, why: Reason, found: Sequence[dict[str, str]] = ()) -> None:
        if self._claim.run.is_dry:
            report(self._claim, link.king_id, outcome, why=why, name=link.name, found=found)

    def _log_event(
        self,
        event: str,
        link: RecordLink,
        level: LogEntry.Level,
        why: Reason | None = None,
        detail: dict[str, object] | None = None,
    ) -> None:
        ids = {"king_id": link.king_id, "outsmart_id": link.outsmart_id}
        self._log.add(event, why, level=level, kind=RecordKind.ORDER, detail=detail, **ids)


def _strangers(order: Order) -> tuple[Debtor, Debtor]:
    """Return the customers as far as the order itself names them: their numbers."""
    payer = order.invoice_debtor_number or order.debtor_number
    return Debtor(number=order.debtor_number), Debtor(number=payer)


def _why(found: list[dict[str, str]]) -> Reason:
    fields = list(dict.fromkeys(each["field"] for each in found))
    more = ", …" if len(fields) > NAMED_AT_MOST else ""
    return reason("order_differs", fields=", ".join(fields[:NAMED_AT_MOST]) + more)


def report(
    claim: Claim,
    number: str,
    outcome: str,
    *,
    work: NewWork | None = None,
    why: Reason | None = None,
    name: str = "",
    found: Sequence[dict[str, str]] = (),
) -> None:
    """Add the dry run's entry for an order, and keep an example of it for the page."""
    order = work.work_order if work else None
    name = order.customer_name if order else name
    changes = {each["field"]: [each["sent"], each["king"]] for each in found}
    entry = diff.entry(RecordKind.ORDER.value, number, outcome, name=name, why=why, changes=changes, row=order)
    claim.plan.append(entry)
    claim.sample(outcome, entry)
