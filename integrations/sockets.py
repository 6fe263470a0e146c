"""Sockets and name look-ups that end at the deadline of the call they serve.

A socket's time-out counts from one piece to the next: a server that sends a byte a second never reaches it.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

from integrations.calls import OPERATION_SECONDS
from integrations.deadlines import Deadline, seconds_to_begin

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Progress(threading.local):
    """How far this thread's call is, and when it must end: requests mistakes a slow TLS handshake for a slow answer."""

    is_connecting = False
    deadline = Deadline(OPERATION_SECONDS)  # until the transport sets that of its call


progress = _Progress()


def seconds_left(longest: float | None = None) -> float:
    """Return how long the next step of this thread's call may take. Raises TimeoutError when it is too late."""
    left = progress.deadline.left()
    if left <= 0:
        raise TimeoutError
    return left if longest is None else min(left, longest)


class BegunLateError(Exception):
    """It is too late for this call to begin: nothing of its request is sent any more."""


def _require_time_to_begin() -> None:
    """Come right before each piece of a request: a process that is frozen earlier would send it whenever it wakes.

    Without its last piece no request is carried out.
    """
    if seconds_to_begin() <= 0:
        raise BegunLateError


class _Limited(socket.socket):
    """A connection whose answers end at the deadline."""

    _longest_silence: float | None = None

    def settimeout(self, value: float | None, /) -> None:
        """Set the longest silence between two pieces of an answer."""
        self._longest_silence = value
        super().settimeout(value)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Receive, until the deadline at most."""
        super().settimeout(seconds_left(self._longest_silence))
        count = super().recv_into(*args, **kwargs)
        progress.deadline.heard()
        return count


class LimitedSocket(_Limited):
    """A plain connection whose every step ends at the deadline."""

    def __init__(self, opened: socket.socket) -> None:
        super().__init__(fileno=opened.detach())

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """Send all of it, until the deadline at most; the system's own time-out counts over the whole."""
        socket.socket.settimeout(self, seconds_left())
        _require_time_to_begin()
        super().sendall(data, flags)


class LimitedTlsSocket(_Limited, ssl.SSLSocket):
    """The same for TLS. The handshake as a whole is limited by the plain socket below it."""

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        """Send a part, until the deadline at most; `sendall` is made of these."""
        ssl.SSLSocket.settimeout(self, seconds_left())
        _require_time_to_begin()
        return super().send(data, flags)


def addresses_of(name: str, port: int, *, longest: float) -> list[str]:
    """Return the addresses of a host name, each once. Raises what the look-up raises, and TimeoutError.

    A look-up cannot be interrupted, so it runs in its own thread, which is abandoned when it takes too long.
    """
    answers: queue.SimpleQueue[list[str] | BaseException] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as failure:
            answers.put(failure)
        else:
            answers.put(list(dict.fromkeys(str(address[0]) for *_, address in found)))

    threading.Thread(target=look_up, name="look up a host", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds_left(longest))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, BaseException):
        raise answer
    return answer
