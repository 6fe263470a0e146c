"""Look for what is left of a deleted tenant: in every table of the database, in the folders and in the broker.

The tables are those of the database itself, not those of the models, so that a table that nobody thought of counts too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

from kingsync.models import tenants
from kingsync.models.accounts.invitations import Invitation
from kingsync.models.audit import doors
from kingsync.models.connections import Connection, System
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.runs import turns
from kingsync.upkeep.tenant_data import files, messages, people

# Of accounts that stay, the address is no trace.
_ACCOUNTS = "kingsync_user"


@dataclass(frozen=True)
class Marks:
    """What identifies a tenant and its people: keys, and texts that no other tenant has."""

    tenant_id: int
    slug: str
    user_ids: tuple[int, ...]
    emails: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Search:
    """What was searched, and how much was found where."""

    tables: int
    left: dict[str, int]


def marks_of(tenant: Tenant, accounts: Sequence[User]) -> Marks:
    """Return how to find what is left of a tenant, read while it is still there."""
    keys = tuple(user.pk for user in accounts)
    emails = tuple(user.email for user in accounts)
    return Marks(tenant.pk, tenant.slug, keys, emails, tuple(sorted(_texts(tenant, accounts))))


def search(marks: Marks) -> Search:
    """Search everywhere. Raises `BrokerAwayError`."""
    with tenants.across():
        return _search(marks)


def _search(marks: Marks) -> Search:
    with_tenant, others = _tables()
    found = {name: _rows_of(name, marks.tenant_id) for name in with_tenant}
    found |= {name: _rows_with(name, marks.texts) for name in others if name != _ACCOUNTS}
    found["kingsync_tenant"] += Tenant.objects.filter(pk=marks.tenant_id).count()
    found["kingsync_user"] = User.objects.filter(pk__in=marks.user_ids).count()
    found["kingsync_loginsession"] += people.sessions_of(marks.user_ids).count()
    found["kingsync_auditentry"] += doors.of_accounts(marks.emails).count()
    found["django_admin_log"] += people.admin_entries(marks.tenant_id, marks.user_ids).count()
    found["files"] = len(files.found(marks.slug, marks.tenant_id))
    found["messages"] = messages.of(marks.tenant_id)
    left = {name: number for name, number in sorted(found.items()) if number}
    return Search(len(with_tenant) + len(others), left)


def without_tenant(slug: str) -> dict[str, int]:
    """Return what is left of tenants that are gone: for a deletion that was killed before it was proven."""
    with tenants.across():
        found = _without_tenant()
    found["files"] = 1 if files.king_folder(slug) else 0
    return {name: number for name, number in found.items() if number}


def _without_tenant() -> dict[str, int]:
    with_tenant, _others = _tables()
    return {
        name: _count(
            f"SELECT count(*) FROM {_quoted(name)} r"  # noqa: S608  (a name from the database's own list)
            " WHERE tenant_id IS NOT NULL AND NOT EXISTS (SELECT FROM kingsync_tenant t WHERE t.id = r.tenant_id)"
        )
        for name in with_tenant
    }


def _texts(tenant: Tenant, accounts: Sequence[User]) -> Iterator[str]:
    """Yield texts by which a forgotten row is noticed, without those that other tenants and remaining people have."""
    yield f"/t/{tenant.slug}/"
    if not Tenant.objects.filter(name__icontains=tenant.name).exclude(pk=tenant.pk).exists():
        yield tenant.name
    emails = {user.email for user in accounts} | set(
        Invitation.objects.filter(tenant=tenant).values_list("email", flat=True)
    )
    for settings in SyncSettings.across_tenants.filter(tenant=tenant):
        emails |= set(settings.notification_emails)
    yield from emails - set(User.objects.exclude(pk__in=[user.pk for user in accounts]).values_list("email", flat=True))
    kings = Connection.across_tenants.filter(system=System.KING).exclude(base_url="")
    of_others = {turns.key_of(each) for each in kings.exclude(tenant=tenant)}
    yield from {turns.key_of(each) for each in kings.filter(tenant=tenant)} - of_others


_TABLES = """
    SELECT relname, EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant_id' AND attnum > 0)
    FROM pg_class c WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') ORDER BY 1
"""


def _tables() -> tuple[list[str], list[str]]:
    """Return the tables with a tenant in each row, and all others."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        found = cursor.fetchall()
    return [name for name, is_owned in found if is_owned], [name for name, is_owned in found if not is_owned]


def _rows_of(table: str, tenant_id: int) -> int:
    of_tenant = f"SELECT count(*) FROM {_quoted(table)} WHERE tenant_id = %s"  # noqa: S608  (a name of the database's)
    return _count(of_tenant, [tenant_id])


def _rows_with(table: str, texts: Sequence[str]) -> int:
    """Count the rows in which a column contains one of the texts, in whatever case."""
    return _count(
        f"SELECT count(*) FROM {_quoted(table)} r WHERE EXISTS"  # noqa: S608  (a name from the database's own list)
        " (SELECT FROM unnest(%s::text[]) AS mark WHERE position(lower(mark) IN lower(r::text)) > 0)",
        [list(texts)],
    )


def _quoted(table: str) -> str:
    return connection.ops.quote_name(table)


def _count(statement: str, values: Sequence[int | list[str]] = ()) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.fetchone()[0])
