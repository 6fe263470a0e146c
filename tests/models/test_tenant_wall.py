"""The wall between tenants in the database: raw SQL that tries to cross it, and what could leave a hole in it."""

from __future__ import annotations

import threading

import psycopg
import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction

from kingsync.database import sessions
from kingsync.database.rows import AcrossQuerySet
from kingsync.models import tenants
from kingsync.models.tenants import Tenant, TenantOwned
from kingsync.upkeep import tenant_wall
from tests import patience
from tests.tenant_rows import changed, owned_models, row_of, rows, seen

OWNED = pytest.mark.parametrize("model", owned_models(), ids=lambda model: model.__name__)
REFUSED = "row-level security"
# What signed statements answer before the wall does.
FINAL = "Signed statements are final"


def copy_in(table: str, tenant_id: int) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} (tenant_id) FROM STDIN") as copy:
        copy.write_row([tenant_id])


def look_and_fail(tenant: Tenant) -> None:
    with transaction.atomic(), tenants.scope(tenant):
        assert seen() == {tenant.pk}
        raise ZeroDivisionError


# --- Every table ------------------------------------------------------------------------------------------------------


@OWNED
def test_raw_sql_in_a_scope_reads_no_row_of_others(model: type[TenantOwned], mine: Tenant, theirs: Tenant) -> None:
    own, table = row_of(model, mine), model._meta.db_table
    foreign = row_of(model, theirs)

    with tenants.scope(mine):
        assert {tenant for (tenant,) in rows(f"SELECT tenant_id FROM {table}")} == {mine.pk}
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} (tenant_id) TO STDOUT") as copy:
            assert {int(bytes(line)) for line in copy} == {mine.pk}

    assert rows(f"SELECT tenant_id FROM {table}") == []
    assert model.across_tenants.filter(tenant__in=[mine, theirs], pk__in=[own.pk, foreign.pk]).count() == 2


@OWNED
def test_raw_sql_in_a_scope_writes_no_row_of_others(model: type[TenantOwned], mine: Tenant, theirs: Tenant) -> None:
    row_of(model, mine)
    foreign, table = row_of(model, theirs), model._meta.db_table

    with tenants.scope(mine):
        assert changed(f"UPDATE {table} SET tenant_id = %s WHERE id = %s", mine.pk, foreign.pk) == 0
        assert changed(f"DELETE FROM {table} WHERE tenant_id = %s", theirs.pk) == 0
        with pytest.raises(ProgrammingError, match=f"{REFUSED}|{FINAL}"), transaction.atomic():
            changed(f"UPDATE {table} SET tenant_id = %s", theirs.pk)

    assert model.across_tenants.filter(pk=foreign.pk, tenant=theirs).exists()


@OWNED
def test_raw_sql_in_a_scope_adds_no_row_to_others(model: type[TenantOwned], mine: Tenant, theirs: Tenant) -> None:
    row_of(model, mine)
    table = model._meta.db_table
    columns = [field.column for field in model._meta.concrete_fields if field.column not in ("id", "tenant_id")]
    names = ", ".join(f'"{name}"' for name in columns)
    add = f"INSERT INTO {table} (tenant_id, {names}) SELECT %s, {names} FROM {table}"

    with tenants.scope(mine):
        with pytest.raises(ProgrammingError, match=REFUSED), transaction.atomic():
            changed(add, theirs.pk)
        with pytest.raises(psycopg.NotSupportedError, match=REFUSED), transaction.atomic():
            copy_in(table, theirs.pk)


@OWNED
def test_no_scope_means_no_rows_for_whatever_goes_through_the_orm(model: type[TenantOwned], mine: Tenant) -> None:
    row = row_of(model, mine)

    with pytest.raises(tenants.NoTenantScopeError):
        model.objects.count()
    assert not model._base_manager.filter(pk=row.pk).exists()
    assert not isinstance(model._base_manager.all(), AcrossQuerySet)


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE kingsync_employee",
        "DROP TABLE kingsync_employee",
        "ALTER TABLE kingsync_employee DISABLE ROW LEVEL SECURITY",
        f"DROP POLICY {tenant_wall.OF_ONE} ON kingsync_employee",
    ],
)
def test_the_session_cannot_take_the_wall_down(statement: str, mine: Tenant) -> None:
    with tenants.scope(mine), pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        changed(statement)


# --- What the session has ---------------------------------------------------------------------------------------------


def test_one_statement_is_sent_for_a_scope_however_many_queries_it_has(mine: Tenant, taken_scopes: list[int]) -> None:
    seen()
    taken_scopes.clear()
    with tenants.scope(mine):
        for _ in range(5):
            seen()

    assert taken_scopes == [mine.pk]


def test_a_savepoint_that_is_rolled_back_leaves_the_right_tenant(mine: Tenant, theirs: Tenant) -> None:
    with tenants.scope(mine):
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                look_and_fail(theirs)
            assert seen() == {mine.pk}


def test_a_failed_statement_leaves_the_right_tenant(mine: Tenant, theirs: Tenant) -> None:
    with tenants.scope(mine):
        with pytest.raises(DatabaseError), transaction.atomic(), tenants.scope(theirs):
            rows("SELECT 1 / 0")

        assert seen() == {mine.pk}
    assert seen() == set()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_leaves_the_right_tenant(mine: Tenant, theirs: Tenant) -> None:
    with tenants.scope(mine):
        assert seen() == {mine.pk}
        with pytest.raises(ZeroDivisionError):
            look_and_fail(theirs)

        assert seen() == {mine.pk}
        connection.close()
        assert seen() == {mine.pk}
    assert seen() == set()


@pytest.mark.django_db(transaction=True)
def test_another_thread_sees_nothing_of_a_scope(mine: Tenant) -> None:
    found: list[set[int]] = []

    def look() -> None:
        found.append(seen())
        connection.close()

    with tenants.scope(mine):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join(patience.SECONDS)

    assert found == [set()]


def test_a_session_of_our_own_is_behind_the_wall(mine: Tenant) -> None:
    with sessions.opened(mine.pk) as session:
        found = session.execute("SELECT current_user, current_setting('kingsync.tenant')").fetchone()

    assert found == (sessions.default().roles.tenant, str(mine.pk))
