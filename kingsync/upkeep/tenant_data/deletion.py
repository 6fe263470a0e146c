"""Delete everything of a tenant. May be killed at any moment and repeated: the tenant's own row goes last.

Large tables are emptied in batches, so that nothing else is held up; what is small, and what was added meanwhile, goes
in one transaction with the tenant's row.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.accounts.invitations import Invitation
from kingsync.models.audit import doors
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import Connection
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.models.tenants import Administration, Membership, Tenant
from kingsync.runs import lease, lifecycle, turns
from kingsync.upkeep.tenant_data import files, messages, people, tables, traces
from kingsync.upkeep.tenant_data.tables import Model
from kingsync.upkeep.tenant_data.traces import Marks

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 5_000
ASK_AGAIN_SECONDS = 0.2
# Pages and a repeated deletion need these until the end; they are small.
_TO_THE_END: tuple[Model, ...] = (
    Membership,
    Invitation,
    Administration,
    Connection,
    SyncSettings,
    SettingsVersion,
    AuditEntry,
)


class StillRunningError(Exception):
    """A run or a page's call did not end in time; nothing was deleted."""


@dataclass(frozen=True)
class Deleted:
    """What was deleted: rows by table, files, messages, the addresses of accounts; and how to find what is left."""

    rows: dict[str, int]
    files: int
    messages: int
    accounts: tuple[str, ...]
    marks: Marks


def counts(tenant: Tenant) -> dict[str, int]:
    """Return how many rows each table holds of the tenant; tables without any are left out."""
    with tenants.scope(tenant):
        found = {model._meta.db_table: tables.rows_of(model, tenant.pk).count() for model in tables.of_tenants()}
    return {name: number for name, number in sorted(found.items()) if number}


def delete(tenant: Tenant, *, wait_seconds: float) -> Deleted:
    """Delete the tenant. Raises `StillRunningError`, `BrokerAwayError`, `OSError`; it can be repeated after each."""
    messages.of(tenant.pk)  # an absent broker is noticed before anything is gone
    with _closed(tenant, wait_seconds):
        logger.info("tenant.deletion_began: tenant %s", tenant.slug)
        rows: Counter[str] = Counter()
        for model in tables.of_tenants():
            if model not in _TO_THE_END:
                rows[model._meta.db_table] += _delete_in_batches(model, tenant.pk)
        deleted = _delete_the_rest(tenant, rows)
    logger.info("tenant.deleted: tenant %s", tenant.slug)
    return deleted


# --- Nothing runs meanwhile -------------------------------------------------------------------------------------------


@contextmanager
def _closed(tenant: Tenant, wait_seconds: float) -> Iterator[None]:
    """Keep runs from starting, stop those in progress, and hold the locks of their workers inside the block."""
    before = Tenant.objects.values_list("closing_at", flat=True).get(pk=tenant.pk)
    Tenant.objects.filter(pk=tenant.pk).update(closing_at=timezone.now())
    with tenants.scope(tenant), ExitStack() as locks:
        try:
            _stop_what_runs(wait_seconds)
            for kind in RunKind:
                locks.enter_context(_locked(tenant.pk, kind, wait_seconds))
        except StillRunningError:
            Tenant.objects.filter(pk=tenant.pk).update(closing_at=before)
            raise
        yield


@contextmanager
def _locked(tenant_id: int, kind: RunKind, wait_seconds: float) -> Iterator[None]:
    with lease.worker_lock(tenant_id, kind, patience_seconds=wait_seconds) as is_ours:
        if not is_ours:
            raise StillRunningError
        yield


def _stop_what_runs(wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        for each in SyncRun.objects.filter(status__in=SyncRun.OPEN):
            lifecycle.request_cancel(each)
        for kind in RunKind:
            lifecycle.interrupt_dead(kind)
        runs = SyncRun.objects.filter(status__in=SyncRun.OPEN)
        calls = BackgroundCall.objects.filter(state__in=BackgroundCall.OPEN, expires_at__gt=timezone.now())
        if not runs.exists() and not calls.exists():
            return
        if time.monotonic() >= deadline:
            raise StillRunningError
        time.sleep(ASK_AGAIN_SECONDS)


# --- Rows -------------------------------------------------------------------------------------------------------------


def _delete_in_batches(model: Model, tenant_id: int) -> int:
    total = 0
    while number := _delete_some(model, tenant_id):
        total += number
    return total


def _delete_some(model: Model, tenant_id: int) -> int:
    """Delete a batch of a tenant's rows and return its size: the only place that deletes from tenants' tables."""
    batch = tables.rows_of(model, tenant_id).order_by().values("pk")[:ROWS_AT_ONCE]
    # Without Django's cascade, which would load every row: whatever refers to these is gone by now.
    with doors.removing_statements(tenant_id):
        return model._base_manager.filter(pk__in=batch)._raw_delete("default")


def _delete_the_rest(tenant: Tenant, rows: Counter[str]) -> Deleted:
    """Delete what is left, files and accounts included, and the tenant itself: all of it or nothing."""
    with transaction.atomic():
        # Whatever refers to the tenant waits for this lock, and is refused after it.
        Tenant.objects.select_for_update().get(pk=tenant.pk)
        accounts = list(people.of_only(tenant))
        with tenants.across():  # what other tenants share with this one stays
            marks = traces.marks_of(tenant, accounts)
            turns.forget(of=tenant.pk)
        with doors.deleting_tenant(tenant.pk, tenant.name, emails=marks.emails):
            for model in tables.of_tenants():
                rows[model._meta.db_table] += _delete_in_batches(model, tenant.pk)
            people.admin_entries(tenant.pk, marks.user_ids).delete()
            with tenants.across():  # other tenants keep what these people decided there, without the account
                people.delete(accounts)
            Tenant.objects.filter(pk=tenant.pk)._raw_delete("default")
        files_removed = files.remove(tenant.slug, tenant.pk)
    removed = messages.remove(tenant.pk)
    kept = {name: number for name, number in rows.items() if number}
    return Deleted(kept, files_removed, removed, marks.emails, marks)
