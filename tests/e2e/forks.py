"""The test's side of `tests.e2e.fork_server`: request a run in a process of its own, and learn how it ended."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from django.conf import settings as deployment

from devservers.places import CHECKOUT
from tests import processes, programs
from tests.e2e.fork_server import Case, Ended


class ForkServer:
    """The program that forks runs for us."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def export(self, tenant_id: int, before: int = 0) -> Ended:
        """Run an export that kills itself before that step (0: never), and wait for its end."""
        return self.run(Case(tenant_id, before))

    def run(self, case: Case) -> Ended:
        """Run a case and wait for its end."""
        self.start(case)
        return self.ended()

    def start(self, case: Case) -> int:
        """Start a case and return the number of its process."""
        assert self._process.stdin is not None
        case = msgspec.structs.replace(case, journal=deployment.JOURNAL_FOLDER)
        self._process.stdin.write(msgspec.json.encode(case).decode() + "\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._said(), type=int)

    def ended(self) -> Ended:
        """Wait for the end of the case that was started."""
        return msgspec.json.decode(self._said(), type=Ended)

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline() or "null"


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    """Start the program on this test's database, and end it with the block."""
    process = subprocess.Popen(
        processes.bound("-m", "tests.e2e.fork_server"),
        cwd=CHECKOUT,
        env=programs.environment() | {"DJANGO_SETTINGS_MODULE": "kingsync.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield ForkServer(process)
    finally:
        process.kill()
        process.communicate()
