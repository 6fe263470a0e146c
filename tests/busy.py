"""`python -m tests.busy COMMAND...`: run a command beside eight busy processes, which end with it.

Its exit code is the command's.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

from tests import processes

PROCESSES = 8


def main(command: list[str]) -> int:
    """Run the command beside the busy processes; return its exit code."""
    with ExitStack() as stack:
        for _ in range(PROCESSES):
            busy = stack.enter_context(subprocess.Popen(processes.bound("-c", "while True: pass")))
            stack.callback(busy.kill)
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
