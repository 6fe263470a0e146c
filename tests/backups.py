"""Backups of the test's database, as an operator makes and restores them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from devservers import wheels
from tests import processes


def dump(to: Path) -> Path:
    """Back the database up."""
    _run("pg_dump", "--format=custom", f"--file={to}", f"--dbname={processes.database_url()}")
    return to


def restore(backup: Path) -> None:
    """Put the database back, while whoever uses it goes on."""
    options = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error"]
    _run("pg_restore", *options, f"--dbname={processes.database_url()}", str(backup))


def _run(program: str, *arguments: str) -> None:
    command = [str(wheels.postgres_programs() / "bin" / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
