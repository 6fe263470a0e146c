"""Run several programs as one: merged output, restarted when they die, all stopped together."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from devservers import children
from devservers.places import CHECKOUT

LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 8.0
FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 60.0  # a part that lived this long restarts without delay


class PartEndedError(RuntimeError):
    """A part ended before everything was up."""


class TooSlowError(RuntimeError):
    """Something did not happen in time."""


@dataclass(frozen=True)
class Part:
    """One program to run.

    `floor` is its level in the stack: parts of a higher floor are stopped first, those of one floor together.
    `death_signal` is the signal it gets when this process is killed.
    """

    name: str
    command: Sequence[str]
    floor: int
    death_signal: int = signal.SIGTERM


@dataclass
class Running:
    """A started part. The process may have ended; then `starts_again_at` (monotonic seconds) is when it restarts."""

    part: Part
    process: subprocess.Popen[bytes]
    output: int
    started_at: float = field(default_factory=time.monotonic)
    unfinished: bytes = b""
    delay_seconds: float = FIRST_DELAY_SECONDS
    starts_again_at: float | None = None


class Supervisor:
    """Starts parts and keeps them running; use it from the main thread of a single-threaded process.

    `show(name, line)` gets every line of the parts' output, `say(line)` reports what happens to the parts.
    """

    def __init__(self, *, env: Mapping[str, str], show: Callable[[str, str], None], say: Callable[[str], None]) -> None:
        self._env = env
        self._show = show
        self._say = say
        self._running: list[Running] = []
        self._selector = selectors.DefaultSelector()

    def start(self, part: Part) -> None:
        """Start a part. `stop` stops it, or the kernel does when this process is killed."""
        process, output = self._launch(part)
        running = Running(part, process, output)
        self._running.append(running)
        self._selector.register(output, selectors.EVENT_READ, running)

    def run_until(self, done: Callable[[], bool], *, seconds: float, waiting_for: str) -> None:
        """Show output until `done()`. Raises `PartEndedError` when a part ends, `TooSlowError` after `seconds`."""
        end = time.monotonic() + seconds
        while not done():
            self._relay()
            for running in self._running:
                if running.process.poll() is not None:
                    raise PartEndedError(f"{running.part.name} {ending_of(running.process)}; see its output above.")
            if time.monotonic() > end:
                raise TooSlowError(f"{waiting_for} did not answer within {seconds:.0f} seconds.")

    def run(self) -> None:
        """Show output and restart parts that die, until a signal handler raises."""
        while True:
            self._relay()
            for running in self._running:
                self._revive(running)

    def stop(self) -> None:
        """Stop the parts, floor by floor from the top; afterwards none of their processes is left."""
        for floor in sorted({running.part.floor for running in self._running}, reverse=True):
            self._stop_together([running.process for running in self._running if running.part.floor == floor])
        self._relay()
        for running in self._running:
            self._close_output(running)
        self._selector.close()

    def _stop_together(self, processes: list[subprocess.Popen[bytes]]) -> None:
        for process in processes:
            process.terminate()
        end = time.monotonic() + PATIENCE_SECONDS
        while any(process.poll() is None for process in processes) and time.monotonic() < end:
            self._relay()
        for process in processes:
            children.stop(process, patience_seconds=0)

    def _launch(self, part: Part) -> tuple[subprocess.Popen[bytes], int]:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        with os.fdopen(writing, "wb") as stdout:
            process = children.start(
                part.command, death_signal=part.death_signal, env=self._env, cwd=CHECKOUT, stdout=stdout
            )
        return process, reading

    def _relay(self) -> None:
        """Relay the parts' output; wait a moment when there is none."""
        for key, _events in self._selector.select(LOOK_SECONDS):
            running: Running = key.data
            received = os.read(running.output, 65536)
            if not received:
                self._selector.unregister(running.output)
            *lines, running.unfinished = (running.unfinished + received).split(b"\n")
            for line in lines:
                self._show(running.part.name, line.decode(errors="replace").rstrip("\r"))

    def _revive(self, running: Running) -> None:
        now = time.monotonic()
        if running.process.poll() is None:
            return
        if running.starts_again_at is None:
            if now - running.started_at > STEADY_SECONDS:
                running.delay_seconds = FIRST_DELAY_SECONDS
            running.starts_again_at = now + running.delay_seconds
            running.delay_seconds = min(running.delay_seconds * 2, LONGEST_DELAY_SECONDS)
            children.stop(running.process, patience_seconds=0)  # the rest of its session
            self._say(f"{running.part.name} {ending_of(running.process)}; restarting it")
        elif now >= running.starts_again_at:
            self._close_output(running)
            running.process, running.output = self._launch(running.part)
            running.started_at, running.starts_again_at, running.unfinished = now, None, b""
            self._selector.register(running.output, selectors.EVENT_READ, running)

    def _close_output(self, running: Running) -> None:
        if running.output in self._selector.get_map():
            self._selector.unregister(running.output)
        os.close(running.output)


def ending_of(process: subprocess.Popen[bytes]) -> str:
    """Return how a process ended, as the second half of a sentence."""
    code = process.returncode
    return f"was stopped by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
