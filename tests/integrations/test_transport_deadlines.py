"""One limit for every call, from the first byte sent to the last byte read, against servers that stall."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from urllib3.util import connection as urllib3_connection

from integrations import deadlines, errors
from integrations.addresses import AddressPolicy
from integrations.calls import OPERATION_SECONDS, STREAMING_SECONDS, Operation
from integrations.deadlines import Deadline
from integrations.king.client import Client as KingClient
from integrations.outsmart import client as outsmart_client
from integrations.transport import Transport
from tests.contract.http_stub import READ, WRITE, HttpStub, hasty
from tests.contract.socket_server import Behaviour, SocketServer, answer, cuts_off, hangs, says

LIMIT = 1.0
# Far more than the limit, far less than the servers below intend to take.
AT_MOST = 40.0
LARGE = b"x" * 20_000_000


@pytest.fixture
def line() -> Iterator[HttpStub]:
    made = HttpStub(attempts=1)
    yield made
    made.transport.close()


def slowly(start: bytes, piece: bytes) -> Behaviour:
    """Read the request, answer the start, and then send small pieces without end, each long before any timeout."""

    def behave(wire: SocketServer, connection: socket.socket) -> None:
        wire.reads(connection)
        connection.sendall(start)
        for _ in range(10_000):
            connection.sendall(piece)
            time.sleep(0.01)

    return behave


def reads_slowly(wire: SocketServer, connection: socket.socket) -> None:
    """Take the request a byte at a time."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    while not wire.is_over.wait(0.01):
        if not connection.recv(1):
            return


def half_a_handshake(_wire: SocketServer, connection: socket.socket) -> None:
    """Begin TLS's answer, a byte at a time."""
    connection.recv(1)
    connection.sendall(b"\x16\x03\x03\x40\x00")
    for _ in range(10_000):
        connection.sendall(b"\x02")
        time.sleep(0.01)


SENT = [
    pytest.param(hangs(), id="never answers"),
    pytest.param(slowly(b"", b"H"), id="status a byte at a time"),
    pytest.param(slowly(b"HTTP/1.1 200 OK\r\nX: ", b"x"), id="one header a byte at a time"),
    pytest.param(slowly(b"HTTP/1.1 ", b"100 Continue\r\n\r\nHTTP/1.1 "), id="continue without end"),
    pytest.param(slowly(answer(b"", length=1_000_000), b"x"), id="body a byte at a time"),
    pytest.param(slowly(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), id="body without end"),
    pytest.param(
        slowly(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), id="chunks without end"
    ),
    pytest.param(
        slowly(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"), id="trailers without end"
    ),
    pytest.param(reads_slowly, id="takes the request a byte at a time"),
]


@pytest.mark.parametrize("behaviour", SENT)
def test_a_call_ends_in_time_whatever_the_server_does(line: HttpStub, behaviour: Behaviour) -> None:
    for operation, expected in ((READ, errors.ServerError), (WRITE, errors.OutcomeUnknownError)):
        with SocketServer(behaviour) as wire, pytest.raises(expected) as caught, takes_at_most(AT_MOST):
            line.send(hasty(operation, LIMIT), wire.url, body=LARGE)
        assert caught.value.reason == "timeout"


@pytest.mark.parametrize("behaviour", [hangs(), half_a_handshake], ids=["silent", "a byte at a time"])
def test_a_handshake_ends_in_time_and_nothing_was_sent(line: HttpStub, behaviour: Behaviour) -> None:
    with SocketServer(behaviour) as wire, pytest.raises(errors.UnreachableError) as caught, takes_at_most(AT_MOST):
        line.send(hasty(WRITE, LIMIT), wire.url.replace("http:", "https:"))

    assert caught.value.reason == "timeout"


def test_a_name_that_is_not_looked_up_in_time_means_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: is_over.wait(60) and [])
    line = HttpStub(AddressPolicy(plain_http=True))

    with pytest.raises(errors.UnreachableError) as caught, takes_at_most(AT_MOST):
        line.send(hasty(WRITE, LIMIT), "http://king.example/")

    assert caught.value.reason == "timeout"
    is_over.set()
    line.transport.close()


