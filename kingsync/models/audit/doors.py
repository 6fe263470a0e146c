"""The two ways in which entries leave the audit trail; the database refuses all others (migration 0003)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.audit.entries import AuditEntry

# The trigger knows both names.
DELETING_TENANT, PURGING = "kingsync.deleting_tenant", "kingsync.purging_audit"
# Younger entries are refused by the trigger, whatever the deployment says.
LEAST_YEARS = 1
AT_ONCE = 5_000


@contextmanager
def deleting_tenant(tenant_id: int, name: str) -> Iterator[None]:
    """Let the block delete a company with its entries; that it was deleted is recorded as of no company.

    All in one transaction: without the deletion the entries stay.
    """
    with transaction.atomic():
        with _open(DELETING_TENANT, str(tenant_id)):
            yield
        trail.record(Action.COMPANY_DELETED, tenant=None, subject=name)


def purge_older_than(limit: datetime.datetime) -> int:
    """Delete the entries from before this moment, in batches; return how many there were, which is recorded."""
    count = 0
    while deleted := _purge_batch(limit):
        count += deleted
    return count


def _purge_batch(limit: datetime.datetime) -> int:
    with transaction.atomic():
        old = AuditEntry.across_tenants.filter(at__lt=limit).order_by("at").values("pk")[:AT_ONCE]
        with _open(PURGING, "on"):
            deleted, _by_model = AuditEntry.across_tenants.filter(pk__in=old).delete()
        if deleted:
            trail.record(Action.TRAIL_PURGED, tenant=None, after={"entries": deleted, "before": limit.isoformat()})
    return deleted


@contextmanager
def _open(name: str, value: str) -> Iterator[None]:
    """Set a setting of this transaction for the block; PostgreSQL forgets it with the transaction anyway."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        yield
        cursor.execute("SELECT set_config(%s, '', true)", [name])
