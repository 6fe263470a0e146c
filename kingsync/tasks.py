"""All Celery entry points on one screen. A message only says "look at run N": the database is the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import engine, lifecycle, notices, retention, schedule

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

QUEUES = {RunKind.IMPORT: "imports", RunKind.EXPORT: "exports"}


def request_run(
    *,
    tenant: Tenant,
    kind: RunKind,
    trigger: SyncRun.Trigger,
    requested_by: AbstractBaseUser | None = None,
    options: dict[str, object] | None = None,
) -> lifecycle.Requested:
    """Queue a run and send its message once this transaction is stored; or join the open one.

    Raises `NotWantedError`.
    """
    with tenants.scope(tenant):
        requested = lifecycle.request(kind=kind, trigger=trigger, requested_by=requested_by, options=options)
    if not requested.joined:
        transaction.on_commit(lambda: _send(requested.run))
    return requested


def request_cancel(run: SyncRun) -> None:
    """Ask a run to stop between two records."""
    with tenants.scope(run.tenant_id):
        lifecycle.request_cancel(run)


def _send(run: SyncRun) -> None:
    # A message that no worker took in time is dropped: the sweeper sends another, so they never pile up.
    run_sync.apply_async(
        kwargs={"run_id": run.pk, "tenant_id": run.tenant_id}, queue=QUEUES[RunKind(run.kind)], expires=120
    )


@shared_task
def run_sync(*, run_id: int, tenant_id: int) -> None:
    """Work on a run for one slice, and queue it again when there is more."""
    with tenants.scope(tenant_id):
        worked = engine.work(run_id, slice_seconds=settings.RUN_SLICE_SECONDS)
        if worked.more:
            _send(SyncRun.objects.get(pk=run_id))


@shared_task(expires=60)
def start_due_runs() -> None:
    """Queue the runs that are due by each tenant's schedule."""
    for tenant in Tenant.objects.all():
        with tenants.scope(tenant):
            due = schedule.due_kinds(now=timezone.now())
        for kind in due:
            request_run(tenant=tenant, kind=kind, trigger=SyncRun.Trigger.SCHEDULE)


@shared_task(expires=60)
def sweep() -> None:
    """Send again what lost its message or its worker."""
    for tenant in Tenant.objects.all():
        with tenants.scope(tenant):
            for run in lifecycle.silent_runs():
                _send(run)


@shared_task(expires=60)
def send_notices() -> None:
    """Look for each tenant that wants mails whether one is due; a slow mail server holds up one tenant only."""
    for tenant_id in notices.tenants_with_mail():
        send_notice.apply_async(kwargs={"tenant_id": tenant_id}, queue=QUEUES[RunKind.IMPORT], expires=60)


@shared_task
def send_notice(*, tenant_id: int) -> None:
    """Send the mail that a tenant is due for, if any."""
    with tenants.scope(tenant_id):
        notices.send_due(now=timezone.now())


@shared_task
def throw_away_old() -> None:
    """Throw away the runs and log entries that are older than each tenant keeps them."""
    for tenant in Tenant.objects.all():
        with tenants.scope(tenant):
            retention.throw_away_old(now=timezone.now())
