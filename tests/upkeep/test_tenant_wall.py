"""The wall between tenants is built by `migrate`, found incomplete by `check`, and survives a backup."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from devservers import wheels
from kingsync.database import base, sessions
from kingsync.database.roles import Roles
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.upkeep import tenant_wall, wall_check
from tests import backups, factories, processes
from tests.tenant_rows import changed, rows, seen

# Read before anyone's scope can be known: who works for which tenant, and what a tenant is called.
OUTSIDE_THE_WALL = {"kingsync_administration", "kingsync_auditentry", "kingsync_invitation", "kingsync_membership"}


@contextmanager
def login(name: str, monkeypatch: pytest.MonkeyPatch, options: str = "") -> Iterator[None]:
    """Work as another login of the database inside the block."""
    with sessions.as_owner(), monkeypatch.context() as patch, transaction.atomic():
        changed(f"CREATE ROLE {name} {options}")
        changed(f"SET LOCAL SESSION AUTHORIZATION {name}")
        patch.setattr(sessions.default(), "roles", Roles.of_login(name))
        yield
        transaction.set_rollback(True)


def test_all_that_belongs_to_a_tenant_is_behind_the_wall(db: None) -> None:
    of_a_tenant = {
        model._meta.db_table
        for model in apps.get_models()
        if any(field.related_model is Tenant and field.concrete for field in model._meta.get_fields())
    }

    assert of_a_tenant - set(tenant_wall.tables()) == OUTSIDE_THE_WALL
    assert tenant_wall.problems() == []


def test_a_gap_is_named_and_migrate_closes_it(db: None) -> None:
    with sessions.as_owner():
        changed("ALTER TABLE kingsync_employee DISABLE ROW LEVEL SECURITY")
        changed(f"DROP POLICY {tenant_wall.OF_ONE} ON kingsync_workorder")
        changed(f"ALTER POLICY {tenant_wall.OF_ONE} ON kingsync_orderline USING (true)")

    assert [error.msg for error in wall_check.check(databases=["default"])] == [
        f"The table kingsync_{name} has no wall between tenants." for name in ("employee", "orderline", "workorder")
    ]
    call_command("migrate", verbosity=0, skip_checks=False)
    assert tenant_wall.problems() == []


def test_what_would_open_the_wall_is_named(db: None) -> None:
    role = sessions.default().roles.tenant
    with sessions.as_owner():
        changed("CREATE POLICY open_house ON kingsync_employee USING (true)")
        changed(f"ALTER ROLE {role} BYPASSRLS")

    assert tenant_wall.problems() == [
        "The policy open_house of the table kingsync_employee is not part of the wall between tenants.",
        f"The role {role} is above the wall between tenants.",
    ]


def test_a_login_that_may_not_create_roles_learns_what_to_ask_for(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with login("poor", monkeypatch), pytest.raises(CommandError, match="GRANT poor_tenant, poor_across TO"):
        tenant_wall.build()


def test_a_login_that_may_create_roles_gets_them(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with login("plain", monkeypatch, "CREATEROLE"):
        for role in ("plain_tenant", "plain_across"):
            tenant_wall._create_role(role)
            asked = "SELECT pg_has_role('plain', %s, 'SET'), pg_has_role('plain', %s, 'USAGE')"
            assert rows(asked, role, role) == [(True, False)]


def test_before_postgresql_16_a_grant_has_no_options_and_every_member_may_take_a_role_on(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    usual = tenant_wall._ask

    def as_before_16(query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Answer as a server on which who creates a role is no member of it."""
        if "pg_has_role" not in query:
            return usual(query, parameters)
        asked.append(parameters[-1])
        return []

    monkeypatch.setitem(vars(sessions.default()), "pg_version", 150018)
    monkeypatch.setattr(tenant_wall, "_ask", as_before_16)
    with login("plain", monkeypatch, "CREATEROLE"), CaptureQueriesContext(connection) as queries:
        tenant_wall._create_role("plain_tenant")
        assert rows("SELECT pg_has_role('plain', 'plain_tenant', 'SET')") == [(True,)]

    assert asked == ["MEMBER"]
    assert [query["sql"] for query in queries if query["sql"].startswith("GRANT")] == [
        'GRANT "plain_tenant" TO CURRENT_USER'
    ]


def test_without_its_roles_a_database_with_data_is_not_opened(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = base.DatabaseWrapper(connection.settings_dict, alias="default")
    monkeypatch.setattr(alone, "roles", Roles("no_such_role", "no_such_role"))

    with pytest.raises(OperationalError, match=r"no wall between tenants.*manage\.py migrate"):
        alone.ensure_connection()

    assert alone.connection is None


# --- Backups ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_backup_has_the_rows_of_all_tenants_or_fails(db: None, tmp_path: Path) -> None:
    numbers = [factories.work_order(factories.tenant()).order_number for _ in range(2)]
    program = str(wheels.postgres_programs() / "bin" / "pg_dump")
    dump = [program, "--data-only", "--table=kingsync_workorder", f"--dbname={processes.database_url()}"]

    whole = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    behind_wall = subprocess.run(
        [*dump, f"--role={sessions.default().roles.tenant}"], capture_output=True, text=True, check=False
    )

    assert all(number in whole for number in numbers)
    assert behind_wall.returncode != 0
    backups.restore(backups.dump(tmp_path / "kingsync.dump"))
    assert tenant_wall.problems() == []
    with psycopg.connect(processes.database_url()) as owner:
        assert owner.execute("SELECT count(*) FROM kingsync_workorder").fetchone() == (2,)


def test_the_wall_is_for_the_application_and_not_for_the_owner(db: None) -> None:
    mine, theirs = (factories.work_order(factories.tenant()) for _ in range(2))

    with sessions.as_owner():
        assert seen() == {mine.tenant_id, theirs.tenant_id}
    assert seen() == set()


def test_dumpdata_and_loaddata_carry_all_tenants(db: None, tmp_path: Path) -> None:
    mine, theirs = (factories.work_order(factories.tenant()) for _ in range(2))
    dump = str(tmp_path / "rows.json")

    call_command("dumpdata", "kingsync.WorkOrder", use_base_manager=True, output=dump, verbosity=0)
    WorkOrder.across_tenants.all().delete()
    call_command("loaddata", dump, verbosity=0)

    assert {row.pk for row in WorkOrder.across_tenants.all()} == {mine.pk, theirs.pk}
