"""Check exported work orders again: the office may have edited them afterwards."""

from __future__ import annotations

import datetime

from django.db.models import Q
from django.utils import timezone

from integrations import errors
from integrations.outsmart import payloads
from kingsync.exports import ledger, problems, verdict
from kingsync.exports.export_job import Job
from kingsync.models.runs import LogEntry
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules import changes
from kingsync.rules.outcomes import Reason, reason

WATCHED = datetime.timedelta(days=14)
INTERVAL = datetime.timedelta(hours=6)
# OutSmart offers no list of changes, so each is a call of its own: a few per run.
AT_MOST = 25


def verify(job: Job) -> None:
    """Compare recently exported work orders that are due with OutSmart's current data."""
    for row in _due(timezone.now()):
        job.heartbeat()
        try:
            answer = job.outsmart.get_work_order(outsmart_id=row.outsmart_id)
        except errors.TenantActionError:
            raise
        except errors.IntegrationError as error:
            job.log.failure("order.not_compared", error, outsmart_id=row.outsmart_id)
            continue
        if compare(job, row, answer):
            problems.count(job.claim, problems.found(row))


def _due(now: datetime.datetime) -> list[WorkOrder]:
    due = Q(verified_at=None) | Q(verified_at__lt=now - INTERVAL)
    exported = WorkOrder.objects.filter(due, state=LedgerState.DONE, confirmed_at__gt=now - WATCHED)
    return list(exported.order_by("verified_at")[:AT_MOST])


def compare(job: Job, row: WorkOrder, answer: bytes) -> list[Reason]:
    """Save the comparison of an exported work order with OutSmart's bytes; return what differs."""
    found = _differences(job, row, answer)
    if not found:
        ledger.save_lazily(row, verified_at=timezone.now())
        return []
    why = reason("changed_after_export", detail="; ".join(found))
    ledger.settle(row, LedgerState.CHANGED, [why], verified_at=timezone.now())
    job.log_event(row, "order.changed", why, LogEntry.Level.WARNING)
    return [why]


def _differences(job: Job, row: WorkOrder, answer: bytes) -> list[str]:
    try:
        source = payloads.work_order(answer)
    except errors.PayloadError as error:
        job.log.failure("order.not_compared", error, outsmart_id=row.outsmart_id)
        return []
    now = verdict.plan_for(job, row, source, number=row.king_order_number or "")
    return changes.since_export(ledger.saved_lines(row), now)
