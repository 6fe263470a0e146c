"""The last step: report completion to OutSmart. Later runs repeat it without touching King."""

from __future__ import annotations

from django.utils import timezone

from integrations import errors
from kingsync.exports import ledger, problems
from kingsync.exports.export_job import Job, Outcome
from kingsync.exports.verification import reconcile
from kingsync.messages.reason_texts import reason_of
from kingsync.models.in_hand import Problem
from kingsync.models.work_orders import LedgerState, Step, WorkOrder
from kingsync.rules.outcomes import with_cause


def confirm(job: Job, row: WorkOrder, count: str) -> Outcome:
    """Set the status after success if there is one, acknowledge, and save the end.

    OutSmart's answer is compared with what was exported.
    """
    try:
        answer = acknowledge(job, row)
    except errors.TenantActionError as error:
        ledger.settle(row, LedgerState.UNCONFIRMED, [reason_of(error)])
        raise
    except errors.IntegrationError as error:
        ledger.settle(row, LedgerState.UNCONFIRMED, [with_cause("confirmation_failed", reason_of(error))])
        if problems.found(row) is not Problem.KNOWN:
            job.log.failure("order.not_confirmed", error, outsmart_id=row.outsmart_id)
        return Outcome(count)
    now = timezone.now()
    ledger.settle(row, LedgerState.DONE, step=Step.CONFIRMED, confirmed_at=now, verified_at=now)
    reconcile.compare(job, row, answer, is_saved=True)
    return Outcome(count)


def acknowledge(job: Job, row: WorkOrder) -> bytes:
    status = job.choices.success_status.strip()
    if status:
        job.outsmart.set_work_status(outsmart_id=row.outsmart_id, work_status=status)
    return job.outsmart.acknowledge_work_order(outsmart_id=row.outsmart_id)
