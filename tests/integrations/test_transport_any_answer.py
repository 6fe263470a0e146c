"""Whatever bytes a server answers with, only the classes of `integrations.errors` come out."""

from __future__ import annotations

import contextlib
import gzip
import socket
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from integrations import errors
from integrations.addresses import AddressPolicy
from integrations.calls import Call, Operation
from integrations.king.client import Client as KingClient
from integrations.outsmart.client import Client as OutSmartClient
from integrations.transport import Transport, _retry_after
from tests.contract.http_stub import READ, WRITE, HttpStub, hasty, narrow
from tests.contract.socket_server import SocketServer, answer, cuts_off

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Parrot:
    """A server that answers every call with the same bytes and disconnects."""

    def __init__(self) -> None:
        self.content = b""
        self._wire = SocketServer(self._behave)

    def __enter__(self) -> Parrot:
        self._wire.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.__exit__(None, None, None)

    @property
    def url(self) -> str:
        return self._wire.url

    def _behave(self, wire: SocketServer, connection: socket.socket) -> None:
        cuts_off(self.content)(wire, connection)


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    with Parrot() as server:
        yield server


LARGEST = 100_000


def check_call(parrot: Parrot, content: bytes, operation: Operation) -> None:
    """Make a call that is answered with these bytes: it ends with an answer within its limit or with an error of ours.

    Either way it is reported once.
    """
    parrot.content = content
    line, body, reason = HttpStub(attempts=1), b"", ""
    with contextlib.closing(line.transport):
        try:
            body = line.send(hasty(narrow(operation, LARGEST), 60.0), parrot.url)
        except errors.IntegrationError as error:
            reason = error.reason
    assert len(body) <= LARGEST
    assert [told.reason for told in line.calls] == [reason]
    assert reason != "timeout"


