"""One migrated database for all processes of a test run: each copies it, instead of migrating one of its own."""

from __future__ import annotations

import os

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from devservers.locks import FileLock
from devservers.places import local_folder
from tests import processes, servers


def take() -> None:
    """Let the test database be made as a copy of the template; the first process of the run makes the template."""
    name = os.environ.get(servers.TEMPLATE)
    if name is None or "PYTEST_XDIST_WORKER" not in os.environ:
        return
    lock = FileLock(local_folder() / "test" / "template.lock")
    lock.exclusive()
    try:
        _make_unless_there(name)
    finally:
        lock.close()
    connection.settings_dict["TEST"]["TEMPLATE"] = name


def _make_unless_there(name: str) -> None:
    beginning = f"{name}_begun"
    address = processes.database_url().rpartition("/")[0] + "/postgres"
    with psycopg.connect(address, autocommit=True) as session:
        if session.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is not None:
            return
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(beginning)))
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(beginning)))
        _migrate(beginning)
        both = sql.Identifier(beginning), sql.Identifier(name)
        session.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*both))


def _migrate(database: str) -> None:
    usual = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = database
    try:
        call_command("migrate", verbosity=0)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
