"""What the gate itself guarantees: long tests start first, and busy processes end with the tests beside them."""

from __future__ import annotations

import json
import subprocess
import sys

import psutil
import pytest

from devservers.places import CHECKOUT
from tests import busy, dealing, processes

COUNT_OTHERS = """
import json, os, psutil
beside = [each.pid for each in psutil.Process().parent().children() if each.pid != os.getpid()]
print(json.dumps(beside), flush=True)
raise SystemExit(3)
"""


@pytest.mark.parametrize(
    ("tests", "workers", "order"),
    [
        ("aBcDeF", 2, "BFaDce"),
        ("abcdefG", 3, "Gabcdef"),
        ("abCD", 4, "CDab"),
        ("ABCDe", 1, "ABCDe"),
        ("ABC", 2, "ACB"),
        ("", 3, ""),
    ],
)
def test_each_worker_begins_with_its_share_of_the_long_tests(tests: str, workers: int, order: str) -> None:
    assert "".join(dealing.dealt(tests, str.isupper, workers=workers)) == order


def test_busy_processes_are_there_as_long_as_the_command_and_its_exit_code_passes_through() -> None:
    command = [sys.executable, "-m", "tests.busy", sys.executable, "-c", COUNT_OTHERS]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    beside = json.loads(done.stdout)
    assert (done.returncode, len(beside)) == (3, busy.PROCESSES)
    assert not any(psutil.pid_exists(pid) for pid in beside)


def test_busy_processes_end_when_whoever_started_them_is_killed() -> None:
    waiting = "import sys, psutil; print(*[each.pid for each in psutil.Process().parent().children()], flush=True)"
    command = [sys.executable, "-m", "tests.busy", sys.executable, "-c", f"{waiting}; sys.stdin.read()"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        children = [psutil.Process(int(pid)) for pid in started.stdout.readline().split()]
        started.kill()

    assert len(children) == busy.PROCESSES + 1
    assert processes.still_running(children) == []
