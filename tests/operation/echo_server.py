"""A server that answers with the status in the path and says back all that it was sent, secrets included."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class EchoServer(ThreadingHTTPServer):
    """`url(500)` is an address below which every answer has status 500."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_details: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def url(self, status: int) -> str:
        return f"http://127.0.0.1:{self.server_port}/{status}"


class _Handler(BaseHTTPRequestHandler):
    server: EchoServer

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        said = f"{self.path} {self.headers} {body}"
        self.server.heard.append(said)
        status = int(self.path.split("/")[1])
        self.send_response(status, " ".join(self.path.split())[:200])
        if 300 <= status < 400:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/200?{self.path}")
        content = said.encode()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815  (the library's names)

    def log_message(self, *_: object) -> None:
        """Log nothing."""
