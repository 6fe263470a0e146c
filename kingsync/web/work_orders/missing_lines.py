"""What King misses of a work order whose order is closed, as the pages show it."""

from __future__ import annotations

from dataclasses import dataclass

from kingsync.exports import supplements
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.rules import amounts
from kingsync.web.shared import money
from kingsync.web.work_orders import line_labels


@dataclass(frozen=True)
class MissingLine:
    kind: str
    label: str
    quantity: str
    amount: str


def of(row: WorkOrder) -> list[MissingLine]:
    """Return the lines of the supplementary order that a person may choose; none unless that is to be decided."""
    return [_shown(each) for each in supplements.missing_of(row)] if supplements.is_undecided(row) else []


def _shown(each: supplements.Missing) -> MissingLine:
    content = each.line.content
    is_counted = content.quantity is not None
    return MissingLine(
        kind=str(OrderLine.Kind(each.line.origin.source.value).label),
        label=content.text or content.article,
        quantity=line_labels.number(content.quantity),
        amount=money.amount(amounts.of_line(content.quantity, each.price.value)) if is_counted else "",
    )
