"""Purge runs, log entries, notifications and invitations older than a tenant keeps them. Ledger and decisions stay."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

from django.db import connection, models
from django.db.models import Exists, OuterRef

from kingsync.models import ledger_counts, tenants
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
from kingsync.runs import background_calls, payloads, run_log

M = TypeVar("M", bound=models.Model)

# Small enough that no statement locks its rows for long while runs are in progress.
ENTRIES_AT_ONCE, ROWS_AT_ONCE, RUNS_AT_ONCE = 5_000, 1_000, 200
# Far longer than they count.
TRIES_KEPT = datetime.timedelta(days=1)


# Who has nothing old is not found; what is kept longer for a reason may be found in vain.
# Entries are as old as their run.
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
    OR EXISTS (SELECT FROM kingsync_logentry WHERE tenant_id = tenant.id AND run_id IS NULL AND at < oldest.log)
    OR EXISTS (SELECT FROM kingsync_logentry WHERE tenant_id = tenant.id AND has_payload AND at < oldest.payload)
    OR EXISTS (SELECT FROM kingsync_changelimittrip WHERE tenant_id = tenant.id AND tripped_at < oldest.payload)
    OR EXISTS (SELECT FROM kingsync_sentnotification WHERE tenant_id = tenant.id AND sent_at < oldest.log)
    OR EXISTS (SELECT FROM kingsync_invitation WHERE tenant_id = tenant.id AND expires_at < oldest.log)
    OR EXISTS (
        SELECT FROM kingsync_backgroundcall WHERE tenant_id = tenant.id AND requested_at < %(call)s
    )
    OR EXISTS (SELECT FROM kingsync_ledgercount WHERE tenant_id = tenant.id AND is_change)
"""


def tenants_with_old(*, now: datetime.datetime) -> set[int]:
    """Return the tenants that may have kept something long enough, by one statement."""
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(_WITH_OLD, {"now": now, "call": now - background_calls.KEPT})
        return {tenant_id for (tenant_id,) in cursor.fetchall()}


def purge_old(*, now: datetime.datetime, rest: Callable[[], None] = lambda: None) -> None:
    """Purge what the current tenant has kept for `log_days`, and call `rest` between two steps of it.

    A step takes far less than a second, however much is old. What is deleted stays deleted if it is killed; the next
    night goes on with what is left.
    """
    log_days = Tenant.objects.values_list("log_days", flat=True).get(pk=tenants.current_id())
    background_calls.purge_old(now=now)
    ledger_counts.merge()
    payloads.remove_old(now=now, rest=rest)
    limit = now - datetime.timedelta(days=log_days)
    _purge_addresses(limit, rest)
    _purge_of_api(now, limit, rest)
    for kind in run_log.logged_kinds():
        _purge_entries(kind, limit, rest)
    _purge_runs(limit, rest)


def purge_login_tries(*, now: datetime.datetime) -> None:
    """Purge old login attempts, which belong to no tenant."""
    LoginTry.objects.filter(at__lt=now - TRIES_KEPT).delete()


def _purge_addresses(limit: datetime.datetime, rest: Callable[[], None]) -> None:
    """Purge notifications, but not the newest, from which the next one continues, and invitations that are over."""
    sent = SentNotification.objects.filter(problem="").order_by("-pk")
    kept = [sent.first(), sent.filter(mode=MailMode.DIGEST).first(), SentNotification.objects.order_by("-pk").first()]
    old = SentNotification.objects.filter(sent_at__lt=limit)
    _delete_by_batch(old.exclude(pk__in=[each.pk for each in kept if each]), ROWS_AT_ONCE, rest)
    Invitation.objects.filter(tenant_id=tenants.current_id(), expires_at__lt=limit).delete()


def _purge_of_api(now: datetime.datetime, limit: datetime.datetime, rest: Callable[[], None]) -> None:
    """Purge keys that no longer count, tokens that have long been useless, and what was delivered or given up."""
    _delete_by_batch(ApiStart.objects.filter(created_at__lt=now - tokens.KEY_COUNTS_FOR), ROWS_AT_ONCE, rest)
    ApiToken.objects.filter(models.Q(revoked_at__lt=limit) | models.Q(expires_at__lt=limit)).delete()
    delivered = WebhookDelivery.objects.filter(created_at__lt=limit).exclude(state=WebhookDelivery.State.WAITING)
    _delete_by_batch(delivered, ROWS_AT_ONCE, rest)


def _purge_entries(kind: run_log.Kind, limit: datetime.datetime, rest: Callable[[], None]) -> None:
    """Purge the entries of a kind from the oldest on, a stretch of its index at a time: what lasts is read once."""
    old = LogEntry.objects.filter(**asdict(kind), at__lt=limit).order_by("at", "pk")
    stretch = old
    while keys := list(stretch.values_list("at", "pk")[:ENTRIES_AT_ONCE]):
        doomed = LogEntry.objects.filter(pk__in=[pk for _at, pk in keys])
        (doomed if kind.level == LogEntry.Level.INFO else doomed.filter(~_lasting())).delete()
        last_at, last = keys[-1]
        stretch = old.filter(at__gte=last_at).exclude(at=last_at, pk__lte=last)
        rest()


def _purge_runs(limit: datetime.datetime, rest: Callable[[], None]) -> None:
    """Purge old runs with what is left of their log, but not those that an unresolved problem names."""
    old = SyncRun.objects.filter(finished_at__lt=limit, status__in=SyncRun.FINAL).exclude(pk__in=_newest())
    old = old.exclude(Exists(LogEntry.objects.filter(_lasting(), run=OuterRef("pk"))))
    # A run that ended long ago has no newer entries, but for those of a clock that was wrong: entries go first.
    _delete_by_batch(LogEntry.objects.filter(run__in=old.values("pk")), ENTRIES_AT_ONCE, rest)
    _delete_by_batch(old, RUNS_AT_ONCE, rest)


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


def _delete_by_batch(rows: models.QuerySet[M], size: int, rest: Callable[[], None]) -> None:
    model = rows.model
    while batch := list(rows.order_by().values_list("pk", flat=True)[:size]):
        deleted = model._base_manager.filter(pk__in=batch).delete()[1].get(model._meta.label, 0)
        rest()
        if not deleted:
            break  # another process just purged them
