"""`python -m bench.starts`: what it takes to start a command, in processor time. Exits with 1 when it is too much."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator

from bench import goals
from bench.figures import Figure, report
from devservers.places import CHECKOUT

TIMES = 9
WHY = "Django, psycopg and requests take most of it; an export and an import are both loaded"
COMMANDS = ("sync", "sandbox", "check_restore", "doctor", "migrate")


def measure(times: int) -> Iterator[Figure]:
    """Measure each command's help, which loads what the command needs at its start, and does nothing."""
    for command in COMMANDS:
        _start(command)  # compiles what is not compiled
        seconds = statistics.median(_start(command) for _ in range(times))
        yield Figure(f"start of {command}, processor time", seconds, "s", bound=goals.AT_MOST[goals.START], why=WHY)


def _start(command: str) -> float:
    before = _children_seconds()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [sys.executable, "manage.py", command, "--help"],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return _children_seconds() - before


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print a figure for each command; `--quick` judges nothing."""
    parser = ArgumentParser(prog="python -m bench.starts", description="What it takes to start a command.")
    parser.add_argument("--quick", action="store_true", help="once each: shows that it works, proves nothing")
    quick = parser.parse_args().quick
    sys.exit(0 if report(measure(1 if quick else TIMES), is_judged=not quick) else 1)


if __name__ == "__main__":
    main()
