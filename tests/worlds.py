"""Programs of ours beside the test: they use its database and broker, and its sandboxes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings as deployment

from kingsync.embedded import ports
from kingsync.embedded.places import CHECKOUT
from tests import patience, processes

Program = subprocess.Popen[bytes]


def environment() -> dict[str, str]:
    """Return the environment of a command that uses the database of this test."""
    return (
        os.environ
        | processes.temporary_files()
        | {
            "DATABASE_URL": processes.database_url(),
            "REDIS_URL": deployment.REDIS_URL,
            "SECRET_KEY": deployment.SECRET_KEY,
            "ENCRYPTION_KEYS": ",".join(deployment.ENCRYPTION_KEYS),
            "PRIVATE_HOSTS": "127.0.0.1",
            "KING_WRITE_TIMEOUT": "30",
        }
    )


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + patience.SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@contextmanager
def web(*, workers: int = 1) -> Iterator[int]:
    """Start the web server of the compose file, with 4 threads for each of its processes; yields its port."""
    port = ports.free_port()
    options = ["--interface", "wsgi", "--host", ports.HOST, "--port", str(port), "--no-ws"]
    options += ["--workers", str(workers), "--blocking-threads", "4"]
    command = processes.bound("-m", "granian", *options, "kingsync.wsgi:application")
    # With a SECRET_KEY of its own it would be production, behind TLS; the key of this machine is the same one.
    as_here = {name: value for name, value in environment().items() if name not in ("SECRET_KEY", "ENCRYPTION_KEYS")}
    process = subprocess.Popen(command, cwd=CHECKOUT, env=as_here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: not ports.is_free(port) or process.poll() is not None, seconds=120)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def workers() -> Iterator[Callable[[], Program]]:
    """Start Celery workers for both queues on demand; all of them are gone after the block."""
    started: list[Program] = []

    def start() -> Program:
        command = processes.bound("-m", "celery", "-A", "kingsync", "worker", "-Q", "imports,exports", "-c", "1")
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=patience.SECONDS)
