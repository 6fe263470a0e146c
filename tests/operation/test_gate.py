"""What the gate itself guarantees: long tests start first, a check beside the tests counts, busy processes end."""

from __future__ import annotations

import json
import subprocess
import sys

import psutil
import pytest

from devservers.places import CHECKOUT
from tests import busy, dealing, patience, processes

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


def beside(check: str, command: str) -> tuple[int, str]:
    """Return exit code and output of a command with a check beside it."""
    python = [sys.executable, "-c"]
    words = [sys.executable, "-m", "tests.beside", *python, check, "--", *python, command]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=patience.SECONDS)
    return done.returncode, done.stdout


def test_a_check_beside_the_tests_shows_what_it_says_and_their_exit_code_passes_through() -> None:
    assert beside("print('2 files')", "raise SystemExit(5)") == (5, "2 files\n")
    assert beside("print('2 files')", "") == (0, "2 files\n")


def test_a_check_that_fails_ends_the_tests_beside_it() -> None:
    hangs = "import signal; signal.pause()"

    assert beside("import sys; print('1 error', file=sys.stderr); raise SystemExit(4)", hangs) == (4, "1 error\n")


def test_the_types_are_checked_beside_the_tests() -> None:
    recipe = (CHECKOUT / "Makefile").read_text().partition("\ntest:")[2].partition("\n\n")[0]

    assert "\t@$(BIN)/python -m tests.beside $(BIN)/mypy --strict -- $(PYTEST)" in recipe.splitlines()


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
