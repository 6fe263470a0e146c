"""A server of plain sockets that does to a caller what no HTTP library would do."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self


class SocketServer:
    """Serves connections one after the other, each by the next behaviour (the last one for all that follow).

    `requests` are the requests as they came, `connections` how many there were; `ended` counts those that are over.
    `is_over` is set once nobody calls any more.
    """

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.ended = threading.Semaphore(0)
        self.is_over = threading.Event()
        self._behaviours: Sequence[Behaviour] = behaviours
        self._tls = tls
        self._current: socket.socket | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/call"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.is_over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        if self._current is not None:
            with contextlib.suppress(OSError):
                self._current.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()

    def reads(self, connection: socket.socket) -> bytes:
        """Read one request, head and body; b"" when the caller disconnected."""
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65536)
            if not piece:
                return b""
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        while len(body) < _content_length(head):
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            behaviour = self._behaviours[min(self.connections, len(self._behaviours) - 1)]
            self.connections += 1
            self._current = connection
            with connection, contextlib.suppress(OSError):
                connection.settimeout(60)
                self._handle(behaviour, connection)
            self.ended.release()

    def _handle(self, behaviour: Behaviour, connection: socket.socket) -> None:
        if self._tls is None:
            behaviour(self, connection)
            return
        with self._tls.wrap_socket(connection, server_side=True) as wrapped:
            behaviour(self, wrapped)


Behaviour = Callable[[SocketServer, socket.socket], None]


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def answer(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """Return the bytes of an HTTP answer; `length` may be false."""
    told = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {told}\r\n{headers}\r\n".encode() + body


def reset(connection: socket.socket) -> None:
    """Close with a reset instead of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def says(*answers: bytes) -> Behaviour:
    """Answer the requests of one connection; end it when the caller does or no answers are left."""

    def behave(wire: SocketServer, connection: socket.socket) -> None:
        for content in answers:
            if not wire.reads(connection):
                return
            connection.sendall(content)

    return behave


def cuts_off(content: bytes = b"", *, hard: bool = False) -> Behaviour:
    """Read the request, send something and disconnect."""

    def behave(wire: SocketServer, connection: socket.socket) -> None:
        wire.reads(connection)
        connection.sendall(content)
        if hard:
            reset(connection)

    return behave


def hangs(content: bytes = b"") -> Behaviour:
    """Read the request, send something, then nothing more until the caller gives up."""

    def behave(wire: SocketServer, connection: socket.socket) -> None:
        wire.reads(connection)
        connection.sendall(content)
        connection.recv(1)

    return behave


def drips(wire: SocketServer, connection: socket.socket) -> None:
    """Send a byte at a time, each before the read time-out, for ten seconds."""
    wire.reads(connection)
    connection.sendall(answer(b"", length=1_000_000))
    for _ in range(2_000):
        connection.sendall(b"x")
        time.sleep(0.05)


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
