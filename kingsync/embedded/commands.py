"""What a management command finds when it starts: servers, an up-to-date schema, orderly signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from kingsync.embedded.locks import FileLock
from kingsync.embedded.places import local_folder
from kingsync.embedded.servers import servers

# Commands that touch neither the database nor the broker. `check` does with --database only.
WITHOUT_SERVERS = frozenset(
    {
        "check",
        "collectstatic",
        "compile_texts",
        "compilemessages",
        "diffsettings",
        "findstatic",
        "help",
        "makemessages",
        "sandbox",
        "sendtestemail",
        "startapp",
        "startproject",
        "version",
    }
)
# These see to the schema themselves, or are about it.
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
ADDRESSES = ("DATABASE_URL", "REDIS_URL")


@contextmanager
def prepared(arguments: Sequence[str]) -> Iterator[None]:
    """Have ready what the command in `arguments` (as in sys.argv) needs; must enclose the loading of the settings.

    Addresses in the environment win; the others are those of the embedded servers, whose database gets its missing
    migrations. Raises `ServersError` when the servers do not start.
    """
    signal.signal(signal.SIGTERM, _end)
    if arguments[1:2] == ["demo"]:
        allow_loopback()
    if not needs_servers(arguments) or all(os.environ.get(name) for name in ADDRESSES):
        yield
        return
    database_is_ours = not os.environ.get("DATABASE_URL")
    with servers(local_folder() / "data") as addresses:
        os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or addresses.database_url
        os.environ["REDIS_URL"] = os.environ.get("REDIS_URL") or addresses.redis_url
        if database_is_ours and arguments[1] not in WITHOUT_MIGRATION:
            migrate_if_needed()
        yield


def needs_servers(arguments: Sequence[str]) -> bool:
    """Tell whether the command in `arguments` uses the database or the broker."""
    name, rest = "".join(arguments[1:2]), arguments[2:]
    if not name or name.startswith("-") or {"-h", "--help"} & set(rest):
        return False
    if name == "check":
        return any(each.startswith("--database") for each in rest)
    return name not in WITHOUT_SERVERS


def migrate_if_needed() -> None:
    """Run the missing migrations, one process at a time, without a word on stdout."""
    import django  # noqa: PLC0415 (the settings need the addresses first)
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    django.setup()
    lock = FileLock(local_folder() / "migrate.lock")
    lock.exclusive()
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)
    finally:
        connection.close()
        lock.close()


def allow_loopback() -> None:
    """Let connections point to 127.0.0.1, where the demo's sandboxes listen."""
    hosts = [host for host in os.environ.get("PRIVATE_HOSTS", "").split(",") if host]
    os.environ["PRIVATE_HOSTS"] = ",".join(dict.fromkeys([*hosts, "127.0.0.1"]))


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
