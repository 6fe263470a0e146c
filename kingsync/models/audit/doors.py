"""The ways in which entries leave the audit trail and signed statements their table: the database refuses all others.

Migrations 0003 and 0010.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, models, transaction

from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.audit.entries import AuditEntry

# The trigger knows both names.
DELETING_TENANT, DELETING_ACCOUNTS = "kingsync.deleting_tenant", "kingsync.deleting_accounts"
PURGING = "kingsync.purging_audit"
# The same of signed statements: a company is deleted, or imported from another installation.
REMOVING_STATEMENTS, IMPORTING_STATEMENTS = "kingsync.removing_statements", "kingsync.importing_statements"
# Younger entries are refused by the trigger, whatever the deployment says.
LEAST_YEARS = 1
AT_ONCE = 5_000


@contextmanager
def deleting_tenant(tenant_id: int, name: str, *, emails: Sequence[str] = ()) -> Iterator[None]:
    """Let the block delete a company with its entries, and accounts that go with it with those of no company.

    All in one transaction: without the deletion the entries stay. Only that the company was deleted is recorded, as of
    no company.
    """
    with transaction.atomic():
        with _open(DELETING_TENANT, str(tenant_id)), _open(DELETING_ACCOUNTS, "\n".join(emails)), trail.silent():
            yield
            of_accounts(emails).delete()
        trail.record(Action.COMPANY_DELETED, tenant=None, subject=name)


@contextmanager
def removing_statements(tenant_id: int) -> Iterator[None]:
    """Let the block delete a company's signed statements."""
    with transaction.atomic(), _open(REMOVING_STATEMENTS, str(tenant_id)):
        yield


@contextmanager
def importing_statements(tenant_id: int) -> Iterator[None]:
    """Let the block add work orders to statements that a company's people signed in another installation."""
    with transaction.atomic(), _open(IMPORTING_STATEMENTS, str(tenant_id)):
        yield


def of_accounts(emails: Sequence[str]) -> models.QuerySet[AuditEntry]:
    """Return the entries of no company that name one of these accounts, as the trigger decides it."""
    named = models.Q(pk__in=[])
    for email in emails:
        named |= models.Q(subject__icontains=email) | models.Q(actor__icontains=email)
    return AuditEntry.across_tenants.filter(named, tenant=None)


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
