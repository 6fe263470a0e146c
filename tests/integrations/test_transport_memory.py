"""How much memory an answer may take: a larger one is refused long before memory is full."""

from __future__ import annotations

import contextlib
import gzip
import socket
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest

from integrations import calls, errors
from integrations.calls import Operation
from integrations.king.client import Client as KingClient
from integrations.outsmart.client import Client as OutSmartClient
from integrations.transport import Transport
from tests.contract.http_stub import LOOPBACK, READ, WRITE, HttpStub, hasty, narrow
from tests.contract.socket_server import Behaviour, SocketServer, answer, cuts_off, says

MEGABYTE = 1024 * 1024
LIMIT = 4 * MEGABYTE
AT_MOST = 2.5  # times the limit, for everything that a call holds at once


@pytest.fixture
def line() -> Iterator[HttpStub]:
    made = HttpStub(attempts=3)
    yield made
    made.transport.close()


def _bomb(pack: Callable[[bytes], bytes]) -> bytes:
    return pack(bytes(50 * MEGABYTE))


def endless(head: bytes, piece: bytes) -> Behaviour:
    def behave(wire: SocketServer, connection: socket.socket) -> None:
        wire.reads(connection)
        connection.sendall(head)
        while True:  # until the caller is gone
            connection.sendall(piece)

    return behave


def packed(content: bytes, encoding: str) -> Behaviour:
    return cuts_off(answer(content, headers=f"Content-Encoding: {encoding}\r\n"))


def raw_deflate(content: bytes) -> bytes:
    return zlib.compress(content)[2:-4]


HUGE = {
    "announced": lambda: cuts_off(answer(b"", length=10**12)),
    "endless": lambda: endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(MEGABYTE)),
    "endless chunks": lambda: endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + bytes(MEGABYTE) + b"\r\n"
    ),
    "one endless chunk": lambda: endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFF\r\n", bytes(MEGABYTE)
    ),
    "gzip": lambda: packed(_bomb(gzip.compress), "gzip"),
    "deflate": lambda: packed(_bomb(zlib.compress), "deflate"),
    "deflate without a head": lambda: packed(_bomb(raw_deflate), "deflate"),
    "many parts": lambda: packed(gzip.compress(bytes(MEGABYTE)) * 200, "gzip"),
}


@pytest.mark.parametrize("huge", HUGE)
def test_an_answer_that_is_too_large_is_refused_before_it_fills_the_memory(line: HttpStub, huge: str) -> None:
    behaviour = HUGE[huge]()
    for operation, expected in ((READ, errors.ServerError), (WRITE, errors.OutcomeUnknownError)):
        with SocketServer(behaviour) as wire, memory() as peak, pytest.raises(expected) as caught:
            line.send(hasty(narrow(operation, LIMIT), 60.0), wire.url)
        assert caught.value.reason == "too_large"
        assert peak() < AT_MOST * LIMIT
    assert [call.reason for call in line.calls] == ["too_large"] * 2  # never retried


def test_what_another_process_has_the_memory_for_is_no_failure_of_the_other_side() -> None:
    line = HttpStub(memory_bytes=1_000)
    with SocketServer(says(answer(bytes(1_001)))) as wire, pytest.raises(errors.TooLargeHereError):
        line.send(READ, wire.url)
    line.transport.close()

    assert [call.reason for call in line.calls] == [""]


def test_what_a_write_came_to_is_read_whatever_the_memory() -> None:
    line = HttpStub(memory_bytes=1_000)
    with SocketServer(says(answer(bytes(1_001)))) as wire:
        assert line.send(WRITE, wire.url) == bytes(1_001)
    line.transport.close()


def test_parts_without_end_are_not_unpacked(line: HttpStub) -> None:
    behaviour = endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 10_000)
    with SocketServer(behaviour) as wire, pytest.raises(errors.OutcomeUnknownError) as caught:
        line.send(hasty(WRITE, 60.0), wire.url)

    assert caught.value.reason == "unexpected"


def test_layers_of_compression_are_not_unpacked(line: HttpStub) -> None:
    content = gzip.compress(gzip.compress(bytes(50 * MEGABYTE)))
    with (
        SocketServer(packed(content, "gzip, gzip")) as wire,
        memory() as peak,
        pytest.raises(errors.OutcomeUnknownError) as e,
    ):
        line.send(narrow(WRITE, LIMIT), wire.url)

    assert e.value.reason == "unexpected"
    assert peak() < AT_MOST * LIMIT


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "nonsense"])
def test_an_encoding_that_was_not_asked_for_is_not_taken_for_the_answer(line: HttpStub, encoding: str) -> None:
    with SocketServer(packed(b"[]", encoding)) as wire, pytest.raises(errors.OutcomeUnknownError) as caught:
        line.send(WRITE, wire.url)

    assert caught.value.reason == "unexpected"
    assert b"Accept-Encoding: gzip, deflate\r\n" in wire.requests[0]


FINE = {
    "gzip": gzip.compress(b"hello" * 1000),
    "x-gzip": gzip.compress(b"hello" * 1000),
    "GZIP": gzip.compress(b"hello" * 500) + gzip.compress(b"hello" * 500),
    "deflate": zlib.compress(b"hello" * 1000),
    " Deflate ": raw_deflate(b"hello" * 1000),
    "identity": b"hello" * 1000,
}


@pytest.mark.parametrize("encoding", FINE)
def test_an_encoding_that_was_asked_for_is_unpacked_and_the_connection_kept(line: HttpStub, encoding: str) -> None:
    content = answer(FINE[encoding], headers=f"Content-Encoding: {encoding}\r\n")
    with SocketServer(says(content, content)) as wire:
        assert [line.send(READ, wire.url) for _ in range(2)] == [b"hello" * 1000] * 2
    assert wire.connections == 1


def test_an_answer_is_held_about_once(line: HttpStub) -> None:
    body = bytes(32 * MEGABYTE)
    content = answer(body)
    with SocketServer(says(content)) as wire, memory() as peak:
        assert len(line.send(hasty(narrow(READ, 64 * MEGABYTE), 60.0), wire.url)) == len(body)

    assert peak() < 1.5 * len(body)


def test_each_operation_has_the_limit_of_what_it_asks_for() -> None:
    seen: list[Operation] = []

    class Listening(Transport):
        def send(self, operation: Operation, *_: object, **__: object) -> bytes:  # type: ignore[override]
            seen.append(operation)
            return b"[]"

    with Listening("king", policy=LOOPBACK) as transport:
        king = KingClient(base_url="http://k", administration="A", access_code="code", transport=transport)
        outsmart = OutSmartClient(base_url="http://o", token="t", software_token="s", transport=transport)
        king.test_connection()
        king.release_lock("1")
        outsmart.test_connection()
        outsmart.find_work_order(king_order_number="1")
        outsmart.list_work_statuses()
        list(outsmart.iter_relations())

    assert [(operation.name, operation.max_bytes) for operation in seen] == [
        ("Webservice_Test", calls.SMALL_ANSWER_BYTES),
        ("Order_LockVrijgeven", calls.SMALL_ANSWER_BYTES),
        ("hourtypes", calls.SMALL_ANSWER_BYTES),
        ("GetWorkorder", calls.RECORD_ANSWER_BYTES),
        ("workstatusses", calls.RECORD_ANSWER_BYTES),
        ("relations", calls.LIST_ANSWER_BYTES),
    ]


@contextlib.contextmanager
def memory() -> Iterator[Callable[[], int]]:
    """Measure Python's peak memory inside the block, beyond what it held before."""
    peak = [0]
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    try:
        yield lambda: peak[0] - before
    finally:
        peak[0] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
