"""docs/production.md, carried out: its commands in a clean folder, as another user where the tests are root's."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from devservers import ports, wheels
from devservers.accounts import NOBODY
from devservers.places import CHECKOUT
from tests import patience, processes
from tests.deploy import page_commands, unit_files

PAGE = CHECKOUT / "docs" / "production.md"
# What the page's user gets with the sources of a version, as far as these commands need it.
SOURCES = ("manage.py", "integrations", "kingsync", "templates", "static", "deploy", "requirements")
# In the place of the one that only root has: who calls it is PostgreSQL's superuser here by its variables.
RUNUSER = '#!/bin/sh\nshift 3\nexec env PGUSER="$SUPERUSER" PGPASSWORD="$SUPERUSERS_PASSWORD" "$@"\n'


@dataclass
class Reader:
    """Someone who follows the page: a folder, a shell's variables, and a user of the machine."""

    folder: Path
    variables: dict[str, str]
    user: int

    def run(self, commands: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-eu"],
            input=commands,
            env=self.variables | more,
            cwd=self.folder,
            user=self.user,
            group=self.user if self.user != os.geteuid() else None,
            extra_groups=[] if os.geteuid() == 0 else None,
            capture_output=True,
            text=True,
            check=False,
        )

    def service_environment(self) -> dict[str, str]:
        """Return the environment that systemd gives a service: what the file says, and nothing of the shell."""
        lines = Path(self.variables["ENVIRONMENT"]).read_text().splitlines()
        file = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        return {"PATH": self.variables["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **file}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Return a folder that another user may enter: pytest's own are for the user of the tests."""
    with tempfile.TemporaryDirectory(prefix="kingsync-page-") as name:
        Path(name).chmod(0o755)
        yield Path(name).resolve()


@dataclass(frozen=True)
class Account:
    """Who follows the page, and a Python that they may start, of the version that has our packages."""

    user: int
    python: str


@pytest.fixture(scope="module")
def account() -> Account:
    """Return the user nobody, for root; who is not root, or whose Pythons nobody may not start, stays who they are."""
    debians = f"/usr/bin/python3.{sys.version_info.minor}"
    if os.geteuid() == 0:
        for python in (sys.executable, debians):
            if _may_start(python):
                return Account(NOBODY, python)
    return Account(os.geteuid(), sys.executable)


def _may_start(python: str) -> bool:
    packages = sysconfig.get_path("purelib")
    command = [python, "-c", "import sys, venv; sys.path.append(sys.argv[1]); import django, psycopg", packages]
    try:
        return subprocess.run(command, user=NOBODY, cwd="/", env={}, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture(scope="module")
def beginner(folder: Path, account: Account) -> Reader:
    """Return someone who has typed the page's first block, and nothing more."""
    (folder / "state").mkdir()
    os.chown(folder, account.user, -1)
    os.chown(folder / "state", account.user, -1)
    return Reader(folder, _variables(folder, folder / "0.1.0"), account.user)


@pytest.fixture(scope="module")
def reader(beginner: Reader, account: Account) -> Iterator[Reader]:
    """Return someone who is at the page's third step: sources and packages are there."""
    folder, release = beginner.folder, Path(beginner.variables["RELEASE"])
    _copy_sources(release)
    _borrow_packages(release / ".venv", account.python)
    (folder / "commands").mkdir()
    (folder / "commands" / "runuser").write_text(RUNUSER)
    (folder / "commands" / "runuser").chmod(0o755)
    for name in ("state/journal", "state/king-xml", "backups"):
        (folder / name).mkdir(parents=True)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.user, -1, follow_symlinks=False)
    yield beginner
    _forget_database(beginner.variables["LOGIN"])


def _copy_sources(release: Path) -> None:
    release.mkdir()
    for name in SOURCES:
        origin = CHECKOUT / name
        if origin.is_dir():
            shutil.copytree(origin, release / name, ignore=processes.BEING_COMPILED)
        else:
            shutil.copy(origin, release / name)
    (release / "docs").mkdir()
    shutil.copy(CHECKOUT / "docs" / "example-tenant.json", release / "docs")


def _borrow_packages(environment: Path, python: str) -> None:
    """Make an environment with the packages of the one that runs the tests: no network."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(environment)], check=True)
    [packages] = environment.glob("lib/*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    # The lock file's only package for a Python before 3.11.3, such as Debian's, if ours is newer: a part of asyncio.
    (packages / "async_timeout.py").write_text("from asyncio import *\n")
    celery = environment / "bin" / "celery"
    celery.write_text(f'#!/bin/sh\nexec "{environment}/bin/python" -m celery "$@"\n')
    celery.chmod(0o755)


def _variables(folder: Path, release: Path) -> dict[str, str]:
    """Return the shell of the page's reader, after its first block: these servers, this folder."""
    superuser, broker = urlsplit(os.environ["DATABASE_URL"]), urlsplit(os.environ["REDIS_URL"])
    commands = (folder / "commands", wheels.postgres_programs() / "bin")
    return {
        "PATH": ":".join([*map(str, commands), os.environ["PATH"]]),
        "HOME": str(folder / "state"),
        "NAME": "kingsync.example",
        "OPERATOR": "beheer@kingsync.example",
        "VERSION": "0.1.0",
        "RELEASE": str(release),
        "CURRENT": str(folder / "current"),
        "COMMANDS": str(folder / "commands"),
        "ENVIRONMENT": str(folder / "environment"),
        "STATE": str(folder / "state"),
        "BACKUPS": str(folder / "backups"),
        "LOGIN": f"page_{os.getpid()}",
        "DATABASE": f"{superuser.hostname}:{superuser.port}",
        "BROKER": f"{broker.hostname}:{broker.port}",
        "DATABASE_PASSWORD": secrets.token_hex(24),
        "BROKER_PASSWORD": broker.password or "",
    } | {
        # Of the test, not of the page: where the command finds its file, and who is PostgreSQL's superuser.
        "KINGSYNC_ENVIRONMENT": str(folder / "environment"),
        "KINGSYNC_USER": "root" if os.geteuid() == 0 else "kingsync",
        "PGHOST": str(superuser.hostname),
        "PGPORT": str(superuser.port),
        "SUPERUSER": superuser.username or "",
        "SUPERUSERS_PASSWORD": superuser.password or "",
    }


OF_THE_TEST = {"PATH", "HOME", "KINGSYNC_ENVIRONMENT", "KINGSYNC_USER", "PGHOST", "PGPORT", "SUPERUSER"} | {
    "SUPERUSERS_PASSWORD"
}


def _forget_database(login: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"].rpartition("/")[0] + "/postgres", autocommit=True) as session:
        session.execute(f"DROP DATABASE IF EXISTS {login} WITH (FORCE)".encode())
        for role in (f"{login}_tenant", f"{login}_across", login):
            session.execute(f"DROP ROLE IF EXISTS {role}".encode())


def _follow(reader: Reader) -> None:
    """Carry out every block of the page; each must end well."""
    for block in page_commands.blocks(PAGE):
        if block.kind == "packages":  # borrowed here; test_the_packages_of_the_page_are_the_locked_ones installs them
            continue
        done = reader.run(block.commands)
        assert done.returncode == 0, f"{block.commands}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def test_the_page_sets_the_variables_that_its_commands_use(beginner: Reader) -> None:
    assert page_commands.variables(PAGE) == set(beginner.variables) - OF_THE_TEST


def test_what_is_for_later_days_sets_the_variables_that_it_uses() -> None:
    later = page_commands.later_blocks(PAGE)

    assert len(later) >= 5
    for commands in later:
        assert set(re.findall(r"\$\{?([A-Z]+)", commands)) <= set(re.findall(r"\b([A-Z]+)=", commands)), commands


def test_the_page_marks_its_blocks() -> None:
    kinds = [block.kind for block in page_commands.blocks(PAGE)]

    assert kinds.count("packages") == 1
    assert len(kinds) >= 7


@pytest.mark.long
def test_who_follows_the_page_has_a_service_whose_every_part_is_well_and_a_whole_backup(reader: Reader) -> None:
    """All that is asked of a reader who is done, in one test: following takes half a minute, in each test process."""
    _the_command_says_which_file_it_lacks(reader)
    _follow(reader)
    _every_part_is_well(reader)
    _the_backup_is_a_whole_one(reader)
    _the_service_cannot_be_given_what_only_its_own_file_says(reader)


def _every_part_is_well(followed: Reader) -> None:
    port = ports.free_port()
    environment = followed.service_environment()
    with ExitStack() as running:
        for part in ("web", "exports", "imports", "clock"):
            command = _command(part, followed.folder / "current", port)
            log = running.enter_context((followed.folder / f"{part}.log").open("wb"))
            process = subprocess.Popen(
                command,
                cwd=followed.folder / "current",
                env=environment,
                user=followed.user,
                extra_groups=[] if os.geteuid() == 0 else None,
                stdout=log,
                stderr=log,
            )
            running.callback(process.wait, patience.SECONDS)
            running.callback(process.terminate)

        health = _health_when_well(port)

    logs = "\n".join(path.read_text()[-3000:] for path in followed.folder.glob("*.log"))
    assert health["status"] == "ok", f"{health}\n{logs}"


def _command(part: str, current: Path, port: int) -> list[str]:
    line = unit_files.command(part).replace(unit_files.CURRENT, str(current))
    return line.replace("--port 8000", f"--port {port}").replace("--workers 2", "--workers 1").split()


def _health_when_well(port: int) -> Mapping[str, str]:
    """Return what /health says when all is well, or at the end of our patience."""
    deadline = time.monotonic() + patience.SECONDS
    while True:
        answer = _health(port)
        if answer.get("status") == "ok" or time.monotonic() > deadline:
            return answer
        time.sleep(0.2)


def _health(port: int) -> Mapping[str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/health", headers={"Host": "kingsync.example"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, str] = json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read()
        found = json.loads(text) if text.startswith(b"{") else {"status": f"{error.code} {text!r}"}
    except OSError as error:
        found = {"status": str(error)}
    return found


def _the_backup_is_a_whole_one(followed: Reader) -> None:
    [backup] = (followed.folder / "backups").glob("kingsync-*.dump")

    listed = followed.run(f"pg_restore --list {backup}")

    assert listed.returncode == 0, listed.stderr
    assert "TABLE DATA public kingsync_tenant" in listed.stdout


def _the_service_cannot_be_given_what_only_its_own_file_says(followed: Reader) -> None:
    """Prove that the command reads the file as systemd does: nothing in it is expanded or run."""
    file = followed.folder / "odd"
    file.write_text(
        "MAIL_FROM=kingsync <a@b.example> $(touch odd-was-run) `id`\n# SECRET_KEY=no\n\nSITE_URL=https://x=y"
    )
    ours = followed.run(
        f"cat {followed.variables['ENVIRONMENT']} {file} > both; KINGSYNC_ENVIRONMENT=both kingsync shell -v 0 -c "
        "'from django.conf import settings as s; print(s.DEFAULT_FROM_EMAIL, s.SITE_URL)'"
    )

    assert ours.stdout == "kingsync <a@b.example> $(touch odd-was-run) `id` https://x=y\n", ours.stderr
    assert not (followed.folder / "odd-was-run").exists()


def _the_command_says_which_file_it_lacks(reader: Reader) -> None:
    done = reader.run(f"{reader.variables['RELEASE']}/deploy/kingsync check", KINGSYNC_ENVIRONMENT="/not/there")

    assert done.returncode == 2
    assert done.stderr.startswith("kingsync  /not/there cannot be read: run this as root or as the user")


@pytest.mark.long
def test_the_packages_of_the_page_are_the_locked_ones(beginner: Reader) -> None:
    """Where an index answers: every package comes from it, with the hash of the lock file.

    They are not compiled: that takes as long as all the rest, and pip says "no" to it with a value that is false.
    """
    [commands] = [block.commands for block in page_commands.blocks(PAGE) if block.kind == "packages"]
    of_pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
    release = beginner.folder / "fresh"
    shutil.copytree(CHECKOUT / "requirements", release / "requirements")
    os.chown(release, beginner.user, -1)

    of_test = {"PIP_NO_CACHE_DIR": "1", "PIP_NO_COMPILE": "0", "PATH": _with_our_python()}
    done = beginner.run(commands, RELEASE=str(release), **{**of_pip, **of_test})
    if done.returncode != 0 and re.search("NewConnectionError|NameResolution|No matching distribution", done.stderr):
        pytest.skip("no package index answers here: the page's packages are not installed")

    assert done.returncode == 0, done.stderr[-2000:]
    assert (release / ".venv" / "bin" / "celery").exists()


def _with_our_python() -> str:
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"
