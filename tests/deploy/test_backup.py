"""deploy/backup.py: a whole backup or none, old ones removed, the password in no list of processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devservers import wheels
from devservers.places import CHECKOUT
from tests import patience, processes

PROGRAM = CHECKOUT / "deploy" / "backup.py"
OLD, RECENT = "kingsync-2020-01-01T013000Z.dump", "kingsync-2999-01-01T013000Z.dump"
# In the place of pg_dump: shows how it was called, and writes half a file before it fails.
FAILING = '#!/bin/sh\necho half >"${2#--file=}"\necho "connection refused: $*" >&2\nexit 1\n'


def _backup(folder: Path, address: str, *, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    programs = path or wheels.postgres_programs() / "bin"
    return subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), "--keep", "14"],
        env={"PATH": f"{programs}:{os.environ['PATH']}", "DATABASE_URL": address},
        capture_output=True,
        text=True,
        check=False,
        timeout=patience.SECONDS,
    )


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "pg_dump").write_text(FAILING)
    (folder / "pg_dump").chmod(0o755)
    return folder


@pytest.mark.django_db
def test_a_backup_is_whole_and_only_older_ones_go(tmp_path: Path) -> None:
    for name in (OLD, RECENT, "notes.txt"):
        (tmp_path / name).touch()

    done = _backup(tmp_path, processes.database_url())

    [made] = {path.name for path in tmp_path.iterdir()} - {RECENT, "notes.txt"}
    listed = subprocess.run(
        [str(wheels.postgres_programs() / "bin" / "pg_restore"), "--list", str(tmp_path / made)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"backup    {tmp_path / made} (")
    assert done.stdout.endswith("; 1 older removed\n")
    assert (tmp_path / made).stat().st_mode & 0o777 == 0o600  # of its owner alone, whatever the umask of the caller
    assert "TABLE DATA public kingsync_workorder" in listed.stdout


def test_a_failed_backup_leaves_no_file_and_removes_none(tmp_path: Path, failing: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / OLD).touch()

    done = _backup(
        folder, "postgres://kingsync:secret%2Fword@db.example:5433/kingsync?sslmode=verify-full", path=failing
    )

    assert done.returncode == 1
    assert done.stderr.startswith("backup    failed: connection refused: ")
    assert "secret" not in done.stderr
    assert [path.name for path in folder.iterdir()] == [OLD]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgres://a%40b:p%2Fw@db.example:5433/my%20data", "db.example 5433 a@b p/w my data -"),
        ("postgres://u:p@[::1]:5432/d?sslmode=require", "::1 5432 u p d require"),
        ("postgres://u@%2Frun%2Fpostgresql/d", "/run/postgresql - u - d -"),
    ],
)
def test_every_part_of_the_address_reaches_postgresqls_program(tmp_path: Path, address: str, shown: str) -> None:
    parts = " ".join(
        f"${{{name}:--}}" for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE")
    )
    (tmp_path / "pg_dump").write_text(f'#!/bin/sh\necho "{parts}" >&2\nexit 1\n')
    (tmp_path / "pg_dump").chmod(0o755)

    done = _backup(tmp_path, address, path=tmp_path)

    assert done.stderr == f"backup    failed: {shown}\n"


@pytest.mark.parametrize(
    ("folder", "address", "sentence"),
    [
        ("/not/there", "postgres://u:p@127.0.0.1:1/d", "backup    failed: "),
        ("/tmp", "", "backup    failed: DATABASE_URL is empty: give this program the environment of the service\n"),
    ],
)
def test_what_is_missing_is_one_sentence(folder: str, address: str, sentence: str) -> None:
    done = _backup(Path(folder), address)

    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert "Traceback" not in done.stderr
