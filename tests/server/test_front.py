"""The front before the pages: what it accepts, what it refuses, and how it delivers answers."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from kingsync.server.front import REFUSED, Front, Limits
from kingsync.server.intake import Message
from kingsync.server.pace import Pace
from kingsync.server.wsgi import environment
from tests import patience

T = TypeVar("T")
LIMITS = Limits(
    page_threads=2,
    upload_threads=1,
    most_bytes=1000,
    most_bytes_at_once=2500,
    pace=Pace(grace_seconds=60.0, bytes_per_second=1000),
    linger_seconds=1,
)
# For visitors who send nothing more.
HURRIED = dataclasses.replace(LIMITS, pace=Pace(grace_seconds=0.3, bytes_per_second=1000))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread of its own: Playwright leaves a running loop in that of the browser tests."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def scope(method: str = "POST", path: str = "/page/", headers: Iterable[tuple[bytes, bytes]] = ()) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"a=1",
        "http_version": "1.1",
        "headers": list(headers),
        "client": ("192.0.2.7", 5000),
    }


def echo(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    """Answer with the body received, or with why there is none."""
    try:
        content = environ["wsgi.input"].read()
    except OSError:
        content = b"broken off"
    start("200 OK", [("X-Refused", str(int(environ.get(REFUSED, 0))))])
    return [content]


class Visit:
    """One request to a front, and its answer."""

    def __init__(self, front: Front, sent: dict[str, Any], *pieces: bytes, is_stuck: bool = False) -> None:
        self._front, self._sent, self._pieces, self._is_stuck = front, sent, list(pieces), is_stuck
        self.messages: list[Message] = []

    async def run(self) -> Visit:
        await self._front(self._sent, self._receive, self._send)
        return self

    @property
    def refused(self) -> int:
        return int(dict(self.messages[0]["headers"])[b"x-refused"])

    @property
    def content(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    async def _receive(self) -> Message:
        if not self._pieces and self._is_stuck:
            await asyncio.Event().wait()
        piece = self._pieces.pop(0) if self._pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(self._pieces) or self._is_stuck}

    async def _send(self, message: Message) -> None:
        self.messages.append(message)


def front(application: Any = echo, limits: Limits = LIMITS) -> Front:
    return Front(application, limits, is_upload=lambda _method, path: path == "/upload/")


def visit(*pieces: bytes, length: int | None = None, path: str = "/page/", is_stuck: bool = False) -> Visit:
    size = sum(map(len, pieces)) if length is None else length
    headers = [(b"content-length", str(size).encode())] if size >= 0 else [(b"transfer-encoding", b"chunked")]
    limits = HURRIED if is_stuck else LIMITS
    return Visit(front(limits=limits), scope(path=path, headers=headers), *pieces, is_stuck=is_stuck)


@pytest.mark.parametrize("path", ["/page/", "/upload/"])
@pytest.mark.parametrize("length", [None, -1])
def test_what_came_in_reaches_the_application_whole(path: str, length: int | None) -> None:
    seen = run(visit(b"one ", b"two ", b"three", path=path, length=length).run())

    assert (seen.content, seen.refused) == (b"one two three", 0)


def test_a_form_beyond_the_limit_is_refused_by_what_it_says_and_by_what_comes() -> None:
    by_length = run(visit(length=1001, is_stuck=True).run())
    by_pieces = run(visit(b"x" * 600, b"x" * 600, length=-1).run())

    assert (by_length.refused, by_pieces.refused) == (413, 413)
    assert (by_length.content, by_pieces.content) == (b"", b"")


@pytest.mark.parametrize("path", ["/page/", "/upload/"])
def test_who_stops_sending_is_refused(path: str) -> None:
    seen = run(visit(b"abc", length=900, path=path, is_stuck=True).run())

    assert seen.refused == 408


def test_more_forms_at_once_than_memory_is_kept_for_are_refused() -> None:
    async def three() -> list[int]:
        shared = front(limits=HURRIED)
        sent = scope(headers=[(b"content-length", b"1000")])
        visits = [Visit(shared, sent, is_stuck=True) for _each in range(3)]
        return [seen.refused for seen in await asyncio.gather(*(each.run() for each in visits))]

    assert sorted(run(three())) == [408, 408, 503]


def test_a_visitor_who_hangs_up_gets_no_answer_and_costs_no_work() -> None:
    seen = visit(b"abc", length=900)

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    run(front()(scope(headers=[(b"content-length", b"900")]), gone, seen._send))

    assert seen.messages == []


def test_an_answer_that_is_not_taken_is_given_up_and_holds_no_thread() -> None:
    done = threading.Event()

    def large(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [])
        yield from [b"x" * 65536] * 40
        done.set()

    async def never(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def nothing() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    run(asyncio.wait_for(front(large, HURRIED)(scope("GET"), nothing, never), patience.SECONDS))

    assert done.is_set()


@pytest.mark.parametrize(("status", "has_length"), [("200 OK", True), ("304 Not Modified", False)])
def test_an_answer_tells_its_length(status: str, has_length: bool) -> None:
    def streamed(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start(status, [])
        return iter([b"ab", b"c"] if has_length else [])

    seen = run(Visit(front(streamed), scope("GET")).run())

    assert ((b"content-length", b"3") in seen.messages[0]["headers"]) == has_length


def test_what_the_application_opened_is_closed() -> None:
    closed: list[bool] = []

    class Chunks:
        def __iter__(self) -> Any:
            return iter([b"x"])

        def close(self) -> None:
            closed.append(True)

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        start("200 OK", [])
        return Chunks()

    run(Visit(front(application), scope("GET")).run())

    assert closed == [True]


def test_a_header_with_underscores_does_not_pass_for_the_proxys() -> None:
    headers = [(b"x-forwarded-for", b"198.51.100.1"), (b"X_Forwarded_For", b"203.0.113.9"), (b"host", b"a.example")]

    found = environment(scope(headers=headers), io.BytesIO())

    assert found["HTTP_X_FORWARDED_FOR"] == "198.51.100.1"
    assert found["HTTP_HOST"] == "a.example"


def test_repeated_headers_keep_their_order() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", b"198.51.100.1")]

    assert environment(scope(headers=headers), io.BytesIO())["HTTP_X_FORWARDED_FOR"] == "203.0.113.9,198.51.100.1"


def test_the_address_reaches_the_application_as_bytes() -> None:
    raw = scope() | {"raw_path": b"/t/caf%C3%A9/%00", "path": "/t/caf\u00e9/\0"}

    assert environment(raw, io.BytesIO())["PATH_INFO"].encode("latin-1") == "/t/caf\u00e9/\0".encode()
