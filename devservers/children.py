"""Child processes that never outlive their parent, not even when the parent is killed with SIGKILL."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from kingsync.parents_death import signal_at_parents_death


def start(
    command: Sequence[str],
    *,
    death_signal: int,
    enter: Callable[[], None] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in its own session, with stderr merged into stdout.

    The child gets `death_signal` when this process dies. `enter` runs in the child before the program does. Call it
    from the main thread of a single-threaded process: the child runs Python before its exec.
    """
    parent = os.getpid()

    def prepare() -> None:
        if enter:
            enter()
        # After `enter`: the kernel drops the setting when a process changes its user.
        signal_at_parents_death(death_signal)
        if os.getppid() != parent:  # the parent died in between
            os._exit(1)

    return subprocess.Popen(  # noqa: S603 (commands are our own)
        list(command),
        env=env,
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.STDOUT if stdout is not None else None,
        start_new_session=True,
        preexec_fn=prepare,  # noqa: PLW1509 (one thread only, see above)
    )


@contextlib.contextmanager
def readable(text: str, folder: Path) -> Iterator[IO[bytes]]:
    """Return an unnamed file in `folder` with this text, for a child's stdin."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(text.encode())
        file.seek(0)
        yield file


def stop(process: subprocess.Popen[bytes], *, signal_number: int = signal.SIGTERM, patience_seconds: float) -> None:
    """Stop a child and the rest of its session; send SIGKILL after `patience_seconds`."""
    if process.poll() is None:
        process.send_signal(signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
