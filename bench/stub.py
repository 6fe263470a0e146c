"""A fast stand-in for a sandbox: `python -m bench.stub UPSTREAM` answers from memory what that sandbox answered before.

A sandbox does real work for every call, so that it takes as long as its client and flatters it. This answers a
request that it knows with bytes that are ready, and counts posted rows instead of storing them. The first time a
request is asked upstream; `DELETE /_control/answers` forgets all of them.
"""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import threading

import requests

LOOPBACK = "127.0.0.1"
READ_BYTES = 1 << 20
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_FIELD = re.compile(rb"\r\n([^:\r]+): *([^\r]*)")
_OWN_FIELDS = {"host", "connection", "content-length", "accept-encoding"}
_ROW = b'"code":'


class Stub:
    """What is answered, by request line and body."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._known: dict[tuple[bytes, bytes], bytes] = {}
        self._rows = 0

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Return the whole HTTP answer to a request."""
        line = head[: head.index(b"\r\n")]
        if line.startswith(b"POST /openapi/"):
            return self._posted(body)
        if b" /_control/" in line:
            return self._controlled(line)
        known = self._known.get((line, body))
        if known is None:
            known = self._known[line, body] = self._asked(head, line, body)
        return known

    def _posted(self, body: bytes) -> bytes:
        count = body.count(_ROW)
        self._rows += count
        return _message(b'{"code":200,"messages":[],"response":%d}' % count)

    def _controlled(self, line: bytes) -> bytes:
        """Forget the answers, or tell how many rows were posted since it was last asked."""
        if line.startswith(b"DELETE /_control/answers"):
            self._known.clear()
        elif line.startswith(b"GET /_control/rows"):
            count, self._rows = self._rows, 0
            return _message(b"%d" % count)
        return _message(b"{}")

    def _asked(self, head: bytes, line: bytes, body: bytes) -> bytes:
        method, target, _ = line.decode().split(" ")
        fields = {name.decode().lower(): value.decode() for name, value in _FIELD.findall(head)}
        headers = {name: value for name, value in fields.items() if name not in _OWN_FIELDS}
        found = requests.request(method, self._upstream + target, data=body, headers=headers, timeout=60)
        found.raise_for_status()
        return _message(found.content)


def _message(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


def _serve(connection: socket.socket, stub: Stub) -> None:
    """Answer the requests of one connection, one after the other, until it closes."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    with connection, contextlib.suppress(ConnectionError):
        while True:
            while (end := received.find(b"\r\n\r\n")) < 0:
                if not (more := connection.recv(READ_BYTES)):
                    return
                received += more
            head = received[: end + 2]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length.group(1)) if length else 0)
            while len(received) < whole:
                received += connection.recv(READ_BYTES)
            connection.sendall(stub.answer(head, received[end + 4 : whole]))
            received = received[whole:]


def main() -> None:
    """Serve on a free port until the process ends, and print the address first."""
    stub = Stub(sys.argv[1])
    with socket.create_server((LOOPBACK, 0), backlog=64) as server:
        print(f"http://{LOOPBACK}:{server.getsockname()[1]}", flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_serve, args=(connection, stub), daemon=True).start()


if __name__ == "__main__":
    main()
