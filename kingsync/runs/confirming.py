"""The last step: OutSmart hears that King has all of it. Repeated by later runs without touching King."""

from __future__ import annotations

from django.utils import timezone

from integrations import errors
from integrations.outsmart import payloads
from kingsync.models.wording import reason_of
from kingsync.models.work_orders import LedgerState, Step, WorkOrder
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import Plan
from kingsync.runs import decisions, ledger
from kingsync.runs.jobs import Job, Outcome


def confirm(job: Job, row: WorkOrder, plan: Plan, count: str) -> Outcome:
    """Set the status after success if there is one, acknowledge, and book the end."""
    try:
        answer = _acknowledge(job, row)
    except errors.TenantActionError as error:
        ledger.settle(row, LedgerState.UNCONFIRMED, [reason_of(error)])
        raise
    except errors.IntegrationError as error:
        ledger.settle(row, LedgerState.UNCONFIRMED, [reason("confirmation_failed", detail=str(error))])
        job.log.failure("order.not_confirmed", error, outsmart_id=row.outsmart_id)
        return Outcome(count, trouble=True)
    changed = _changed_meanwhile(job, row, plan, answer)
    state = LedgerState.CHANGED if changed else LedgerState.DONE
    ledger.settle(row, state, changed, step=Step.CONFIRMED, confirmed_at=timezone.now())
    return Outcome(count, trouble=bool(changed))


def _acknowledge(job: Job, row: WorkOrder) -> bytes:
    status = job.choices.success_status.strip()
    if status:
        job.outsmart.set_work_status(outsmart_id=row.outsmart_id, work_status=status)
    return job.outsmart.acknowledge_work_order(outsmart_id=row.outsmart_id)


def _changed_meanwhile(job: Job, row: WorkOrder, plan: Plan, answer: bytes) -> list[Reason]:
    """Compare the work order in the confirmation's answer with what was exported."""
    try:
        source = payloads.work_order(answer)
    except errors.PayloadError:
        return []
    now = decisions.plan_for(job, row, source, number=row.king_order_number or "")
    if [line.content for line in now.lines] == [line.content for line in plan.lines]:
        return []
    return [reason("changed_after_export")]
