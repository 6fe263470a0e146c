"""The kinds of fault of the matrix: what a server does to one call, and whether the call was carried out."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from sandboxes.base import Sandbox
from sandboxes.faults import HTML_PAGE
from sandboxes.king.sandbox import KingSandbox
from sandboxes.messages import Answer, html_answer
from sandboxes.server import Connection
from tests.faults import certificates
from tests.faults.simulated_time import SimulatedTime

MEGABYTE = 1024 * 1024
HUGE_BYTES = 200 * MEGABYTE
BOMB_BYTES = 1024 * MEGABYTE
AGES = "999999999999"


@dataclass(frozen=True)
class Site:
    """The call that a fault meets. `scale` divides all sizes: the long version has 1."""

    sandbox: Sandbox
    connection: Connection
    time: SimulatedTime
    answer: Answer
    trap: str
    scale: int


Act = Callable[[Site], Answer | None]


@dataclass(frozen=True)
class Fault:
    """`act` returns the answer, or None where it did everything itself. `is_done`: the call was carried out."""

    name: str
    act: Act = lambda site: site.answer
    is_done: bool = False
    certificate: str = ""

    @property
    def is_large(self) -> bool:
        return self.act in (_huge, _bomb)


def _hang(site: Site) -> None:
    while site.time.let_pass(site.connection):
        pass


def _reset(site: Site) -> None:
    site.connection.reset()


def _drip(site: Site, start: bytes, byte: bytes) -> None:
    """Send a byte every few seconds until the client gives up."""
    with contextlib.suppress(OSError):
        site.connection._client.sendall(start)
        while site.time.let_pass(site.connection):
            site.connection._client.sendall(byte)


def _slow_header(site: Site) -> None:
    _drip(site, b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x")


def _slow_body(site: Site) -> None:
    _drip(site, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" ")


def _huge(site: Site) -> None:
    """Send JSON of another form, as large as a list may never become, without announcing its length."""
    piece = b"0," * (MEGABYTE // 2)
    with contextlib.suppress(OSError):
        site.connection._client.sendall(b"HTTP/1.1 200 OK\r\n\r\n[")
        for _ in range(HUGE_BYTES // site.scale // len(piece)):
            site.connection._client.sendall(piece)
        site.connection._client.sendall(b"0]")


def _bomb(site: Site) -> Answer:
    return Answer(body=_packed(BOMB_BYTES // site.scale), headers={"Content-Encoding": "gzip"})


@cache
def _packed(size: int) -> bytes:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    return b"".join([*(packer.compress(bytes(MEGABYTE)) for _ in range(size // MEGABYTE)), packer.flush()])


def _status(status: int, **headers: str) -> Act:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _site: Answer(status=status, headers=named, body=b'{"Message":"Er is een fout opgetreden."}')


def _wrong_shape(site: Site) -> Answer:
    """Return JSON of another form: an object for King's list, a list for OutSmart's object."""
    return Answer(body=b'{"ok": true}' if isinstance(site.sandbox, KingSandbox) else b'[{"ok": true}]')


def _wrong_fields(site: Site) -> Answer:
    """Return the agreed form with nothing, or a text, where the records should be."""
    is_king = isinstance(site.sandbox, KingSandbox)
    return Answer(body=b'[{"Status": 0}]' if is_king else b'{"code": 200, "messages": [], "response": "x"}')


def _html(_site: Site) -> Answer:
    return html_answer(HTML_PAGE)


def _redirect(status: int) -> Act:
    return lambda site: Answer(status=status, headers={"Location": site.trap})


FAULTS = [
    Fault("time-out, not done", _hang),
    Fault("time-out, done", _hang, is_done=True),
    Fault("reset, not done", _reset),
    Fault("reset, done", _reset, is_done=True),
    Fault("429", _status(429)),
    Fault("429, wait 2 s", _status(429, Retry_After="2")),
    Fault("429, wait a day", _status(429, Retry_After="86400")),
    Fault("429, wait for ages", _status(429, Retry_After=AGES)),
    Fault("500, not done", _status(500)),
    Fault("500, done", _status(500), is_done=True),
    Fault("503, not done", _status(503, Retry_After="2")),
    Fault("503, done", _status(503), is_done=True),
    Fault("HTML, not done", _html),
    Fault("HTML, done", _html, is_done=True),
    Fault("empty", lambda _site: Answer(), is_done=True),
    Fault("broken JSON", lambda site: Answer(body=site.answer.body[:-2] + b"!"), is_done=True),
    Fault("wrong form", _wrong_shape, is_done=True),
    Fault("wrong fields", _wrong_fields, is_done=True),
    Fault("200 MB", _huge, is_done=True),
    Fault("compressed bomb", _bomb, is_done=True),
    Fault("slow header", _slow_header, is_done=True),
    Fault("slow body", _slow_body, is_done=True),
    Fault("wrong code", lambda site: site.sandbox.unauthorized()),
    Fault("expired certificate", certificate=certificates.EXPIRED),
    Fault("foreign certificate", certificate=certificates.FOREIGN),
    Fault("redirect 301", _redirect(301)),
    Fault("redirect 302, done", _redirect(302), is_done=True),
]
