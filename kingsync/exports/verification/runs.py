"""When verification runs: at the end of each export, by the clock, and by command."""

from __future__ import annotations

import datetime
import sys

from django.utils import timezone

from kingsync.exports import problems
from kingsync.exports.export_job import Job
from kingsync.exports.verification import checks
from kingsync.exports.verification.checks import INTERVAL, LOOKED_UP_SINGLY, Found, Portion, Verification
from kingsync.models import tenants
from kingsync.models.connections import Connection
from kingsync.models.runs import RunKind
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.turns import Caller
from kingsync.models.work_orders import WorkOrder
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import reason
from kingsync.runs import clients, lease, refusals, schedule, wanted
from kingsync.runs.run_log import RunLog

# The clock serves all tenants in turn, so none may keep it for long.
CLOCK_CALLS, CLOCK_SECONDS = 100, 60.0
AFTER_EXPORT_CALLS, AFTER_EXPORT_SECONDS = 25, 60.0
NO_LIMIT, FOREVER = sys.maxsize, float("inf")


def after_export(job: Job) -> None:
    """Check a few work orders at the end of an export run. No fault of either system fails the run."""

    def count(row: WorkOrder) -> None:
        problems.count(job.claim, problems.found(row), outsmart_id=row.outsmart_id)

    portion = Portion(timezone.now() - INTERVAL, AFTER_EXPORT_CALLS, LOOKED_UP_SINGLY, AFTER_EXPORT_SECONDS)
    Verification(
        portion,
        choices=job.choices,
        outsmart=job.outsmart,
        king=job.king,
        log=job.log,
        heartbeat=job.heartbeat,
        on_change=count,
    ).carry_out()


def tenants_due() -> set[int]:
    """Return the tenants whose work orders the clock would check now."""
    return checks.tenants_due(timezone.now() - INTERVAL)


def by_clock() -> None:
    """Check a portion of what is due; nothing while a connection is paused or an export runs."""
    due_before = timezone.now() - INTERVAL
    connections = list(Connection.objects.defer("credentials"))
    if not schedule.is_connected(RunKind.EXPORT, connections) or not _is_any_due(due_before):
        return
    _carried_out(Portion(due_before, CLOCK_CALLS, NO_LIMIT, CLOCK_SECONDS))


def by_command() -> Found:
    """Check every exported work order now, due or not, as far as today's calls reach."""
    return _carried_out(Portion(timezone.now(), NO_LIMIT, NO_LIMIT, FOREVER))


def _is_any_due(due_before: datetime.datetime) -> bool:
    return checks.due_in_king(due_before).exists() or checks.due_in_outsmart(due_before).exists()


def _carried_out(portion: Portion) -> Found:
    """Verify with clients of our own; exports may be switched off, what they sent is still in King.

    Without an active licence, or while the tenant is being deleted, nothing is read either.
    """
    settings = SyncSettings.objects.select_related("tenant").first()
    nothing_runs = wanted.why_nothing_runs(settings.tenant) if settings else None
    if nothing_runs:
        return Found(error=nothing_runs)
    if _is_export_at_work():
        return Found(error=reason("decision.export_going_on"))
    try:
        with clients.both(Caller.VERIFICATION) as (outsmart, king):
            choices = settings.as_mapping().exports if settings else Exports()
            log = RunLog(None)
            return Verification(portion, choices=choices, outsmart=outsmart, king=king, log=log).carry_out()
    except refusals.REFUSALS as error:
        return Found(error=refusals.why(error))


def _is_export_at_work() -> bool:
    with lease.worker_lock(tenants.current_id(), RunKind.EXPORT) as is_ours:
        return not is_ours
