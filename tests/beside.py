"""`python -m tests.beside CHECK... -- COMMAND...`: run a command and, at the same time, a check.

The exit code is the command's. A check that fails ends the command, and then the exit code is the check's.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading


def main(words: list[str]) -> int:
    """Run what stands before and after the first `--`; return the exit code of both together."""
    place = words.index("--")
    with tempfile.TemporaryFile() as said:
        with (
            subprocess.Popen(words[:place], stdout=said, stderr=said) as check,
            subprocess.Popen(words[place + 1 :]) as command,
        ):
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both of them: they say what was done
            threading.Thread(target=_end_where_it_fails, args=(check, command), daemon=True).start()
        said.seek(0)
        sys.stdout.buffer.write(said.read())
    return check.returncode or command.returncode


def _end_where_it_fails(check: subprocess.Popen[bytes], command: subprocess.Popen[bytes]) -> None:
    if check.wait() != 0:
        command.terminate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
