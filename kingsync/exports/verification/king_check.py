"""Compare what we wrote into a King order with what King has now. What is found becomes notices; nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from django.utils import timezone

from integrations.king.records import Order
from kingsync.exports import ledger, verdict
from kingsync.exports.export_job import PlanningJob
from kingsync.exports.lines import ledger_lines
from kingsync.messages.reason_texts import StoredReason, stored
from kingsync.models.runs import LogEntry
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.rules import differences, headers, orders
from kingsync.rules.differences import Differences
from kingsync.rules.outcomes import Reason, reason

DIFFERS, GONE, DELIVERED = "order.differs_in_king", "order.gone_in_king", "order.delivered_in_king"
# Log events that users must hear of; a delivery is the normal course.
FINDINGS = (DIFFERS, GONE)


def compare(job: PlanningJob, row: WorkOrder, order: Order) -> list[Reason]:
    """Save how King's order differs from what we wrote; return what is newly found, deliveries left out."""
    steps = differences.by_staff(
        orders.external_number(row.outsmart_id, row.part), ledger_lines.saved_lines(row), order
    )
    names = _names_of(row) if steps.notices or steps.delivered else {}
    before = [why for why in row.notices if why["code"] not in verdict.BY_VERIFICATION]
    notices = verdict.notices(_named(steps, names), before=before)
    notices += map(stored, _about_order(row, order, [names.get(each, each) for each in steps.delivered]))
    new = _log_new(job, row, notices)
    is_ours = row.is_created_by_us
    ledger.save_lazily(
        row,
        notices=notices,
        king_checked_at=timezone.now(),
        king_closed_at=None,
        is_seen_approved=order.is_approved,
        header_as_read=row.header_as_read or (headers.as_read(order) if is_ours else {}),
    )
    return new


def gone(job: PlanningJob, row: WorkOrder) -> list[Reason]:
    """Save that King no longer shows the order as open; return that as a finding unless the order was approved."""
    now, notices = timezone.now(), list(row.notices)
    if not (row.is_approved or row.is_seen_approved):
        notices.append(stored(reason("king_order_gone", number=row.king_order_number or "")))
    new = _log_new(job, row, notices)
    ledger.save_lazily(row, notices=notices, king_checked_at=now, king_closed_at=now)
    return new


def _about_order(row: WorkOrder, order: Order, delivered: list[str]) -> Iterator[Reason]:
    for kept in headers.staff_changes(row.header_as_read, order):
        yield reason("king_header_changed", number=order.number, **msgspec.to_builtins(kept))
    if delivered:
        yield reason("delivered_in_king", number=order.number, lines=", ".join(delivered))


def _names_of(row: WorkOrder) -> dict[str, str]:
    """Return what each line comes from, by its reference: as an export names it."""
    return dict(OrderLine.objects.filter(work_order=row).values_list("reference", "source"))


def _named(steps: Differences, names: dict[str, str]) -> Differences:
    notices = (msgspec.structs.replace(each, label=names.get(each.reference, each.label)) for each in steps.notices)
    return msgspec.structs.replace(steps, notices=tuple(notices))


def _log_new(job: PlanningJob, row: WorkOrder, notices: Iterable[StoredReason]) -> list[Reason]:
    new = [msgspec.convert(why, Reason) for why in notices if why not in row.notices]
    for why in new:
        event = {"delivered_in_king": DELIVERED, "king_order_gone": GONE}.get(why.code, DIFFERS)
        level = LogEntry.Level.WARNING if event in FINDINGS else LogEntry.Level.INFO
        job.log_event(row, event, why, level)
    return [why for why in new if why.code != "delivered_in_king"]
