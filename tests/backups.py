"""Backups of the test's database, made and restored as an operator does."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from devservers import wheels
from tests import processes

# All of it or nothing.
TOGETHER = ["--no-owner", "--single-transaction", "--exit-on-error"]


def dump(to: Path) -> Path:
    """Back up the database."""
    _run("pg_dump", "--format=custom", f"--file={to}", f"--dbname={processes.database_url()}")
    return to


def base_backup(database_url: str, to: Path) -> None:
    """Copy the files of a whole running PostgreSQL, for recovery to a point in time."""
    _run("pg_basebackup", f"--dbname={database_url}", f"--pgdata={to}", "--checkpoint=fast")


@contextmanager
def restored_elsewhere(backup: Path, name: str) -> Iterator[str]:
    """Restore into a new database beside this one, and return its address; it is dropped after the block."""
    here = urlsplit(processes.database_url())
    there = here._replace(path=f"/{name}").geturl()
    with psycopg.connect(here._replace(path="/postgres").geturl(), autocommit=True) as session:
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            _run("pg_restore", *TOGETHER, f"--dbname={there}", str(backup))
            yield there
        finally:
            session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def restore(backup: Path) -> None:
    """Restore the database while it is in use."""
    options = ["--clean", "--if-exists", *TOGETHER]
    _run("pg_restore", *options, f"--dbname={processes.database_url()}", str(backup))


def _run(program: str, *arguments: str) -> None:
    command = [str(wheels.postgres_programs() / "bin" / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