# Whole lines, and fragments that programs stumble over within them.
ODD = st.sampled_from(
    ["", "0", "-1", "9" * 400, "9" * 5000, "1e999", "inf", "nan", "²", "٣", "0x10", "1_000", "+5", " 7 ", "\xff\xfe",
     "Wed, 21 Oct 99999999999999 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 +99999999", "Fri, 31 Feb 2026 25:61:61 GMT",
     "Wed, 21 Oct 0000 07:28:00 GMT", "Mon, 10 Nov 9999 23:59:60 GMT", "chunked", "gzip", "deflate", "br, gzip",
     "gzip, gzip, gzip, gzip, gzip, gzip, gzip", "text/html; charset=\x80", "=?utf-8?q?=", "a=b; expires=" + "9" * 99]
)  # fmt: skip
NAMES = st.sampled_from(
    ["Retry-After", "Content-Length", "Transfer-Encoding", "Content-Encoding", "Content-Type", "Set-Cookie", "Location",
     "Connection", "Date", "WWW-Authenticate", "", " ", "X-\x80", "Content-Length "]
)  # fmt: skip
TEXT = st.text(st.characters(max_codepoint=255), max_size=60)
HEADERS = st.lists(st.tuples(NAMES | TEXT, ODD | TEXT), max_size=6)
STATUS = st.one_of(
    st.integers(0, 1100).map(lambda number: f"HTTP/1.1 {number} X"),
    st.sampled_from(
        ["HTTP/0.9 200", "HTTP/9.9 200 OK", "HTTP/1.0 200", "HTTP/1.1", "HTTP/1.1 200²", "200 OK", "HTTP/1.1 -1 X",
         "HTTP/1.1 " + "9" * 5000, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK"]
    ),
    TEXT,
)  # fmt: skip
JSON_ODD = st.sampled_from(
    [b"[" * 5000, b'{"a":' * 5000, b'{"code": ' + b"9" * 5000 + b"}", b'{"code": "' + b"9" * 5000 + b'"}',
     b'{"code": "\xd9\xa3"}', b'{"code": 1e400}', b'{"code": 200, "response": "\\ud800"}', b'[{"Status": 1e9999}]',
     b'[{"Status": ' + b"9" * 5000 + b"}]", b'[{"Status": "1", "FoutCode": {}, "FoutMelding": [1]}]',
     b'[{"Status": 0, "Orders": [[]], "VolgendeVanaf": {}}]', b'{"code": 4000, "messages": {"a": 1}}',
     b'{"code": 4000, "messages": [[[]]]}', b'[{"ErrorCode": 1, "Error": "\\udfff"}]', b"\xef\xbb\xbf[]",
     gzip.compress(b"x" * 1000)[:-4], gzip.compress(b"[]") + b"rubbish", zlib.compress(b"[]"),
     zlib.compress(b"[]")[2:-4],
     gzip.compress(b"[" * 50) + gzip.compress(b"]" * 50), b"5\r\nhello\r\n0\r\n\r\n", b"-5\r\nab", b"F" * 70_000]
)  # fmt: skip
BODY = JSON_ODD | st.binary(max_size=200)


@FUZZ
@given(content=st.binary(max_size=300), operation=st.sampled_from([READ, WRITE]))
def test_any_bytes_at_all(parrot: Parrot, content: bytes, operation: Operation) -> None:
    check_call(parrot, content, operation)


@FUZZ
@given(status=STATUS, headers=HEADERS, body=BODY, operation=st.sampled_from([READ, WRITE]))
def test_any_status_headers_and_body(
    parrot: Parrot, status: str, headers: list[tuple[str, str]], body: bytes, operation: Operation
) -> None:
    lines = [status, *(f"{name}: {value}" for name, value in headers)]
    check_call(parrot, "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body, operation)


@FUZZ
@given(status=st.sampled_from(["200 OK", "400 Bad", "429 Slow", "500 Oops"]), body=BODY)
def test_any_body_for_both_clients(parrot: Parrot, status: str, body: bytes) -> None:
    parrot.content = answer(body, status=status)
    asked: list[Call] = []
    with Transport("king", policy=AddressPolicy(("127.0.0.1",)), attempts=1, on_call=asked.append) as transport:
        king = KingClient(base_url=parrot.url, administration="A", access_code="some-code", transport=transport)
        outsmart = OutSmartClient(base_url=parrot.url, token="some-token", software_token="other", transport=transport)
        for ask in (
            king.test_connection,
            lambda: king.get_order(number="1"),
            lambda: king.release_lock("1"),
            outsmart.test_connection,
            outsmart.list_work_statuses,
            lambda: list(outsmart.iter_work_orders(status="Compleet")),
            lambda: outsmart.acknowledge_work_order(outsmart_id="1"),
        ):
            before = len(asked)
            with contextlib.suppress(errors.IntegrationError):
                ask()
            assert len(asked) > before


@FUZZ
@given(text=ODD | TEXT | st.text(max_size=40))
@example(text="9" * 400)
@example(text="Wed, 21 Oct 99999999999999 07:28:00 GMT")
def test_any_time_to_wait_is_none_or_an_ordinary_number(text: str) -> None:
    seconds = _retry_after(text)

    assert seconds is None or 0.0 <= seconds <= 24 * 3600.0


@pytest.mark.parametrize("value", ["Wed, 21 Oct 99999999999999 07:28:00 GMT", "9" * 400, "-7", "²", "1e3"])
def test_time_to_wait_that_makes_no_sense_is_as_good_as_none(parrot: Parrot, value: str) -> None:
    parrot.content = answer(b"", status="503 Busy").replace(
        b"\r\n\r\n", f"\r\nRetry-After: {value}\r\n\r\n".encode(), 1
    )
    line = HttpStub(attempts=2)
    with contextlib.closing(line.transport), pytest.raises(errors.ServerError) as caught:
        line.send(READ, parrot.url)

    assert caught.value.retry_after is None
    assert line.waits == [1.0]


MANY = 20_000
FLOODS = {
    "headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * MANY + b"\r\n",
    "a header without end": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 2_000_000,
    "a status without end": b"HTTP/1.1 200 " + b"b" * 2_000_000,
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" * MANY,
    "trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * MANY,
    "a trailer without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A" * 2_000_000,
    "a chunk's length without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2_000_000,
    "cookies": b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=b\r\n" * 99 + b"Content-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("flood", FLOODS)
def test_floods_end_in_one_of_our_errors_or_none(parrot: Parrot, flood: str) -> None:
    for operation in (READ, WRITE):
        check_call(parrot, FLOODS[flood], operation)
