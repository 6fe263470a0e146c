"""The other work orders on the same King order, and which of its lines are theirs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import msgspec

from kingsync.exports import shared_orders
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.rules.changes import described
from kingsync.rules.plans import Content


@dataclass(frozen=True)
class TheirLine:
    """A line in King of another work order."""

    content: str
    king_line_id: str
    reference: str


@dataclass(frozen=True)
class OtherWorkOrder:
    work_order: WorkOrder
    lines: list[TheirLine] = field(default_factory=list)


def of(row: WorkOrder) -> list[OtherWorkOrder]:
    """Return the other work orders on the King order of this one, in at most two queries."""
    others = list(shared_orders.others(row))
    if not others:
        return []
    lines: defaultdict[int, list[TheirLine]] = defaultdict(list)
    in_king = OrderLine.objects.filter(work_order__in=others).exclude(king_line_id="")
    for line in in_king.order_by("position", "pk"):
        lines[line.work_order_id].append(_their_line(line))
    return [OtherWorkOrder(other, lines[other.pk]) for other in others]


def _their_line(line: OrderLine) -> TheirLine:
    content = msgspec.convert(line.sent, Content, strict=False) if line.sent else None
    return TheirLine(described(content), line.king_line_id, line.reference)
