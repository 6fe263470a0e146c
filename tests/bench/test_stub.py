"""The fast stand-in answers as its sandbox did, asks it once, and counts posted rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.stub import Stub
from sandboxes.messages import Answer, Request
from sandboxes.server import Connection, HttpServer

PAGE = b"POST /DEMO01/Artikelen_Opvragen HTTP/1.1\r\nHost: here\r\nACCESS-TOKEN: secret\r\nContent-Length: 2\r\n"


class Upstream:
    def __init__(self) -> None:
        self.requests: list[Request] = []

    def respond(self, request: Request, _connection: Connection) -> Answer:
        self.requests.append(request)
        return Answer(status=200, body=b"answer %d" % len(self.requests))


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def stub(upstream: Upstream) -> Iterator[Stub]:
    server = HttpServer(0, upstream.respond)
    server.start()
    yield Stub(f"http://127.0.0.1:{server.port}")
    server.stop()


def content(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def test_a_known_request_is_answered_from_memory(stub: Stub, upstream: Upstream) -> None:
    assert [content(stub.answer(PAGE, body)) for body in (b"{}", b"[]", b"{}")] == [
        b"answer 1",
        b"answer 2",
        b"answer 1",
    ]
    assert [(one.path, one.headers["access-token"]) for one in upstream.requests] == [
        ("/DEMO01/Artikelen_Opvragen", "secret")
    ] * 2


def test_forgotten_answers_are_asked_again(stub: Stub) -> None:
    stub.answer(PAGE, b"{}")
    stub.answer(b"DELETE /_control/answers HTTP/1.1\r\n", b"")

    assert content(stub.answer(PAGE, b"{}")) == b"answer 2"


def test_posted_rows_are_counted_and_not_passed_on(stub: Stub, upstream: Upstream) -> None:
    rows = b'[{"code":"A"},{"code":"B"}]'

    answer = content(stub.answer(b"POST /openapi/8/materials/?token=x HTTP/1.1\r\n", rows))

    assert answer == b'{"code":200,"messages":[],"response":2}'
    assert content(stub.answer(b"GET /_control/rows HTTP/1.1\r\n", b"")) == b"2"
    assert upstream.requests == []
