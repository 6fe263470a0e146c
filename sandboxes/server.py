"""A small threaded HTTP server on loopback: HTTP/1.1, persistent connections, each answer in one packet.

It knows nothing of the two systems: it reads requests, hands them over and sends the answers.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from socketserver import TCPServer
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from sandboxes.messages import Answer, Request, parse_query

LOOPBACK = "127.0.0.1"
STOP_SECONDS = 5.0
MAX_BODY_BYTES = 1_000_000_000


def _poll(watched: list[socket.socket], seconds: float | None = None) -> set[int]:
    poller = select.poll()
    for one in watched:
        poller.register(one.fileno(), select.POLLIN)
    return {number for number, _ in poller.poll(None if seconds is None else max(seconds, 0) * 1000)}


class Connection:
    """What a fault may do with the connection of its call."""

    def __init__(self, client: socket.socket, stopping: socket.socket) -> None:
        self._client = client
        self._stopping = stopping

    def wait(self, seconds: float) -> bool:
        """Wait; return False when the server was stopped meanwhile. The client may disconnect."""
        return not _poll([self._stopping], seconds)

    def hang(self, seconds: float) -> None:
        """Wait until the client disconnects, the server stops or the seconds have passed."""
        until = time.monotonic() + seconds
        watched = [self._stopping, self._client]
        while (left := until - time.monotonic()) > 0:
            ready = _poll(watched, left)
            if self._stopping.fileno() in ready or (ready and self._is_gone()):
                return
            if ready:  # the client sent more instead of disconnecting: its departure can no longer be seen
                watched = [self._stopping]

    def reset(self) -> None:
        """Close the connection with a TCP reset instead of an orderly end."""
        with contextlib.suppress(OSError):
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self._client.detach())

    def _is_gone(self) -> bool:
        try:
            return not self._client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True


Respond: TypeAlias = Callable[[Request, Connection], Answer | None]


class _Handler(BaseHTTPRequestHandler):
    """Reads requests from one connection until it closes."""

    server: HttpServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.connections[self.connection] = threading.current_thread()
        # From here on stop() closes this connection; before, it could not know about it.
        if self.server.is_stopping.is_set():
            self.connection.shutdown(socket.SHUT_RD)

    def handle(self) -> None:
        # Clients that disconnect half-way are normal for a server of faults.
        with contextlib.suppress(ConnectionError, ValueError):
            super().handle()

    def finish(self) -> None:
        self.server.connections.pop(self.connection, None)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: the call log has it all, with the tokens masked."""

    def _dispatch(self) -> None:
        request = self._read()
        if request is None:
            self._send(Answer(status=411, body=b'{"Message":"Content-Length is required."}'))
            self.close_connection = True
            return
        answer = self.server.respond(request, Connection(self.connection, self.server.stop_signal))
        if answer is None:
            self.close_connection = True
            return
        self._send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _dispatch  # noqa: N815

    def _read(self) -> Request | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionAbortedError
        url = urlsplit(self.path)
        return Request(
            method=self.command,
            path=unquote(url.path),
            query=parse_query(url.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            is_local=ip_address(self.client_address[0]).is_loopback,
        )

    def _send(self, answer: Answer) -> None:
        self.close_connection = self.close_connection or answer.is_cut or self.server.is_stopping.is_set()
        lines = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(answer.body)}",
            f"Connection: {'close' if self.close_connection else 'keep-alive'}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        body = b"" if self.command == "HEAD" else answer.body
        # Head and body in one send: two would run into Nagle and delayed acknowledgements, 40 ms a call.
        self.connection.sendall(head + (body[: len(body) // 2] if answer.is_cut else body))


class HttpServer(ThreadingHTTPServer):
    """Serves `respond` on `host`; port 0 takes a free one. Raises OSError when the port is taken."""

    daemon_threads = True
    request_queue_size = 128
    timeout = 0

    def __init__(self, port: int, respond: Respond, *, host: str = LOOPBACK) -> None:
        self.respond = respond
        self.connections: dict[socket.socket, threading.Thread] = {}
        self.is_stopping = threading.Event()
        self.stop_signal, self._stop_sender = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, name="sandbox-accept", daemon=True)
        try:
            super().__init__((host, port), _Handler)
        except OSError:
            self._close_signal()
            raise

    def server_bind(self) -> None:
        """Bind without the reverse name look-up of HTTPServer, which can take seconds."""
        TCPServer.server_bind(self)

    @property
    def port(self) -> int:
        """The port that we listen on."""
        return int(self.socket.getsockname()[1])

    def start(self) -> None:
        """Serve in the background."""
        self._acceptor.start()

    def stop(self) -> None:
        """Accept no more requests, end what hangs, wait for the calls in progress, close everything."""
        self.is_stopping.set()
        self._stop_sender.send(b"!")
        self._acceptor.join()
        until = time.monotonic() + STOP_SECONDS
        for connection, thread in list(self.connections.items()):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
            thread.join(max(until - time.monotonic(), 0.1))
        self.server_close()
        self._close_signal()

    def _accept(self) -> None:
        while self.stop_signal.fileno() not in _poll([self.socket, self.stop_signal]):
            self.handle_request()

    def _close_signal(self) -> None:
        self.stop_signal.close()
        self._stop_sender.close()
