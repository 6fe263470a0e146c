"""Backups of the test's database, made and restored as an operator does."""

from __future__ import annotations

import subprocess
from pathlib import Path

from devservers import wheels
from tests import processes


def dump(to: Path) -> Path:
    """Back up the database."""
    _run("pg_dump", "--format=custom", f"--file={to}", f"--dbname={processes.database_url()}")
    return to


def restore(backup: Path) -> None:
    """Restore the database while it is in use."""
    options = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error"]
    _run("pg_restore", *options, f"--dbname={processes.database_url()}", str(backup))


def _run(program: str, *arguments: str) -> None:
    command = [str(wheels.postgres_programs() / "bin" / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
