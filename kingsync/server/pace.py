"""How slowly a visitor may send and receive; slower ones are disconnected, so that they hold nothing for long."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """A grace period for anything at all, plus time for what is large: a minimum rate in bytes per second."""

    grace_seconds: float
    bytes_per_second: int

    def seconds_for(self, size: int) -> float:
        return self.grace_seconds + size / self.bytes_per_second


class Clock:
    """One visitor's time limit: it starts now and grows with every byte transferred."""

    def __init__(self, pace: Pace) -> None:
        self._pace, self._size = pace, 0
        self._began = asyncio.get_running_loop().time()

    def count(self, size: int) -> None:
        self._size += size

    def limit(self) -> asyncio.Timeout:
        """Return a context manager that raises `TimeoutError` when this visitor's time is up."""
        return asyncio.timeout_at(self._began + self._pace.seconds_for(self._size))
