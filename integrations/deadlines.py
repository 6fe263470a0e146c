"""Time limits of a call: from the first byte sent to the last byte read, every retry included."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from integrations.calls import OPERATION_SECONDS, Operation


class Deadline:
    """A moment in the future; bytes that arrive move it to `silence_seconds` on, up to `streaming_seconds` in total."""

    def __init__(
        self,
        seconds: float,
        *,
        streaming_seconds: float = 0.0,
        silence_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._ends_at = clock() + seconds
        self._latest = clock() + max(seconds, streaming_seconds)
        self._silence_seconds = silence_seconds

    def put_off(self, seconds: float) -> None:
        """Postpone it by `seconds`: time that could not be used does not count."""
        self._ends_at += seconds
        self._latest += seconds

    def left(self) -> float:
        """Return the seconds left; 0.0 when it has passed."""
        return max(0.0, self._ends_at - self._clock())

    def heard(self) -> None:
        """Record that bytes arrived."""
        put_off = min(self._latest, self._clock() + self._silence_seconds)
        self._ends_at = max(self._ends_at, put_off)


class _Around(msgspec.Struct, frozen=True):
    """A deadline around several calls; `is_repeated` when their caller repeats them, so that they need not."""

    deadline: Deadline
    is_repeated: bool
    outer: _Around | None = None


_around: ContextVar[_Around | None] = ContextVar("deadline_around", default=None)


@contextmanager
def within(seconds: float = OPERATION_SECONDS, *, is_repeated: bool = False) -> Iterator[Deadline]:
    """Hold every call made inside to one deadline; inside another one, the earlier of the two counts.

    `is_repeated`: the caller repeats what is worth repeating, so each call inside is tried once.
    """
    outer = _around.get()
    deadline = Deadline(seconds if outer is None else min(seconds, outer.deadline.left()))
    token = _around.set(_Around(deadline, is_repeated or is_repeated_outside(), outer))
    try:
        yield deadline
    finally:
        _around.reset(token)


def put_off(seconds: float) -> None:
    """Postpone every deadline around the calls made now: another caller had to go first."""
    around = _around.get()
    while around is not None:
        around.deadline.put_off(seconds)
        around = around.outer


_begin_by: ContextVar[float] = ContextVar("begin_by", default=math.inf)


@contextmanager
def begun_within(seconds: float) -> Iterator[None]:
    """Let no call inside begin later than so many seconds from now: a process may be frozen before any of its steps."""
    token = _begin_by.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _begin_by.reset(token)


def seconds_to_begin() -> float:
    """Return the seconds that are left for beginning a call; not above 0.0 when it is too late."""
    return _begin_by.get() - time.monotonic()


def is_repeated_outside() -> bool:
    """Return whether the caller repeats the calls made now."""
    around = _around.get()
    return around is not None and around.is_repeated


def of(operation: Operation) -> Deadline:
    """Return the deadline of an operation that starts now; `within` can only bring it forward."""
    around = _around.get()
    limit = around.deadline.left() if around else float("inf")
    return Deadline(
        min(operation.total_seconds, limit),
        streaming_seconds=min(operation.streaming_seconds, limit),
        silence_seconds=operation.read_timeout,
    )
