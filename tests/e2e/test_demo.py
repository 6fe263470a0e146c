"""`manage.py demo` as a user runs it: start, look, stop, start again on the same data."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from devservers import ports
from devservers.places import CHECKOUT
from tests import patience, processes

READY = r"^open (http://127\.0\.0\.1:\d+), log in as (\S+) with password (\S+)$"
PARTS = {"king", "outsmart", "web", "imports", "exports", "beat"}


class RunningDemo:
    """A demo that was started, and its output so far."""

    def __init__(self, local: Path, **environment: str) -> None:
        self.local = local
        self.lines: list[str] = []
        self._has_ended = False
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            processes.bound(processes.MANAGE, "demo"),
            env=processes.environment(local, **environment),
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the first match in the output; fail when the demo ends or is too slow."""
        with self._news:
            self._news.wait_for(
                lambda: re.search(pattern, self.output, re.MULTILINE) or self._has_ended, patience.SECONDS
            )
        found = re.search(pattern, self.output, re.MULTILINE)
        assert found, self.output
        return found

    def everything(self) -> list[psutil.Process]:
        """Return all processes of the demo: its children, theirs, keeper and servers."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True), *processes.of_servers(self.local / "data")]

    def stop(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(patience.SECONDS)
        self._reader.join()
        return code

    def close(self) -> None:
        """End the demo if it still runs; its parts end with it."""
        if self.process.poll() is None:
            self.stop(signal.SIGTERM)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()


@contextmanager
def _demo(local: Path, **environment: str) -> Iterator[RunningDemo]:
    demo = RunningDemo(local, **{"PORT": str(ports.free_port()), **environment})
    try:
        yield demo
    finally:
        demo.close()


def _fetch(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=patience.SECONDS) as answer:
        return answer.status, answer.read().decode()


@pytest.mark.long
def test_the_demo_starts_stops_and_starts_again_on_the_same_data_even_after_a_kill(tmp_path: Path) -> None:
    with _demo(tmp_path) as demo:
        ready = demo.wait_for(READY)
        all_parts_answer(demo, ready[1])
        a_killed_worker_is_named_and_started_again(demo)
        a_second_demo_says_where_the_first_one_is(demo, ready[1])
        running = demo.everything()
        code = demo.stop(signal.SIGTERM)

    assert code == 0
    assert len(running) >= len(PARTS) + 4
    assert processes.still_running(running) == []
    assert demo.lines[-1] == "stopped"
    assert {line.split("|")[0].strip() for line in demo.lines if " | " in line} == PARTS

    with _demo(tmp_path) as again:
        same = again.wait_for(READY)
        sandboxes = again.wait_for(r"^sandboxes .*")
        nothing_is_left_when_it_is_killed(again)

    assert same.groups()[1:] == ready.groups()[1:]
    assert sandboxes[0] in demo.output

    with _demo(tmp_path) as last:
        still_the_same = last.wait_for(READY)
        code = last.stop(signal.SIGINT)

    assert code == 0
    assert still_the_same.groups()[1:] == ready.groups()[1:]


def all_parts_answer(demo: RunningDemo, address: str) -> None:
    demo.wait_for(r"^exports +\| .*ready")
    demo.wait_for(r"^imports +\| .*ready")
    demo.wait_for(r"^beat +\| .*clock.started")
    health, _as_labels = _fetch(f"{address}/health?part=web")
    page, login = _fetch(address)
    metrics, samples = _fetch(f"{address}/metrics")
    assert (health, page, metrics) == (200, 200, 200)
    assert 'type="password"' in login
    assert "kingsync_work_orders{" in samples


def a_killed_worker_is_named_and_started_again(demo: RunningDemo) -> None:
    children = psutil.Process(demo.process.pid).children()
    worker = next(child for child in children if "imports" in child.cmdline())
    pool = worker.children(recursive=True)

    worker.kill()
    demo.wait_for(r"^imports was stopped by SIGKILL; restarting it$")
    demo.wait_for(r"^imports +\| .*ready(?s:.*)^imports +\| .*ready")
    left = processes.still_running([worker, *pool])

    assert len(pool) >= 1
    assert left == []


def a_second_demo_says_where_the_first_one_is(demo: RunningDemo, address: str) -> None:
    with _demo(demo.local) as second:
        code = second.process.wait(patience.SECONDS)
    first_still_answers = _fetch(f"{address}/health?part=web")[0]

    assert code == 1
    assert f"A demo of this checkout is already running: open {address}" in second.output
    assert "Traceback" not in second.output
    assert first_still_answers == 200


def nothing_is_left_when_it_is_killed(demo: RunningDemo) -> None:
    demo.wait_for(r"^exports +\| .*ready")
    running = demo.everything()

    demo.stop(signal.SIGKILL)

    assert processes.still_running(running) == []


@pytest.mark.parametrize(
    ("wanted", "complaint"), [("taken", "Port {} is used by another program"), ("0", "PORT=0 is not a port number")]
)
def test_a_port_that_cannot_be_had_is_named(tmp_path: Path, wanted: str, complaint: str) -> None:
    with socket.create_server((ports.HOST, 0)) as other:
        taken = str(other.getsockname()[1])
        with _demo(tmp_path, PORT=taken if wanted == "taken" else wanted) as demo:
            code = demo.process.wait(patience.SECONDS)

    assert code == 1
    assert complaint.format(taken) in demo.output
    assert "Traceback" not in demo.output
