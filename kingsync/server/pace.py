"""How slowly a visitor may send and take: slower ones are hung up on, so that they hold nothing for long."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """So many seconds for anything at all, and more for what is large: but never fewer bytes per second than this."""

    grace_seconds: float
    bytes_per_second: int

    def seconds_for(self, size: int) -> float:
        return self.grace_seconds + size / self.bytes_per_second


class Clock:
    """One visitor's time: it begins now and grows with every byte that went over the line."""

    def __init__(self, pace: Pace) -> None:
        self._pace, self._size = pace, 0
        self._began = asyncio.get_running_loop().time()

    def count(self, size: int) -> None:
        self._size += size

    def limit(self) -> asyncio.Timeout:
        """Return a block that raises `TimeoutError` when this visitor's time is over."""
        return asyncio.timeout_at(self._began + self._pace.seconds_for(self._size))
