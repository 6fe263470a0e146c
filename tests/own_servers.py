"""A PostgreSQL and a Valkey of a test's own, which it may stop and start again on the same ports.

A program of its own starts them, since only a process of a single thread may (`devservers.children`): one word in for
each order, one line of JSON out for each answer. PostgreSQL gets a small disk besides: the folder `small` is a tmpfs
in a mount namespace of its own, where the kernel allows that without root.
"""

from __future__ import annotations

import ctypes
import datetime
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection
from psycopg import errors, sql

from devservers import accounts, children, ports
from devservers.places import CHECKOUT
from devservers.postgres import STOP_SECONDS, Postgres
from devservers.valkey import Valkey
from kingsync.database.roles import Roles
from tests import backups, processes

SMALL_MEGABYTES = 48
CLONE_NEWNS = 0x00020000
MS_PRIVATE, MS_REC = 1 << 18, 1 << 14
_libc = ctypes.CDLL(None, use_errno=True)


class SamePostgres(Postgres):
    """Starts again on the port it had, with a small disk beside its data."""

    def __init__(self, folder: Path) -> None:
        self.small = folder / "small"
        self.small.mkdir(parents=True)
        super().__init__(folder, throwaway=True)
        self.has_small_disk = self.account.enter is not accounts.become_nobody
        if self.has_small_disk:
            self.account = replace(self.account, enter=self._enter)

    def stop(self) -> None:
        """Stop as `pg_ctl stop --mode fast` does."""
        if self._process:
            children.stop(self._process, signal_number=signal.SIGINT, patience_seconds=STOP_SECONDS)

    def start_again(self) -> None:
        process = self._process = self._launch()
        assert self._wait_until_ready(process), self.log.read_text()

    def _enter(self) -> None:
        """Become an ordinary user with a mount namespace, and put the small disk into it."""
        uid, gid = os.geteuid(), os.getegid()
        _checked(_libc.unshare(accounts.CLONE_NEWUSER | CLONE_NEWNS))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{accounts.INSIDE_ID} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{accounts.INSIDE_ID} {gid} 1")
        _checked(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
        options = f"size={SMALL_MEGABYTES}m,mode=0700".encode()
        _checked(_libc.mount(b"tmpfs", bytes(self.small), b"tmpfs", 0, options))


def _checked(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class SameValkey(Valkey):
    """Starts again on the port and with the password it had."""

    def start_again(self) -> None:
        process = self._process = self._launch()
        assert self._wait_until_ready(process), self.log.read_text()


def main(folder: Path) -> None:
    """Start both servers, say where they are, and obey until standard input ends."""
    postgres, valkey = SamePostgres(folder), SameValkey(folder)
    recovered = SamePostgres(folder / "recovered")
    orders: dict[str, Callable[[], None]] = {
        "stop postgres": postgres.stop,
        "start postgres": postgres.start_again,
        "stop valkey": valkey.stop,
        "start valkey": valkey.start_again,
        "start recovered": recovered.start,
    }
    try:
        postgres.start()
        valkey.start()
        small = str(postgres.small) if postgres.has_small_disk else ""
        _say({"database_url": postgres.url, "redis_url": valkey.url, "small": small})
        for line in sys.stdin:
            orders[line.strip()]()
            _say({"port": str(recovered.port)})
    finally:
        recovered.stop()
        postgres.stop()
        valkey.stop()


def _say(answer: dict[str, str]) -> None:
    print(json.dumps(answer), flush=True)  # noqa: T201


# --- The test's side --------------------------------------------------------------------------------------------------


class OwnServers:
    """The addresses, and what can be done to the servers."""

    def __init__(self, process: subprocess.Popen[str], tables: Path) -> None:
        self._process, self._tables, self._folder = process, tables, tables.parent
        said = self._said()
        self.database_url, self.redis_url, self.small = said["database_url"], said["redis_url"], said["small"]

    def order(self, what: str) -> dict[str, str]:
        """Carry out one of the orders above, and return the answer when it is done."""
        connection.close()  # this process's own would be broken by it
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return self._said()

    @contextmanager
    def without(self, server: str) -> Iterator[None]:
        """Stop a server for the time of the block."""
        self.order(f"stop {server}")
        try:
            yield
        finally:
            self.order(f"start {server}")

    def archive(self) -> None:
        """Let PostgreSQL keep its write-ahead log as docs/operations.md says, and make a base backup."""
        (self._folder / "archive").mkdir()
        command = "test ! -f {0}/%f && cp %p {0}/.%f && mv {0}/.%f {0}/%f".format(self._folder / "archive")
        with psycopg.connect(self.database_url, autocommit=True) as session:
            session.execute("ALTER SYSTEM SET archive_mode = on")
            session.execute(sql.SQL("ALTER SYSTEM SET archive_command = {}").format(sql.Literal(command)))
        self.order("stop postgres")
        self.order("start postgres")
        backups.base_backup(self.database_url, self._folder / "recovered" / "postgres")

    def recovered_to(self, moment: datetime.datetime) -> str:
        """Recover the base backup, up to a moment, in a new place; return the address of its database."""
        with psycopg.connect(self.database_url, autocommit=True) as session:
            session.execute("SELECT pg_switch_wal()")
        data = self._folder / "recovered" / "postgres"
        settings = {
            "archive_mode": "off",
            "restore_command": f"cp {self._folder / 'archive'}/%f %p",
            "recovery_target_time": moment.isoformat(),
            "recovery_target_action": "promote",
        }
        with (data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        (data / "recovery.signal").touch()
        port = self.order("start recovered")["port"]
        address = urlsplit(self.database_url)
        return address._replace(netloc=f"{address.username}:{address.password}@{ports.HOST}:{port}").geturl()

    @contextmanager
    def on_a_small_disk(self, name: str) -> Iterator[str]:
        """Make a database with these tables on the small disk, and return its address."""
        address = urlsplit(self.database_url)
        small = address._replace(path=f"/{name}").geturl()
        with psycopg.connect(address._replace(path="/postgres").geturl(), autocommit=True) as session:
            session.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(self.small)))
            session.execute(sql.SQL("CREATE DATABASE {} TABLESPACE small").format(sql.Identifier(name)))
            with connected_to(small):
                backups.restore(self._tables)
            yield small
            session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            session.execute("DROP TABLESPACE small")

    def _said(self) -> dict[str, str]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline() or "null"))


