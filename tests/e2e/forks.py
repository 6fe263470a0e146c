"""The test's side of `tests.e2e.fork_server`: request a run in a process of its own, and learn how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec
import psutil
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


class Forked:
    """A run that goes on in a process of its own, with what tests ask of a `Popen`."""

    def __init__(self, server: ForkServer, case: Case) -> None:
        self._server, self._pid = server, server.start(case)
        self._ended: Ended | None = None

    def is_running(self) -> bool:
        return psutil.pid_exists(self._pid)

    def kill(self) -> None:
        """Kill it with -9, unless its end was waited for."""
        if self._ended is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self.wait()

    def wait(self) -> int:
        """Return what `Popen.wait` does: 0, or minus the number of the signal that ended it."""
        self._ended = self._ended or self._server.ended()
        return -self._ended.signal


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
