"""The error tracker learns where something broke, and no secret: tested as deployed, over a real connection."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

from devservers.places import CHECKOUT
from tests.contract.socket_server import closed_port

NAMES = (
    "token",
    "software_token",
    "bearer",
    "access_code",
    "password",
    "session",
    "csrf",
    "invitation",
    "totp",
    "name",
)
# Each is recognised in any notation: its letters and digits are the same in all of them.
PLANTED = {name: f"{name.replace('_', '')}Geh31mé/&{number}7x9q2w5" for number, name in enumerate(NAMES)}
MARK = re.compile("Geh31m|7x9q2w5", re.IGNORECASE)


class Tracker(ThreadingHTTPServer):
    """Receives what an error tracker is sent, and echoes it to other callers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[bytes] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Tracker

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.received.append(f"{self.path}\n{self.headers}\n".encode() + body)
        self._answer(b"{}")

    def do_GET(self) -> None:
        self._answer(f"{self.path} {self.headers}".encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def tracker() -> Iterator[Tracker]:
    """Provide an error tracker that was sent everything that `error_reports.py` breaks."""
    with Tracker() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            _break_everything(server)
            yield server
        finally:
            server.shutdown()
            thread.join()


def _break_everything(server: Tracker) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SECRET_KEY": PLANTED["csrf"] + "k" * 50,
        "ENCRYPTION_KEYS": PLANTED["access_code"] + "long and random 0123456789",
        "ALLOWED_HOSTS": "kingsync.example",
        "DATABASE_URL": f"postgres://kingsync:7x9q2w5@127.0.0.1:{closed_port()}/kingsync",
        "REDIS_URL": f"redis://:7x9q2w5@127.0.0.1:{closed_port()}/0",
        "OUTSMART_SOFTWARE_TOKEN": PLANTED["software_token"],
        "SENTRY_DSN": f"http://public@{server.address}/1",
        "SENTRY_DEBUG": "1",
        "SENTRY_SPOTLIGHT": f"http://{server.address}/stream",
        "ECHO_URL": f"http://{server.address}",
        "PLANTED": json.dumps(PLANTED),
    }
    program = CHECKOUT / "tests" / "operation" / "error_reports.py"
    done = subprocess.run(
        [sys.executable, program, PLANTED["token"]],
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "OddError" in done.stderr, done.stderr


def events(tracker: Tracker) -> list[dict[str, Any]]:
    found = []
    for request in tracker.received:
        lines = request.splitlines()
        found += [json.loads(line) for line in lines if line.startswith(b'{"event_id"') or b'"platform"' in line]
    return [event for event in found if "platform" in event]


def test_no_secret_is_in_anything_that_is_sent(tracker: Tracker) -> None:
    for request in tracker.received:
        text = request.decode("utf-8", "replace")
        for notation in (text, unquote(text), text.encode().decode("unicode_escape", "replace")):
            assert MARK.findall(notation) == [], text[:3000]


def test_every_part_that_broke_is_reported(tracker: Tracker) -> None:
    reported = events(tracker)
    frames = [f for event in reported for each in _exceptions(event) for f in each["stacktrace"]["frames"]]
    kinds = {each["type"] for event in reported for each in _exceptions(event)}

    assert {"run_sync", "stumble", "test_connection"} <= {frame["function"] for frame in frames}
    assert {"/login/", "/invitation/{secret}/", "kingsync.tasks.run_sync"} <= {
        event.get("transaction") for event in reported
    }
    assert {"OddError", "OperationalError", "UnreachableError"} <= kinds


def test_an_event_says_where_and_what_kind_and_nothing_else(tracker: Tracker) -> None:
    allowed = {"event_id", "timestamp", "level", "platform", "release", "environment", "logger", "sdk", "tags"} | {
        "transaction",
        "exception",
        "logentry",
    }

    assert {name for event in events(tracker) for name in event} <= allowed
    frames = [f for event in events(tracker) for each in _exceptions(event) for f in each["stacktrace"]["frames"]]
    assert {name for frame in frames for name in frame} == {"filename", "function", "module", "lineno", "in_app"}


def test_our_own_errors_say_which_call_failed(tracker: Tracker) -> None:
    tags = [event["tags"] for event in events(tracker) if event["tags"]]

    assert {"system": "outsmart", "operation": "hourtypes", "reason": "unreachable", "status": "None"} in tags


def test_nothing_but_errors_is_sent(tracker: Tracker) -> None:
    kinds = re.findall(rb'"type":"([a-z_]+)"', b"\n".join(tracker.received))

    assert tracker.received
    assert (
        set(kinds) & {b"transaction", b"session", b"sessions", b"log", b"metric", b"client_report", b"profile"} == set()
    )
    assert b"/stream" not in b"".join(request.split(b"\n", 1)[0] for request in tracker.received)


def _exceptions(event: dict[str, Any]) -> list[dict[str, Any]]:
    return list(event.get("exception", {}).get("values", []))
