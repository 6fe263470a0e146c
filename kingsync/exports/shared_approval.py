"""Approve shared orders at the end of a run: the work order that they waited for left them, or was excluded."""

from __future__ import annotations

from integrations import errors
from integrations.king.records import Order
from kingsync.exports import ledger, shared_orders
from kingsync.exports.export_job import Job
from kingsync.exports.king_order import KingOrder
from kingsync.models.runs import LogEntry
from kingsync.models.work_orders import WorkOrder
from kingsync.rules.outcomes import Reason


def approve_waiting(job: Job) -> None:
    """Approve what no longer waits for another work order. Raises the errors that stop a run."""
    if not job.choices.approve_order:
        return
    waiting = WorkOrder.objects.exclude(approval_waits_for="").filter(state__in=shared_orders.APPROVABLE)
    for key in list(waiting.order_by("pk").values_list("pk", flat=True)):
        job.heartbeat()
        row = waiting.filter(pk=key).first()  # not those whose order was approved for another one just now
        if row is not None:
            _look_again(job, row)


def _look_again(job: Job, row: WorkOrder) -> None:
    number = row.king_order_number or ""
    names = shared_orders.waits_for(row, number, job.listed_numbers)
    if names:
        if names != row.approval_waits_for:
            ledger.save_lazily(row, approval_waits_for=names)
        return
    try:
        _approve(job, row, number)
    except (errors.TenantActionError, errors.UnreachableError):
        raise
    except errors.IntegrationError as error:  # the next run tries again
        job.log.failure("order.not_approved", error, outsmart_id=row.outsmart_id)


def _approve(job: Job, row: WorkOrder, number: str) -> None:
    king_order = KingOrder(job, row)
    order = king_order.read(number)
    if order is None or not shared_orders.is_of_us(order) or order.is_approved:
        ledger.save_lazily(row, approval_waits_for="", is_approved=order is not None and order.is_approved)
        return
    if _has_credit(order):
        ledger.save_lazily(row, approval_waits_for="", is_approval_left=True)
        return
    before = row.step, row.plan_fingerprint
    try:
        problem = king_order.approve(number)
    finally:
        king_order.unlock()
    step, fingerprint = before  # approving changes nothing of what King has of this work order
    ledger.save(row, step=step, plan_fingerprint=fingerprint)
    _save(job, row, problem, number)


def _save(job: Job, row: WorkOrder, problem: Reason | None, number: str) -> None:
    if problem is not None:
        job.log_event(row, "order.not_approved", problem, LogEntry.Level.ERROR)
        return
    shared_orders.approved(row, number)


def _has_credit(order: Order) -> bool:
    return any(line.quantity is not None and line.quantity < 0 for line in order.lines)
