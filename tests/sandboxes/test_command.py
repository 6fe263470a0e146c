"""`manage.py sandbox` as users and scripts run it: a separate process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.core.management import execute_from_command_line

from tests import patience

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, str(ROOT / "manage.py"), "sandbox"]
# Addresses on which nothing listens: the command must work without a database and a broker.
ENVIRONMENT = {
    **os.environ,
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a sandbox and wait for its output line."""
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert process.stdout
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    ("arguments", "line", "number"),
    [
        (
            ["king", "--port", "0", "--records", "5", "--access-code", "code-5", "--administration", "TEST01"],
            r"King sandbox: http://127.0.0.1:(\d+) administration TEST01 access code code-5 ",
            signal.SIGTERM,
        ),
        (
            ["outsmart", "--port", "0", "--work-orders", "2", "--token", "t-5", "--software-token", "s-5"],
            r"OutSmart sandbox: http://127.0.0.1:(\d+)/openapi/8 token t-5 software token s-5 ",
            signal.SIGINT,
        ),
    ],
)
def test_command_says_where_it_is_and_ends_cleanly_on_a_signal(
    tmp_path: Path, arguments: list[str], line: str, number: signal.Signals
) -> None:
    state = tmp_path / "state.json"

    with running(*arguments, "--latency", "1", "--seed", "2", "--state", str(state)) as (process, printed):
        found = re.match(line, printed)
        assert found, printed
        connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=patience.SECONDS)
        connection.request("GET", "/_control/switches")
        told = connection.getresponse().read()
        connection.close()
        process.send_signal(number)

        assert process.wait(10) == 0

    assert b'"latency_seconds":0.001' in told
    assert state.exists()


def test_taken_port_is_said_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "king", "--port", port, "--records", "0"],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            check=False,
        )

    assert done.returncode == 2
    assert f"Port {port} is taken; choose another with --port." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["king"], ["other", "--port", "0"], ["king", "--port", "70000"], ["king", "--port", "0", "--records", "-1"]],
)
def test_bad_argument_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "sandbox", *arguments])

    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err
