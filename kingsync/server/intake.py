"""The body of a request: read whole, or passed on piece by piece as it arrives, always with a time limit."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from kingsync.server.pace import Clock, Pace

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]


class TooLargeError(Exception):
    """The body is larger than this address accepts."""


class TooSlowError(Exception):
    """The body did not arrive in time."""


class GoneError(Exception):
    """The client disconnected."""


class Body:
    """The incoming body of one request, with its time limit."""

    def __init__(self, receive: Receive, *, pace: Pace, has_body: bool) -> None:
        self._receive, self._clock = receive, Clock(pace)
        self.is_over, self.was_too_slow = not has_body, False

    async def piece(self) -> bytes:
        """Return the next piece, b"" at the end. Raises `TooSlowError`, `GoneError`."""
        while not self.is_over:
            try:
                async with self._clock.limit():
                    message = await self._receive()
            except TimeoutError:
                self.is_over = self.was_too_slow = True
                raise TooSlowError from None
            if message["type"] == "http.disconnect":
                self.is_over = True
                raise GoneError
            self.is_over = not message.get("more_body")
            piece = bytes(message.get("body", b""))
            if piece:
                self._clock.count(len(piece))
                return piece
        return b""

    async def whole(self, *, most_bytes: int) -> bytes:
        """Return all of it. Raises `TooLargeError`, `TooSlowError`, `GoneError`."""
        pieces, size = [], 0
        while piece := await self.piece():
            size += len(piece)
            if size > most_bytes:
                raise TooLargeError
            pieces.append(piece)
        return b"".join(pieces)

    async def throw_away(self, *, seconds: float) -> None:
        """Read on for a moment: a client still sending would otherwise see a broken connection, not the answer."""
        try:
            async with asyncio.timeout(seconds):
                while await self.piece():
                    pass
        except (TimeoutError, TooSlowError, GoneError):
            return


class Stream(io.RawIOBase):
    """A body that a thread reads as it arrives: for uploads only, which fit neither in memory nor in /tmp."""

    def __init__(self, body: Body, loop: asyncio.AbstractEventLoop) -> None:
        self._body, self._loop, self._rest = body, loop, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what is there, waiting if nothing is. Raises `OSError` when nothing more comes."""
        if not self._rest:
            self._rest = self._next()
        taken = self._rest[: len(buffer)]
        self._rest = self._rest[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def _next(self) -> bytes:
        try:
            return asyncio.run_coroutine_threadsafe(self._body.piece(), self._loop).result()
        except (TooSlowError, GoneError) as error:
            raise OSError(type(error).__name__) from None
