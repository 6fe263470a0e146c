"""Conversion of a request for Django's WSGI handler, and its answer, kept until the visitor has taken it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any, TypeAlias
from urllib.parse import unquote_to_bytes

Environment: TypeAlias = dict[str, Any]
Application: TypeAlias = Callable[[Environment, Callable[..., Any]], Iterable[bytes]]
# A larger answer (a list as a file) goes to disk until it has been sent.
IN_MEMORY = 1024 * 1024
WITHOUT_CONTENT = (204, 304)


def environment(scope: Any, body: io.IOBase) -> Environment:
    """Return the WSGI environment of an ASGI request."""
    host, port = scope.get("server") or ("localhost", 80)
    path = scope.get("raw_path") or scope["path"].encode()
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.partition(b"?")[0]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **_headers(scope["headers"]),
    }


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers under their WSGI names; repeated ones are joined in order.

    A name with an underscore is left out: X_Forwarded_For would otherwise pass for the proxy's X-Forwarded-For.
    """
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if b"_" not in name:
            found.setdefault(name.decode("latin-1").upper().replace("-", "_"), []).append(value.decode("latin-1"))
    bare = {"CONTENT_LENGTH", "CONTENT_TYPE"}
    return {name if name in bare else f"HTTP_{name}": ",".join(values) for name, values in found.items()}


@dataclass
class Answer:
    """A complete answer of the application: no thread waits until the visitor has taken it."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    # The sender closes it.
    content: IO[bytes] = field(default_factory=lambda: SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115

    def start(self, status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Callable[[bytes], int]:
        """Record status and headers: WSGI's `start_response`."""
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self.content.write

    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers with the length, so that a truncated answer is not mistaken for a complete one."""
        if self.status in WITHOUT_CONTENT or any(name == b"content-length" for name, _value in self.headers):
            return self.headers
        size = self.content.seek(0, io.SEEK_END)
        self.content.seek(0)
        return [*self.headers, (b"content-length", str(size).encode())]


def work(application: Application, environ: Environment) -> Answer:
    """Run the application in this thread."""
    answer = Answer()
    chunks = application(environ, answer.start)
    try:
        answer.content.writelines(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
    answer.content.seek(0)
    return answer