def test_an_address_that_does_not_answer_leaves_time_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    line = HttpStub(AddressPolicy(("king.example",)))
    tried: list[tuple[str, float]] = []
    connect = urllib3_connection.create_connection

    def create(address: tuple[str, int], timeout: float, *args: object, **options: object) -> socket.socket:
        tried.append((address[0], timeout))
        if address[0] == "127.0.0.2":
            raise TimeoutError
        return connect(address, timeout, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(urllib3_connection, "create_connection", create)
    monkeypatch.setattr("integrations.sockets.addresses_of", lambda *_, **__: ["127.0.0.2", "127.0.0.1"])
    with SocketServer(says(answer(b"ok"))) as wire:
        assert line.send(hasty(READ, 10.0), f"http://king.example:{wire.port}/") == b"ok"

    assert [host for host, _ in tried] == ["127.0.0.2", "127.0.0.1"]
    assert tried[0][1] <= 5.0
    line.transport.close()


def test_all_tries_together_end_in_time() -> None:
    line = HttpStub(attempts=50)
    with SocketServer(hangs()) as wire, pytest.raises(errors.ServerError), takes_at_most(AT_MOST):
        line.send(Operation(name="Lezen", read_timeout=0.2, total_seconds=3.0), wire.url)

    assert 1 < len(line.calls) <= 10
    line.transport.close()


def test_a_page_can_ask_for_less(line: HttpStub) -> None:
    with (
        SocketServer(hangs()) as wire,
        pytest.raises(errors.ServerError),
        takes_at_most(AT_MOST),
        deadlines.within(LIMIT),
    ):
        line.send(READ, wire.url)


def test_a_list_may_take_longer_while_bytes_keep_coming(line: HttpStub) -> None:
    def behave(wire: SocketServer, connection: socket.socket) -> None:
        wire.reads(connection)
        connection.sendall(answer(b"", length=10))
        for _ in range(10):
            time.sleep(0.25)
            connection.sendall(b"x")

    operation = Operation(name="Lijst", read_timeout=60.0, total_seconds=2.0, streaming_seconds=120.0)
    with SocketServer(behave) as wire:
        assert line.send(operation, wire.url) == b"x" * 10


def test_a_list_does_not_take_longer_than_that(line: HttpStub) -> None:
    operation = Operation(name="Lijst", read_timeout=1.0, total_seconds=1.0, streaming_seconds=2.0)
    behaviour = slowly(answer(b"", length=1_000_000), b"x")
    with SocketServer(behaviour) as wire, pytest.raises(errors.ServerError), takes_at_most(AT_MOST):
        line.send(operation, wire.url)


def test_a_call_that_comes_too_late_is_not_sent_over_a_kept_connection(line: HttpStub) -> None:
    with SocketServer(says(answer(b"1"), answer(b"2"))) as wire:
        line.send(WRITE, wire.url)
        with deadlines.within(0.0), pytest.raises(errors.UnreachableError):
            line.send(WRITE, wire.url)

    assert len(wire.requests) == 1


def test_one_limit_holds_several_calls_and_the_tries_are_made_outside() -> None:
    line = HttpStub(attempts=3)
    with SocketServer(cuts_off()) as wire, deadlines.within(60.0, is_repeated=True), pytest.raises(errors.ServerError):
        line.send(READ, wire.url)

    assert len(line.calls) == 1
    line.transport.close()


def test_a_gateway_whose_pages_never_end_does_not_keep_a_look_up() -> None:
    pages = iter(range(10**9))

    def behave(wire: SocketServer, connection: socket.socket) -> None:
        while wire.reads(connection):
            body = b'[{"Status": 0, "Orders": [], "VolgendeVanaf": "%d"}]' % next(pages)
            connection.sendall(answer(body))

    with SocketServer(behave) as wire, Transport("king", policy=AddressPolicy(("127.0.0.1",))) as transport:
        client = KingClient(base_url=wire.url, administration="A", access_code="code", transport=transport)
        with deadlines.within(LIMIT), pytest.raises(errors.TransientError) as caught, takes_at_most(AT_MOST):
            client.get_order(number="1")

    assert caught.value.reason == "timeout"


def test_every_operation_of_both_systems_is_within_the_agreed_limits() -> None:
    fixed = [each for each in vars(outsmart_client).values() if isinstance(each, Operation)]
    assert fixed
    assert all(each.total_seconds <= OPERATION_SECONDS == 120.0 for each in fixed)
    assert all(each.streaming_seconds in (0.0, STREAMING_SECONDS) for each in fixed)
    assert STREAMING_SECONDS == 600.0


def test_silence_ends_a_list_before_bytes_that_keep_coming_do() -> None:
    now = [0.0]
    deadline = Deadline(120.0, streaming_seconds=600.0, silence_seconds=120.0, clock=lambda: now[0])
    left = []
    for now[0] in (0.0, 100.0, 300.0, 590.0):
        deadline.heard()
        left.append(deadline.left())

    assert left == [120.0, 120.0, 120.0, 10.0]


@contextlib.contextmanager
def takes_at_most(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        assert time.monotonic() - began < seconds
