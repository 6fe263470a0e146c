"""Taking the lines of a work order out of their King order, because it belongs on another one now.

Nothing is written before both orders allow it. Every line is saved as still to be sent before it is removed, so that
after a crash the next run removes the rest, or adds them again where OutSmart names the first order once more.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from django.db import transaction

from integrations import errors
from integrations.king.records import Order
from kingsync.exports import ledger, order_links, shared_orders
from kingsync.exports.king_order import KingOrder, vendor_message
from kingsync.exports.lines import ledger_lines
from kingsync.messages.reason_texts import stored
from kingsync.models.work_orders import LedgerState, OrderLine, Step, WorkOrder
from kingsync.rules import conflicts, differences, orders
from kingsync.rules.differences import Differences
from kingsync.rules.outcomes import Reason, reason, shown
from kingsync.rules.plans import Plan, SavedLine


class MoveStoppedError(Exception):
    """The lines cannot leave their order now."""

    def __init__(self, why: Reason) -> None:
        super().__init__(why.code)
        self.why = why


def unsent(lines: Iterable[SavedLine]) -> list[SavedLine]:
    """Return lines as they are for an order that has none of them."""
    return [SavedLine(reference=line.reference, key=line.key, row=line.row) for line in lines]


def steps_out_of(row: WorkOrder, plan: Plan, order: Order | None, wanted: str) -> Differences:
    """Return how to take every line out of the order that the work order is on. Raises `MoveStoppedError`."""
    number = row.king_order_number or ""
    if order is None or ledger.is_of_other(row, order):
        raise MoveStoppedError(reason("move_from_closed_order", number=number, wanted=shown(wanted)))
    booked = ledger_lines.saved_lines(row)
    steps = differences.between(msgspec.structs.replace(plan, lines=(), dropped=()), booked, order)
    in_king = {line.king_line_id for line in booked if line.king_line_id}
    removed = in_king - {line.line_id for line in order.lines}
    labels = [each.label for each in steps.conflicts] + [*steps.delivered, *steps.doubles]
    staying = [line for line in booked if line.is_imported or conflicts.is_given_up(line)]
    labels += [_label(line) for line in booked if line in staying or line.king_line_id in removed]
    if labels:
        detail = ", ".join(dict.fromkeys(labels))
        raise MoveStoppedError(reason("move_of_changed_lines", number=number, wanted=shown(wanted), lines=detail))
    return steps


def _label(line: SavedLine) -> str:
    return (line.sent.article or line.sent.text if line.sent else "") or line.reference


class Move:
    """Takes a work order from one order to another one, both as just read."""

    def __init__(self, king_order: KingOrder, row: WorkOrder, plan: Plan) -> None:
        self._king_order, self._row, self._plan = king_order, row, plan

    def carry_out(self, steps: Differences, order: Order, to: Order) -> None:
        """Remove the lines, and save that the work order is on the other order. Raises `MoveStoppedError`."""
        row = self._row
        ledger.settle(row, LedgerState.SENDING)
        left = self._without_lines(steps, order, to.number) if steps.removals else order
        self._king_order.unlock()
        if row.is_locked:
            raise MoveStoppedError(reason("still_locked", number=order.number))
        self._go_over(to, is_left_empty=not left.lines and shared_orders.is_of_us(left))

    def _without_lines(self, steps: Differences, order: Order, wanted: str) -> Order:
        again = self._king_order.locked(order.number, steps)
        steps = steps_out_of(self._row, self._plan, again, wanted)
        ledger_lines.lines_leaving(self._row, [step.reference for step in steps.removals])
        for step in steps.removals:
            self._remove(order.number, step.king_line_id)
        left = self._king_order.read(order.number)
        if left is None or steps_out_of(self._row, self._plan, left, wanted).removals:
            raise MoveStoppedError(reason("move_from_closed_order", number=order.number, wanted=wanted))
        return left

    def _remove(self, number: str, line_id: str) -> None:
        try:
            self._king_order.remove_line(number, line_id)
        except errors.ConflictError:
            raise
        except errors.RejectedError as error:
            raise MoveStoppedError(reason("move_refused", number=number, detail=vendor_message(error))) from None

    def _go_over(self, to: Order, *, is_left_empty: bool) -> None:
        """Save the new order; what was known of the old one is no longer true."""
        row, before = self._row, self._row.king_order_number or ""
        is_ours = to.external_number == orders.external_number(row.outsmart_id, row.part)
        notices = [stored(reason("order_left_empty", number=before))] if is_left_empty else []
        with transaction.atomic():
            _forget_what_was_sent(row)
            order_links.go_over(
                row,
                to.number,
                is_created_by_us=is_ours,
                step=Step.CREATED,
                is_approved=is_ours and to.is_approved,
                is_approval_left=False,
                approval_waits_for="",
                plan_fingerprint="",
                notices=notices,
                exported_at=None,
            )
        ledger_lines.forget_lines(row)
        self._king_order.may_remake = True


def _forget_what_was_sent(row: WorkOrder) -> None:
    lines = OrderLine.objects.filter(work_order=row, part=row.part)
    lines.filter(state=OrderLine.State.REMOVED).delete()
    lines.filter(state=OrderLine.State.SENT).update(state=OrderLine.State.PLANNED)
    lines.update(king_line_id="", sent={}, attempted={}, as_read={}, choices={}, is_imported=False)