@contextmanager
def running(folder: Path) -> Iterator[OwnServers]:
    """Run both servers inside the block, with the tables of this process's database."""
    command = processes.bound("-m", "tests.own_servers", str(folder))
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        made = OwnServers(process, tables := backups.dump(folder / "tables.dump"))
        make_roles(made.database_url)
        with connected_to(made.database_url):
            backups.restore(tables)
        yield made


def make_roles(database_url: str) -> None:
    """Make the roles that a backup names, as docs/operations.md says for a new server."""
    made = Roles.of_login(connection.settings_dict["USER"])
    with psycopg.connect(database_url, autocommit=True) as session:
        for role in (made.tenant, made.across):
            session.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))


@contextmanager
def full(database_url: str) -> Iterator[None]:
    """Fill the disk of a database to its last page inside the block."""
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute("CREATE TABLE ballast (filling text STORAGE PLAIN) WITH (autovacuum_enabled = off)")
        for rows in (100, 1):
            with suppress(errors.DiskFull):
                while True:
                    session.execute("INSERT INTO ballast SELECT repeat('x', 8000) FROM generate_series(1, %s)", [rows])
        yield
        session.execute("DROP TABLE ballast")


@contextmanager
def connected_to(database_url: str) -> Iterator[None]:
    """Let this process, and the programs that it starts, use another database inside the block."""
    parts = urlsplit(database_url)
    there: dict[str, Any] = {
        "USER": parts.username,
        "PASSWORD": parts.password,
        "HOST": ports.HOST,
        "PORT": parts.port,
        "NAME": parts.path.lstrip("/"),
    }
    here = {name: connection.settings_dict[name] for name in there}
    connection.close()
    connection.settings_dict.update(there)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(here)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
