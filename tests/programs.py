"""Our own programs, run beside the test: they use its database, broker and sandboxes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings as deployment
from redis import Redis

from devservers import ports
from devservers.places import CHECKOUT
from kingsync import tasks
from kingsync.runs import queues
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
            "KING_WRITE_TIMEOUT": "100",
            "JOURNAL_FOLDER": deployment.JOURNAL_FOLDER,
        }
    )


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + patience.SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def freeze(pid: int) -> None:
    """Freeze a process, and wait until it is: until one of its threads takes the signal, all of them run on."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: is_frozen(pid))


def is_frozen(pid: int) -> bool:
    """Return whether all threads of a process are stopped."""
    states = [status.read_text().partition("State:\t")[2][:1] for status in Path(f"/proc/{pid}/task").glob("*/status")]
    return set(states) == {"T"}


@contextmanager
def web(*, workers: int = 1) -> Iterator[int]:
    """Start the web server of the compose file, with 4 threads for each of its processes, and yield its port."""
    with web_server("--workers", str(workers)) as (_process, port):
        yield port


@contextmanager
def web_server(*options: str) -> Iterator[tuple[Program, int]]:
    """Start the web server, and yield it with its port."""
    port = ports.free_port()
    command = processes.bound("-m", "kingsync.serve", "--host", ports.HOST, "--port", str(port), *options)
    # With its own SECRET_KEY it would be production, behind TLS; the key of this machine is the same one.
    as_here = {name: value for name, value in environment().items() if name not in ("SECRET_KEY", "ENCRYPTION_KEYS")}
    process = subprocess.Popen(command, cwd=CHECKOUT, env=as_here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: not ports.is_free(port) or process.poll() is not None)
        yield process, port
    finally:
        process.terminate()
        process.wait(timeout=patience.SECONDS)


@contextmanager
def workers() -> Iterator[Callable[..., Program]]:
    """Start Celery workers on demand, for both queues if none is named; all of them have ended after the block."""

    def start_one(queues: str = "imports,exports", host: str = "%h", **variables: str) -> Program:
        return start("worker", "-Q", queues, "-c", "1", "-n", f"{queues}@{host}", **variables)

    forget_messages()
    with _celery() as start:
        yield start_one


@contextmanager
def threads(number: int) -> Iterator[Callable[..., Program]]:
    """Start workers of exports with so many threads, each with a name and variables of its own; as `workers`."""
    options = ["-Q", "exports", "-P", "threads", "-c", str(number)]
    forget_messages()
    with _celery() as start:
        yield lambda name, **variables: start("worker", *options, "-n", f"{name}@%h", **variables)


@contextmanager
def clocks() -> Iterator[Callable[..., Program]]:
    """Start clocks on demand, with variables of their own; all of them have ended after the block."""
    with _celery() as start:
        yield lambda **variables: start("beat", **variables)


def forget_messages() -> None:
    """Empty the queues: an earlier test may have sent its runs again and again, and a worker would look at each."""
    with Redis.from_url(deployment.REDIS_URL) as broker:
        broker.delete(*(each for queue in queues.QUEUES.values() for each in queues.lists(queue)))


def sweep() -> None:
    """Do what the clock does four times a minute, as often as a test likes.

    But not while a message waits: a worker that begins late would have to look at thousands of them, a second for each.
    """
    with Redis.from_url(deployment.REDIS_URL) as broker:
        is_waiting = bool(queues.busy(broker))
    if not is_waiting:
        tasks.sweep()


@contextmanager
def _celery() -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(*arguments: str, **variables: str) -> Program:
        process = subprocess.Popen(
            processes.bound("-m", "celery", "-A", "kingsync.celery", *arguments),
            cwd=CHECKOUT,
            env=environment() | variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            process.terminate()
        for process in started:
            _end(process)


def _end(process: Program) -> None:
    """Wait for a program that was asked to end; kill a worker in the middle of a long slice, with its pool."""
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
