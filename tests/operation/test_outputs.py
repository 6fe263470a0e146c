"""Output of commands: to a reader that goes away, and e-mails into a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devservers.places import CHECKOUT
from kingsync.models import tenants
from tests import factories, processes

# Work orders of which a command writes more than its buffer of 8 KiB holds.
MORE_THAN_IS_BUFFERED = 100


def _environment(local: Path) -> dict[str, str]:
    addresses = {"DATABASE_URL": processes.database_url(), "REDIS_URL": os.environ["REDIS_URL"]}
    return processes.environment(local, **addresses)


@pytest.mark.django_db(transaction=True)
def test_a_command_ends_quietly_when_nobody_reads_on(tmp_path: Path) -> None:
    tenant = factories.tenant(slug="jansen")
    factories.settings(tenant)
    with tenants.scope(tenant):
        for _each in range(MORE_THAN_IS_BUFFERED):
            factories.work_order(tenant)

    commands = ("ledger jansen", "ledger jansen --json", "show_tenant jansen")
    ends = {words: _unread(tmp_path, *words.split()) for words in commands}

    assert ends == dict.fromkeys(commands, (141, ""))


def _unread(local: Path, *words: str) -> tuple[int, str]:
    """Return how a command ends whose output nobody reads, and what it says of it."""
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, processes.MANAGE, *words],
        env=_environment(local),
        cwd=CHECKOUT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    return done.returncode, done.stderr


def test_mails_of_a_development_machine_lie_where_the_demo_says(tmp_path: Path) -> None:
    local = tmp_path / "a folder # of %20 signs"
    local.mkdir()

    subprocess.run(
        [sys.executable, processes.MANAGE, "sendtestemail", "bob@jansen.example"],
        env=processes.environment(local),
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )

    assert len(list((local / "mail").iterdir())) == 1
