"""A small real proxy: CONNECT and absolute addresses, with its own look-up of names, and a password if wanted."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from base64 import b64encode
from socketserver import BaseRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Self


class ForwardProxy:
    """Forwards to the ports in `hosts`; anything else is answered with 502. `lines` are the first lines it received."""

    def __init__(self, hosts: dict[str, int], *, password: str = "") -> None:
        self.hosts = hosts
        self.lines: list[str] = []
        self.heads: list[str] = []
        self.wanted = f"Basic {b64encode(f'kingsync:{password}'.encode()).decode()}" if password else ""
        self._server = ThreadingTCPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self, visitor: socket.socket) -> None:
        """Serve one connection."""
        head, _, rest = _head_of(visitor).partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.lines.append(lines[0])
        self.heads.append(head.decode())
        if self.wanted and f"Proxy-Authorization: {self.wanted}" not in lines:
            visitor.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        method, target, _version = lines[0].split(" ")
        host = target.removeprefix("http://").partition("/")[0].partition(":")[0]
        if host not in self.hosts:
            visitor.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.hosts[host])) as origin:
            if method == "CONNECT":
                visitor.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                kept = [line for line in lines[1:] if not line.startswith("Proxy-")]
                path = "/" + target.removeprefix("http://").partition("/")[2]
                origin.sendall("\r\n".join([f"{method} {path} HTTP/1.1", *kept, "", ""]).encode() + rest)
            _pump(visitor, origin)


def _handler(proxy: ForwardProxy) -> type[BaseRequestHandler]:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                proxy.serve(self.request)

    return Handler


def _head_of(visitor: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = visitor.recv(65536)
        if not piece:
            raise ConnectionError
        received += piece
    return received


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until one side ends."""
    while True:
        for ready in select.select([one, other], [], [])[0]:
            piece = ready.recv(65536)
            if not piece:
                return
            (other if ready is one else one).sendall(piece)
