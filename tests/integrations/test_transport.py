"""The transport against real sockets: answers, statuses, retries, masking."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
import time_machine

from integrations import errors
from integrations.calls import Answer, Operation
from tests.contract.http_stub import READ, WRITE, HttpStub, narrow
from tests.contract.socket_server import Behaviour, SocketServer, answer, closed_port, cuts_off, says

TOKEN = "very-secret/token"
ECHO = f"token {TOKEN} or very-secret%2Ftoken".encode()


@pytest.fixture
def line() -> Iterator[HttpStub]:
    made = HttpStub()
    yield made
    made.transport.close()


def test_answer_is_read_whole(line: HttpStub) -> None:
    body = b"0123456789" * 200_000
    with SocketServer(says(answer(body))) as wire:
        assert line.send(READ, wire.url) == body


def test_compressed_answer_is_unpacked(line: HttpStub) -> None:
    packed = answer(gzip.compress(b"hello" * 1000), headers="Content-Encoding: gzip\r\n")
    with SocketServer(says(packed)) as wire:
        assert line.send(READ, wire.url) == b"hello" * 1000


def test_request_holds_what_was_asked_and_no_cookie_or_proxy(line: HttpStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with SocketServer(says(answer(b"", headers="Set-Cookie: a=b\r\n"), answer(b""))) as wire:
        line.send(READ, wire.url)
        line.send(WRITE, wire.url, query=(("a", "b c"),), headers={"X-Own": "1"}, body=b"{}")

    head, _, body = wire.requests[1].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /call?a=b+c HTTP/1.1")
    assert b"X-Own: 1" in head
    assert b"Cookie" not in head
    assert body == b"{}"


def test_connection_is_kept_for_the_next_call(line: HttpStub) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    with SocketServer(says(answer(b"1"), chunked, answer(b"2"))) as wire:
        found = [line.send(READ, wire.url) for _ in range(3)]

    assert found == [b"1", b"abc", b"2"]
    assert wire.connections == 1


def test_write_on_a_connection_that_was_closed_in_between_goes_over_a_new_one(line: HttpStub) -> None:
    with SocketServer(says(answer(b"1")), says(answer(b"2"))) as wire:
        line.send(READ, wire.url)
        wire.ended.acquire(timeout=5)

        assert line.send(WRITE, wire.url) == b"2"
    assert wire.connections == 2


def test_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    line = HttpStub()
    with SocketServer(cuts_off(answer(b"x" * 5000))) as wire, pytest.raises(errors.ServerError) as caught:
        line.send(narrow(READ, 1000), wire.url)

    assert caught.value.reason == "too_large"
    assert line.waits == []
    line.transport.close()


def test_small_answer_that_unpacks_to_a_large_one_is_too_large() -> None:
    line = HttpStub()
    packed = answer(gzip.compress(b"0" * 50_000_000), headers="Content-Encoding: gzip\r\n")
    with SocketServer(cuts_off(packed)) as wire, pytest.raises(errors.OutcomeUnknownError) as caught:
        line.send(narrow(WRITE, 100_000), wire.url)

    assert caught.value.reason == "too_large"
    line.transport.close()


STATUSES = [
    ("301 Moved", errors.ConfigurationError, errors.ConfigurationError),
    ("302 Found", errors.ServerError, errors.OutcomeUnknownError),
    ("400 Bad", errors.RejectedError, errors.RejectedError),
    ("401 Unauthorized", errors.AuthenticationError, errors.AuthenticationError),
    ("403 Forbidden", errors.AuthenticationError, errors.AuthenticationError),
    ("404 Not Found", errors.ConfigurationError, errors.ConfigurationError),
    ("405 Not Allowed", errors.ConfigurationError, errors.ConfigurationError),
    ("408 Time-out", errors.ServerError, errors.OutcomeUnknownError),
    ("409 Conflict", errors.ConflictError, errors.ConflictError),
    ("422 Unprocessable", errors.RejectedError, errors.RejectedError),
    ("429 Too Many", errors.RateLimitError, errors.RateLimitError),
    ("500 Oops", errors.ServerError, errors.OutcomeUnknownError),
    ("503 Busy", errors.ServerError, errors.OutcomeUnknownError),
]


@pytest.mark.parametrize(("status", "for_a_read", "for_a_write"), STATUSES)
def test_status_says_what_happens_next(
    status: str, for_a_read: type[errors.IntegrationError], for_a_write: type[errors.IntegrationError]
) -> None:
    line = HttpStub(attempts=1)
    content = answer(b"<html>", status=status, headers="Location: http://127.0.0.1:1/\r\n")
    for operation, expected in ((READ, for_a_read), (WRITE, for_a_write)):
        with SocketServer(says(content)) as wire, pytest.raises(errors.IntegrationError) as caught:
            line.send(operation, wire.url)
        assert type(caught.value) is expected
        assert caught.value.status == int(status[:3])
        assert len(wire.requests) == 1
    line.transport.close()


def test_read_is_tried_three_times_with_growing_waits(line: HttpStub) -> None:
    with SocketServer(says(*[answer(b"", status="503 Busy")] * 5)) as wire, pytest.raises(errors.ServerError):
        line.send(READ, wire.url)

    assert len(wire.requests) == 3
    assert line.waits == [1.0, 2.0]
    assert [call.attempt for call in line.calls] == [1, 2, 3]


def test_read_that_succeeds_at_the_second_try_is_fine(line: HttpStub) -> None:
    with SocketServer(cuts_off(), says(answer(b"ok"))) as wire:
        assert line.send(READ, wire.url) == b"ok"

    assert [call.reason for call in line.calls] == ["reset", ""]


def test_fault_that_only_the_reader_of_the_answer_sees_is_tried_again_too(line: HttpStub) -> None:
    def read(found: Answer) -> bytes:
        if found.body == b"1007":
            raise errors.ServerError(system="king", operation="Lezen")
        return found.body

    with SocketServer(says(answer(b"1007"), answer(b"200"))) as wire:
        assert line.transport.send(READ, wire.url, read=read) == b"200"


def test_refused_record_is_not_tried_again(line: HttpStub) -> None:
    with SocketServer(says(answer(b"", status="400 Bad"))) as wire, pytest.raises(errors.RejectedError):
        line.send(READ, wire.url)

    assert len(wire.requests) == 1


@pytest.mark.parametrize(("operation", "requests"), [(READ, 2), (WRITE, 1)])
def test_retry_after_is_obeyed_by_reads_and_passed_on_by_writes(
    line: HttpStub, operation: Operation, requests: int
) -> None:
    busy = answer(b"", status="429 Too Many", headers="Retry-After: 7\r\n")
    with SocketServer(says(busy, answer(b"ok"))) as wire:
        if operation.is_write:
            with pytest.raises(errors.RateLimitError) as caught:
                line.send(operation, wire.url)
            assert caught.value.retry_after == 7.0
        else:
            line.send(operation, wire.url)
            assert line.waits == [7.0]
    assert len(wire.requests) == requests


def test_retry_after_may_be_a_date(line: HttpStub) -> None:
    with time_machine.travel("2025-11-10T12:00:00Z", tick=False):
        busy = answer(b"", status="503 Busy", headers="Retry-After: Mon, 10 Nov 2025 12:01:00 GMT\r\n")
        with SocketServer(says(busy, answer(b"ok"))) as wire:
            line.send(READ, wire.url)

    assert line.waits == [60.0]


def test_retry_after_that_takes_too_long_is_left_to_the_run(line: HttpStub) -> None:
    busy = answer(b"", status="503 Busy", headers="Retry-After: 3600\r\n")
    with SocketServer(says(busy, answer(b"ok"))) as wire, pytest.raises(errors.ServerError) as caught:
        line.send(READ, wire.url)

    assert caught.value.retry_after == 3600.0
    assert line.waits == []


@pytest.mark.parametrize("credential", ["line\nbreak", "漢字"])
def test_credential_that_cannot_be_sent_is_a_matter_of_settings_and_not_shown(line: HttpStub, credential: str) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        line.send(WRITE, f"http://127.0.0.1:{closed_port()}/", headers={"ACCESS-TOKEN": credential})

    assert caught.value.reason == "configuration"
    assert credential not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://10.0.0.1/", "http://127.0.0.1/\udcff", "http://[::1"])
def test_address_that_may_not_be_used_is_never_called(line: HttpStub, url: str) -> None:
    with pytest.raises(errors.ConfigurationError):
        line.send(WRITE, url)


@pytest.mark.parametrize(
    "behaviour",
    [cuts_off(), says(answer(ECHO, status="500 Oops")), says(answer(ECHO, status="401 Unauthorized"))],
    ids=["lost", "fault", "refused"],
)
def test_no_error_or_call_record_shows_a_token(line: HttpStub, behaviour: Behaviour) -> None:
    line.transport.hide(TOKEN)
    with SocketServer(behaviour) as wire, pytest.raises(errors.IntegrationError) as caught:
        line.send(
            WRITE,
            wire.url,
            query=(("token", TOKEN), ("status", "Compleet")),
            headers={"Authorization": TOKEN},
            describe=lambda body: ("", body.decode()),
        )

    told = f"{caught.value!r} {caught.value} {vars(caught.value)} {caught.value.__cause__} {line.calls}"
    assert "very-secret" not in told
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_token_that_an_answer_repeats_is_masked_in_the_call_record(line: HttpStub) -> None:
    line.transport.hide(TOKEN)
    with SocketServer(says(answer(ECHO))) as wire:
        line.send(READ, wire.url)

    assert line.calls[0].answer == "token *** or ***"


def test_call_record_shows_what_helps_and_cuts_what_is_long(line: HttpStub) -> None:
    with SocketServer(says(answer(b"a" * 9000))) as wire:
        line.send(READ, wire.url, query=(("status", "Compleet"), ("other", "x")), body=b"b" * 30_000)

    call = line.calls[0]
    assert call.query == {"status": "Compleet", "other": "***"}
    assert (call.system, call.operation, call.method, call.status) == ("king", "Lezen", "GET", 200)
    assert (len(call.body), len(call.answer), call.reason) == (10_000, 2_000, "")
