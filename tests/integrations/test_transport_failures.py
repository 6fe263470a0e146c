"""The transport against failing sockets: what certainly was not carried out, and what is unknown."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from integrations import errors
from integrations.addresses import AddressPolicy
from integrations.calls import Operation
from tests.contract.http_stub import READ, WRITE, HttpStub, hasty, impatient
from tests.contract.socket_server import Behaviour, SocketServer, answer, closed_port, cuts_off, drips, hangs, says


@pytest.fixture
def line() -> Iterator[HttpStub]:
    made = HttpStub()
    yield made
    made.transport.close()


@pytest.mark.parametrize("operation", [READ, WRITE])
def test_refused_connection_means_nothing_was_sent(line: HttpStub, operation: Operation) -> None:
    with pytest.raises(errors.UnreachableError) as caught:
        line.send(operation, f"http://127.0.0.1:{closed_port()}/")

    assert caught.value.reason == "unreachable"


def test_unknown_host_means_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    line = HttpStub(AddressPolicy(plain_http=True))
    with pytest.raises(errors.UnreachableError) as caught:
        line.send(WRITE, "http://king.example/")

    assert caught.value.reason == "unreachable"


def test_time_out_while_connecting_means_nothing_was_sent(line: HttpStub) -> None:
    operation = Operation(name="Schrijven", method="POST", is_write=True, connect_timeout=0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(4)]
        for other in waiting:  # a full queue: the kernel makes further callers wait
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        with pytest.raises(errors.UnreachableError) as caught:
            line.send(operation, f"http://127.0.0.1:{listener.getsockname()[1]}/")
        for other in waiting:
            other.close()

    assert caught.value.reason == "timeout"


LOST = [
    pytest.param(cuts_off(), "reset", id="closed without a word"),
    pytest.param(cuts_off(hard=True), "reset", id="reset"),
    pytest.param(cuts_off(b"HTTP/1.1 2"), "unexpected", id="half a head"),
    pytest.param(cuts_off(answer(b"[{", length=50)), "reset", id="half a body"),
    pytest.param(cuts_off(answer(b"[{", length=50), hard=True), "reset", id="reset in the body"),
    pytest.param(cuts_off(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), "reset", id="half a chunk"),
    pytest.param(cuts_off(b"SSH-2.0-OpenSSH\r\n"), "unexpected", id="not HTTP"),
    pytest.param(
        cuts_off(answer(b"no gzip at all", headers="Content-Encoding: gzip\r\n")), "unexpected", id="broken gzip"
    ),
    pytest.param(hangs(), "timeout", id="no answer in time"),
    pytest.param(hangs(answer(b"[{", length=50)), "timeout", id="time-out in the body"),
    pytest.param(drips, "timeout", id="dripping"),
]


def _limited(operation: Operation, reason: str) -> Operation:
    """Return the operation with short limits where it is to time out, else with limits that only a hang reaches."""
    return hasty(impatient(operation), 2.0) if reason == "timeout" else operation


@pytest.mark.parametrize(("behaviour", "reason"), LOST)
def test_read_without_a_whole_answer_may_be_tried_again(behaviour: Behaviour, reason: str) -> None:
    line = HttpStub(attempts=1)
    with SocketServer(behaviour) as wire, pytest.raises(errors.ServerError) as caught:
        line.send(_limited(READ, reason), wire.url)

    assert caught.value.reason == reason
    line.transport.close()


@pytest.mark.parametrize(("behaviour", "reason"), LOST)
def test_write_without_a_whole_answer_is_unknown_and_sent_once(
    line: HttpStub, behaviour: Behaviour, reason: str
) -> None:
    with SocketServer(behaviour) as wire, pytest.raises(errors.OutcomeUnknownError) as caught:
        line.send(_limited(WRITE, reason), wire.url, body=b"{}")

    assert caught.value.reason == reason
    assert len(wire.requests) == 1


def test_write_on_a_kept_connection_that_ends_with_it_is_unknown(line: HttpStub) -> None:
    def one_answer_then_gone(wire: SocketServer, connection: socket.socket) -> None:
        wire.reads(connection)
        connection.sendall(answer(b"1"))
        wire.reads(connection)

    with SocketServer(one_answer_then_gone) as wire:
        line.send(READ, wire.url)
        with pytest.raises(errors.OutcomeUnknownError):
            line.send(WRITE, wire.url)
    assert len(wire.requests) == 2


def test_name_that_resolves_into_our_network_is_not_even_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    line = HttpStub(AddressPolicy(plain_http=True))
    with SocketServer(says(answer(b""))) as wire:
        _resolve_to(monkeypatch, "127.0.0.1")
        with pytest.raises(errors.ConfigurationError) as caught:
            line.send(READ, f"http://king.example:{wire.port}/")

    assert caught.value.reason == "forbidden_address"
    assert wire.connections == 0


def test_second_address_is_tried_when_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    line = HttpStub(AddressPolicy(("king.example",)))
    with SocketServer(says(answer(b"ok"))) as wire:
        _resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")

        assert line.send(READ, f"http://king.example:{wire.port}/") == b"ok"
        assert f"Host: king.example:{wire.port}".encode() in wire.requests[0]
    line.transport.close()


def _resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    original = socket.getaddrinfo

    def resolve(host: str, port: int, *args: object, **options: object) -> list[object]:
        if host != "king.example":
            return original(host, port, *args, **options)  # type: ignore[arg-type, return-value]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_two_threads_do_not_take_each_others_progress_for_their_own(line: HttpStub) -> None:
    caught: list[errors.IntegrationError] = []

    def lose(url: str) -> None:
        try:
            line.send(impatient(WRITE), url)
        except errors.IntegrationError as error:
            caught.append(error)

    with SocketServer(hangs()) as wire:
        other = threading.Thread(target=lose, args=(wire.url,))
        other.start()
        with pytest.raises(errors.UnreachableError):
            line.send(WRITE, f"http://127.0.0.1:{closed_port()}/")
        other.join()

    assert [type(error) for error in caught] == [errors.OutcomeUnknownError]
