"""Servers and a migrated schema for management commands on a development machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from devservers.errors import ServersError
from devservers.locks import FileLock
from devservers.places import local_folder
from devservers.servers import Addresses, servers

# These handle the schema themselves, or are about it.
WITHOUT_MIGRATION = frozenset(
    {
        "demo",
        "makemigrations",
        "migrate",
        "showmigrations",
        "sqlmigrate",
        "squashmigrations",
        "test",
    }
)
CANNOT_START = 2


@contextmanager
def with_servers(command: str) -> Iterator[None]:
    """Run the embedded servers if the environment has no addresses, and apply missing migrations to their database.

    Exits with a message for the user at the terminal when they do not start.
    """
    if all(os.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL")):
        yield
        return
    with ExitStack() as stack:
        try:
            addresses = stack.enter_context(servers(local_folder() / "data"))
        except ServersError as error:
            print(error, file=sys.stderr)  # noqa: T201
            sys.exit(CANNOT_START)
        _name(addresses, is_migrating=command not in WITHOUT_MIGRATION)
        yield


def _name(addresses: Addresses, *, is_migrating: bool) -> None:
    """Add the addresses to the environment."""
    is_migrating = is_migrating and not os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or addresses.database_url
    os.environ["REDIS_URL"] = os.environ.get("REDIS_URL") or addresses.redis_url
    if is_migrating:
        migrate_if_needed()


def migrate_if_needed() -> None:
    """Apply missing migrations, one process at a time, without output on stdout."""
    import django  # noqa: PLC0415 (the settings need the addresses first)
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    django.setup()
    lock = FileLock(local_folder() / "migrate.lock")
    lock.exclusive()
    try:
        # As the owner: our other roles may be missing.
        with connection.as_owner():  # type: ignore[attr-defined]
            executor = MigrationExecutor(connection)
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            call_command("migrate", verbosity=0, interactive=False)
    finally:
        connection.close()
        lock.close()


def allow_loopback() -> None:
    """Allow connections to 127.0.0.1, where the demo's sandboxes listen; who is there may read the metrics."""
    os.environ.setdefault("METRICS_NETWORKS", "127.0.0.1/32")
    hosts = [host for host in os.environ.get("PRIVATE_HOSTS", "").split(",") if host]
    os.environ["PRIVATE_HOSTS"] = ",".join(dict.fromkeys([*hosts, "127.0.0.1"]))
