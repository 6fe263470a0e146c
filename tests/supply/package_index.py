"""A package index of a test's own on loopback: http or https, with a login or without, with wheels made here."""

from __future__ import annotations

import base64
import hashlib
import shlex
import ssl
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path

LOGIN = "reader:secret"


def wheel(folder: Path, name: str, version: str, files: Mapping[str, bytes], *, tag: str = "py3-none-any") -> Path:
    """Write a wheel with these files and return its path."""
    info = f"{name}-{version}.dist-info"
    content = dict(files) | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    rows = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, data in content.items():
            entry = zipfile.ZipInfo(inside)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, data)
    return path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def uv_wheel(folder: Path) -> Path:
    """Return a wheel that calls the uv that is installed here, whose own fifty megabytes take seconds to install."""
    script = f'#!/bin/sh\nexec {shlex.quote(str(_uv()))} "$@"\n'
    return _uv_wheel(folder, script.encode())


def whole_uv_wheel(folder: Path) -> Path:
    """Return a wheel of the uv that is installed here."""
    return _uv_wheel(folder, _uv().read_bytes())


def _uv() -> Path:
    uv = distribution("uv")
    [program] = [Path(str(uv.locate_file(path))).resolve() for path in uv.files or [] if path.name == "uv"]
    return program


def _uv_wheel(folder: Path, program: bytes) -> Path:
    version = distribution("uv").version
    return wheel(folder, "uv", version, {f"uv-{version}.data/scripts/uv": program})


def locked(path: Path) -> str:
    """Return the line of a lock file for a wheel."""
    name, version, *_rest = path.name.split("-")
    return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@contextmanager
def serving(*wheels: Path, tls: ssl.SSLContext | None = None, login: str = "") -> Iterator[str]:
    """Serve these wheels and yield the index's address, without the login that it asks for."""
    expected = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if expected and self.headers.get("Authorization") != expected:
                self._answer(401, b"", "text/plain")
                return
            ours = {path.name: path for path in wheels}
            name = self.path.strip("/").rpartition("/")[2]
            links = "".join(f'<a href="/files/{each}">{each}</a>' for each in ours if each.startswith(f"{name}-"))
            if name in ours:
                self._answer(200, ours[name].read_bytes(), "application/octet-stream")
            else:
                self._answer(200 if links else 404, f"<!doctype html>{links}".encode(), "text/html")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="packages"')
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/simple"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
