"""The wall between tenants in the database: roles, grants and policies, built from the models by every `migrate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from psycopg import errors, sql

from kingsync.database import sessions
from kingsync.database.roles import SETTING, Roles
from kingsync.models.tenants import TenantOwned

OF_ONE, ACROSS = "rows_of_one_tenant", "rows_of_all_tenants"
# As PostgreSQL itself writes it, so that what is stored can be compared. A bare equality: with an OR in it the planner
# could use no index, and would expect far too few rows.
CONDITIONS = {
    OF_ONE: f"(tenant_id = (NULLIF(current_setting('{SETTING}'::text, true), ''::text))::bigint)",
    ACROSS: "true",
}
# Views read tenants' rows as their owner, and keep to the setting themselves.
VIEWS = ("kingsync_searchedworkorder", "kingsync_searchedrecord", "kingsync_loggedkind")
_MAY_NOT = (
    "The database login may not create the role {role}. Let an administrator of the database run:\n"
    "    CREATE ROLE {tenant} NOLOGIN; CREATE ROLE {across} NOLOGIN; GRANT {tenant}, {across} TO {login};\n"
    "Then run `manage.py migrate` again."
)
_OPTIONS_SINCE, _SET_ONLY = 160000, " WITH INHERIT FALSE, SET TRUE"
_POLICIES = """
    SELECT tablename, policyname, roles::text[], coalesce(with_check, qual) FROM pg_policies
    WHERE schemaname = current_schema() AND permissive = 'PERMISSIVE'
"""
_BEHIND_WALL = """
    SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relrowsecurity
"""
# A role that is above the wall: by an attribute of its own, or as a member of the owner of a table.
_ABOVE = """
    SELECT rolname FROM pg_roles AS ours
    WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls OR EXISTS (
        SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s)
        AND pg_has_role(ours.oid, relowner, 'USAGE')
    ))
"""


def tables() -> list[str]:
    """Return the tables whose rows belong to one tenant each."""
    return sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, TenantOwned))


def build() -> None:
    """Create what is missing of the wall. Raises `CommandError` where the login may not create roles."""
    with sessions.as_owner(), transaction.atomic():
        for role in _names():
            _create_role(role)
        _grant()
        for table, policies in _missing().items():
            _wall_in(table, policies)
    sessions.default().notice_wall()


def problems() -> list[str]:
    """Return what is wrong with the wall, one sentence each."""
    found = [f"The table {table} has no wall between tenants." for table in _missing()]
    for table, policy, _roles, _condition in _ask(_POLICIES):
        if table in tables() and policy not in CONDITIONS:
            found.append(f"The policy {policy} of the table {table} is not part of the wall between tenants.")
    return found + [f"The role {role} is above the wall between tenants." for role in _above()]


# --- Roles ------------------------------------------------------------------------------------------------------------


def _roles() -> Roles:
    return sessions.default().roles


def _names() -> list[str]:
    return [_roles().tenant, _roles().across]


def _create_role(role: str) -> None:
    try:
        if not _ask("SELECT FROM pg_roles WHERE rolname = %s", [role]):
            _create(role)
        if not _ask("SELECT WHERE pg_has_role(current_user, %s, %s)", [role, _right_to_take_on()]):
            _run("GRANT {} TO CURRENT_USER" + (_SET_ONLY if _has_options() else ""), role)
    except DatabaseError as error:
        if not isinstance(error.__cause__, errors.InsufficientPrivilege):
            raise
        names = {"role": role, "tenant": _roles().tenant, "across": _roles().across}
        login = connection.settings_dict["USER"]
        raise CommandError(_MAY_NOT.format(login=login, **names)) from None


def _has_options() -> bool:
    """Return whether grants of roles have options; before PostgreSQL 16 every member may take a role on."""
    return bool(sessions.default().pg_version >= _OPTIONS_SINCE)


def _right_to_take_on() -> str:
    return "SET" if _has_options() else "MEMBER"


def _create(role: str) -> None:
    try:
        with transaction.atomic():
            _run("CREATE ROLE {} NOLOGIN", role)
    except DatabaseError as error:
        # Roles are the server's: another database of this login may just have created it.
        if not isinstance(error.__cause__, errors.DuplicateObject | errors.UniqueViolation):
            raise


def _above() -> list[str]:
    return [role for (role,) in _ask(_ABOVE, [_names(), tables()])]


# --- Grants and policies ----------------------------------------------------------------------------------------------


def _grant() -> None:
    """Let both roles read and write rows of every table, and change no schema. TRUNCATE knows no policies."""
    tables = connection.introspection.django_table_names(only_existing=True)
    both = sql.SQL(", ").join(map(sql.Identifier, _names()))
    if tables:
        rows = sql.SQL(", ").join(map(sql.Identifier, [*tables, "django_migrations"]))
        _execute(sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}").format(rows, both))
    for view in VIEWS:
        if _ask("SELECT WHERE to_regclass(%s) IS NOT NULL", [view]):
            _execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(view), both))


def _missing() -> dict[str, set[str]]:
    """Return the existing tables that lack something, each with the policies that it has as they should be."""
    existing = set(connection.introspection.table_names())
    behind_wall = {table for (table,) in _ask(_BEHIND_WALL)}
    has: dict[str, set[str]] = {table: set() for table in tables() if table in existing}
    for table, policy, granted, condition in _ask(_POLICIES):
        if table in has and granted == [_role_of(policy)] and condition == CONDITIONS.get(policy):
            has[table].add(policy)
    return {table: good for table, good in has.items() if table not in behind_wall or good != CONDITIONS.keys()}


def _role_of(policy: str) -> str:
    return _roles().tenant if policy == OF_ONE else _roles().across


def _wall_in(table: str, good: set[str]) -> None:
    _run("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", table)
    for policy in CONDITIONS.keys() - good:
        _run("DROP POLICY IF EXISTS {} ON {}", policy, table)
        condition = sql.SQL(" USING ({})").format(sql.SQL(CONDITIONS[policy]))
        _execute(
            sql.SQL("CREATE POLICY {} ON {} TO {}").format(*map(sql.Identifier, (policy, table, _role_of(policy))))
            + condition
        )


def _run(statement: str, *names: str) -> None:
    _execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _execute(statement: sql.Composed) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _ask(query: str, parameters: Sequence[str | list[str]] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, tuple(parameters) or None)
        return list(cursor.fetchall())
