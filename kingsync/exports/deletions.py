"""What is left in King of a work order that OutSmart no longer has."""

from __future__ import annotations

from kingsync.exports.lines import ledger_lines
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import changes
from kingsync.rules.outcomes import Reason, reason

NOTHING_LEFT, LINES_LEFT = "deleted_in_outsmart", "deleted_with_order"
CODES = frozenset({NOTHING_LEFT, LINES_LEFT})


def reason_of(row: WorkOrder) -> Reason:
    """Return the reason for users: the King order and its lines of this work order, where there are any."""
    lines = [changes.described(line.sent) for line in ledger_lines.saved_lines(row) if line.king_line_id and line.sent]
    if not row.king_order_number or not (lines or row.is_created_by_us):
        return reason(NOTHING_LEFT)
    return reason(LINES_LEFT, number=row.king_order_number, lines="; ".join(lines) or "–")
