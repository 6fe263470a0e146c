"""Purge runs, log entries, notifications and invitations older than a tenant keeps them. Ledger and decisions stay."""

from __future__ import annotations

import datetime

from django.db import connection, models
from django.db.models import Exists, OuterRef

from kingsync.models import tenants
from kingsync.models.accounts.invitations import Invitation
from kingsync.models.accounts.login_tries import LoginTry
from kingsync.models.api import tokens
from kingsync.models.api.tokens import ApiStart, ApiToken
from kingsync.models.api.webhooks import WebhookDelivery
from kingsync.models.links import RecordLink
from kingsync.models.notifications import SentNotification
from kingsync.models.runs import LogEntry, RunKind, SyncRun
from kingsync.models.sync_settings import MailMode
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.runs import background_calls, payloads

# Small enough that no statement locks its rows for long while runs are in progress.
ENTRIES_AT_ONCE, RUNS_AT_ONCE = 5_000, 200
# Far longer than they count.
TRIES_KEPT = datetime.timedelta(days=1)


# Who has nothing old is not found; what is kept longer for a reason may be found in vain.
_WITH_OLD = """
    SELECT tenant.id FROM kingsync_tenant AS tenant
    CROSS JOIN LATERAL (
        SELECT %(now)s - make_interval(days => log_days), %(now)s - make_interval(days => payload_days)
    ) AS oldest (log, payload)
    WHERE EXISTS (SELECT FROM kingsync_syncrun WHERE tenant_id = tenant.id AND finished_at < oldest.log)
    OR EXISTS (
        SELECT FROM kingsync_syncrun
        WHERE tenant_id = tenant.id AND finished_at < oldest.payload AND NOT dry_run_examples = '{}'
    )
    OR (SELECT at FROM kingsync_logentry WHERE tenant_id = tenant.id ORDER BY id LIMIT 1) < oldest.log
    OR EXISTS (SELECT FROM kingsync_logentry WHERE tenant_id = tenant.id AND has_payload AND at < oldest.payload)
    OR EXISTS (SELECT FROM kingsync_changelimittrip WHERE tenant_id = tenant.id AND tripped_at < oldest.payload)
    OR EXISTS (SELECT FROM kingsync_sentnotification WHERE tenant_id = tenant.id AND sent_at < oldest.log)
    OR EXISTS (SELECT FROM kingsync_invitation WHERE tenant_id = tenant.id AND expires_at < oldest.log)
    OR EXISTS (
        SELECT FROM kingsync_backgroundcall WHERE tenant_id = tenant.id AND requested_at < %(call)s
    )
"""


def tenants_with_old(*, now: datetime.datetime) -> set[int]:
    """Return the tenants that may have kept something long enough, by one statement."""
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(_WITH_OLD, {"now": now, "call": now - background_calls.KEPT})
        return {tenant_id for (tenant_id,) in cursor.fetchall()}


def purge_old(*, now: datetime.datetime) -> None:
    """Purge what the current tenant has kept for `log_days`. Deletions are kept if it is killed."""
    log_days = Tenant.objects.values_list("log_days", flat=True).get(pk=tenants.current_id())
    background_calls.purge_old(now=now)
    payloads.remove_old(now=now)
    limit = now - datetime.timedelta(days=log_days)
    _purge_addresses(limit)
    _purge_of_api(now, limit)
    _delete_by_batch(LogEntry.objects.filter(~_lasting(), at__lt=limit), ENTRIES_AT_ONCE)
    old_runs = SyncRun.objects.filter(finished_at__lt=limit, status__in=SyncRun.FINAL).exclude(pk__in=_newest())
    old_runs = old_runs.exclude(Exists(LogEntry.objects.filter(_lasting(), run=OuterRef("pk"))))
    # A run that ended long ago has no newer entries: entries go first, in batches.
    _delete_by_batch(LogEntry.objects.filter(run__in=old_runs.values("pk")), ENTRIES_AT_ONCE)
    _delete_by_batch(old_runs, RUNS_AT_ONCE)


def purge_login_tries(*, now: datetime.datetime) -> None:
    """Purge old login attempts, which belong to no tenant."""
    LoginTry.objects.filter(at__lt=now - TRIES_KEPT).delete()


def _purge_addresses(limit: datetime.datetime) -> None:
    """Purge notifications, but not the newest, from which the next one continues, and invitations that are over."""
    sent = SentNotification.objects.filter(problem="").order_by("-pk")
    kept = [sent.first(), sent.filter(mode=MailMode.DIGEST).first(), SentNotification.objects.order_by("-pk").first()]
    old = SentNotification.objects.filter(sent_at__lt=limit)
    old.exclude(pk__in=[each.pk for each in kept if each]).delete()
    Invitation.objects.filter(tenant_id=tenants.current_id(), expires_at__lt=limit).delete()


def _purge_of_api(now: datetime.datetime, limit: datetime.datetime) -> None:
    """Purge keys that no longer count, tokens that have long been useless, and what was delivered or given up."""
    ApiStart.objects.filter(created_at__lt=now - tokens.KEY_COUNTS_FOR).delete()
    ApiToken.objects.filter(models.Q(revoked_at__lt=limit) | models.Q(expires_at__lt=limit)).delete()
    WebhookDelivery.objects.filter(created_at__lt=limit).exclude(state=WebhookDelivery.State.WAITING).delete()


def _lasting() -> models.Q:
    """Match the entries of unresolved problems: each was written once, however long ago."""
    work_orders = WorkOrder.objects.filter(
        outsmart_id=OuterRef("outsmart_id"), state__in=WorkOrder.NEEDS_A_PERSON, problem_since__lte=OuterRef("at")
    )
    records = RecordLink.objects.filter(
        kind=OuterRef("record_kind"), king_id=OuterRef("king_id"), state=RecordLink.State.REJECTED
    )
    return models.Q(Exists(work_orders) | Exists(records)) & ~models.Q(level=LogEntry.Level.INFO)


def _newest() -> list[int]:
    """Return the newest finished runs of each kind: the schedule counts from them, and the pages show them."""
    kept = []
    for kind in RunKind:
        finished = (
            SyncRun.objects.filter(kind=kind, status__in=SyncRun.FINAL).order_by("-pk").values_list("pk", flat=True)
        )
        kept += [finished.first(), finished.exclude(options__has_any_keys=SyncRun.PARTIAL).first()]
    return [pk for pk in kept if pk is not None]


def _delete_by_batch(rows: models.QuerySet[LogEntry] | models.QuerySet[SyncRun], size: int) -> None:
    model = rows.model
    while batch := list(rows.order_by().values_list("pk", flat=True)[:size]):
        deleted = model.objects.filter(pk__in=batch).delete()[1].get(model._meta.label, 0)
        if not deleted:
            break  # another process just purged them
