"""HTTP for both clients: one session, time-outs, retries of reads, masking, and HTTP → error. Knows no vendor."""

from __future__ import annotations

import datetime
import email.utils
import functools
import random as _random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, quote_plus

import msgspec
import requests
import urllib3

from integrations import connections, errors, failures
from integrations.addresses import AddressPolicy
from integrations.calls import Answer, Call, Operation

T = TypeVar("T")

MAX_ANSWER_BYTES = 512 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_BODY_SHOWN = 10_000
_ANSWER_SHOWN = 2_000
_SHORTEST_SECRET = 4  # masking shorter words would make every text unreadable
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 8.0
_POINTLESS_TO_REPEAT = frozenset({"certificate", "too_large"})


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call on its way. Holds credentials, so it shows nothing but its name."""

    operation: Operation
    url: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes | None

    def __repr__(self) -> str:
        return f"<request {self.operation.name}>"


def no_words(_body: bytes) -> tuple[str, str]:
    """This function will find no vendor code and words in an error page."""
    return "", ""


class Transport:
    """The way to one system for one run.

    `on_call` hears of every call, also the failed ones; `on_failed_call` of those alone, which spares the others the
    masking of what was said. `attempts` counts all tries of a read, `retry_seconds` is
    after how long no new try begins.
    """

    def __init__(
        self,
        system: str,
        *,
        policy: AddressPolicy,
        verify: bool | str = True,
        ca_certificate: str = "",
        on_call: Callable[[Call], None] | None = None,
        on_failed_call: Callable[[Call], None] | None = None,
        sleep: Callable[[float], object] = time.sleep,
        random: Callable[[], float] = _random.random,
        clock: Callable[[], float] = time.monotonic,
        attempts: int = 3,
        retry_seconds: float = 120.0,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.system = system
        self._policy = policy
        self._on_call, self._on_failed_call = on_call, on_failed_call
        self._sleep = sleep
        self._random = random
        self._clock = clock
        self._attempts = attempts
        self._retry_seconds = retry_seconds
        self._max_answer_bytes = max_answer_bytes
        self._turn = threading.Lock()  # one call at a time, whichever thread it comes from
        self._secrets: set[str] = set()
        self._is_verifying = verify is not False
        tls = functools.cache(
            lambda: connections.tls_context(verify=verify, ca_certificate=ca_certificate, system=system)
        )
        if ca_certificate:
            tls()  # says now that it cannot be read
        self._adapter = connections.GuardedAdapter(policy=policy, tls=tls)
        self._session = _session(self._adapter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """This function will close the connections."""
        self._session.close()

    def hide(self, *secrets: str) -> None:
        """This function will keep these values out of every log entry and message."""
        for secret in secrets:
            if len(secret) >= _SHORTEST_SECRET:
                self._secrets.update((secret, quote(secret, safe=""), quote_plus(secret)))

    def masked(self, text: str) -> str:
        """This function will give the text with every hidden value as `***`."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def send(
        self,
        operation: Operation,
        url: str,
        *,
        read: Callable[[Answer], T],
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        describe: Callable[[bytes], tuple[str, str]] = no_words,
    ) -> T:
        """This function will make the call and give what `read` makes of its answer.

        `read` may raise a TransientError (both systems hide theirs under HTTP 200): a read is then tried
        again like after HTTP 503. `describe` finds the vendor's code and words in the body of an HTTP error.
        Raises every class of `integrations.errors` but PayloadError, which is up to `read`.
        """
        request = _Request(operation=operation, url=url, query=tuple(query), headers=dict(headers or {}), body=body)
        with self._turn:
            return self._tried(request, read, describe)

    def _tried(self, request: _Request, read: Callable[[Answer], T], describe: Callable[[bytes], tuple[str, str]]) -> T:
        began = self._clock()
        attempt = 1
        while True:
            try:
                return self._once(request, attempt, read, describe)
            except errors.TransientError as error:
                wait = self._wait(error, attempt)
                too_late = self._clock() - began + wait > self._retry_seconds
                is_last = attempt >= self._attempts or too_late
                if request.operation.is_write or is_last or error.reason in _POINTLESS_TO_REPEAT:
                    raise
            self._sleep(wait)
            attempt += 1

    def _wait(self, error: errors.TransientError, attempt: int) -> float:
        """Seconds before the next try: as told, else full jitter, so that many tenants don't come back at once."""
        if error.retry_after is not None:
            return error.retry_after
        longest: float = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1))
        return self._random() * longest

    def _once(
        self,
        request: _Request,
        attempt: int,
        read: Callable[[Answer], T],
        describe: Callable[[bytes], tuple[str, str]],
    ) -> T:
        began = self._clock()
        answer: Answer | None = None
        reason = ""
        try:
            answer = self._exchange(request)
            if not 200 <= answer.status < 300:
                code, detail = (self.masked(words) for words in describe(answer.body))
                raise failures.from_status(self.system, request.operation, answer, code=code, detail=detail)
            return read(answer)
        except errors.IntegrationError as error:
            reason = error.reason
            raise
        finally:
            for hear in (self._on_call, self._on_failed_call if reason else None):
                if hear is not None:
                    hear(self._record(request, answer, attempt, self._clock() - began, reason))

    def _exchange(self, request: _Request) -> Answer:
        """This function will send the request and read the whole answer. The one place where HTTP's exceptions end."""
        self._policy.check_url(request.url, system=self.system)
        connections.progress.is_connecting = False
        try:
            return self._open_and_read(request)
        except failures.HTTP_FAILURES as failure:
            is_connecting = connections.progress.is_connecting
            raise failures.from_exception(
                self.system, request.operation, failure, is_connecting=is_connecting
            ) from None

    def _open_and_read(self, request: _Request) -> Answer:
        prepared = self._session.prepare_request(
            requests.Request(
                request.operation.method, request.url, params=request.query, headers=request.headers, data=request.body
            )
        )
        timeout = (request.operation.connect_timeout, request.operation.read_timeout)
        deadline = self._clock() + 2 * request.operation.read_timeout
        # By the adapter: the session's own send() would look after redirects and cookies, and read their bodies.
        response = self._adapter.send(prepared, stream=True, timeout=timeout, verify=self._is_verifying)
        try:
            body = self._whole_body(response.raw, request.operation, deadline)
        finally:
            response.close()
        retry_after = _retry_after(response.headers.get("Retry-After", ""))
        return Answer(status=response.status_code, body=body, retry_after=retry_after)

    def _whole_body(self, raw: urllib3.HTTPResponse, operation: Operation, deadline: float) -> bytes:
        body = bytearray()
        while piece := raw.read1(_CHUNK_BYTES, decode_content=True):
            body += piece
            if len(body) > self._max_answer_bytes:
                raise failures.no_answer(self.system, operation, reason="too_large")
            if self._clock() > deadline:
                raise TimeoutError
        return bytes(body)

    def _record(self, request: _Request, answer: Answer | None, attempt: int, seconds: float, reason: str) -> Call:
        operation = request.operation
        return Call(
            system=self.system,
            operation=operation.name,
            method=operation.method,
            query={name: value if name in operation.visible_query else "***" for name, value in request.query},
            body=self._excerpt(request.body or b"", _BODY_SHOWN),
            status=answer.status if answer else None,
            seconds=seconds,
            answer=self._excerpt(answer.body if answer else b"", _ANSWER_SHOWN),
            attempt=attempt,
            reason=reason,
        )

    def _excerpt(self, body: bytes, length: int) -> str:
        # Masked before it is cut: half a token is still half a token.
        return self.masked(body[: 2 * length].decode("utf-8", "replace"))[:length]


def _retry_after(text: str) -> float | None:
    """This function will read Retry-After, seconds or a date; what it cannot read counts as absent."""
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return max(0.0, (moment - datetime.datetime.now(datetime.UTC)).total_seconds())


def _session(adapter: connections.GuardedAdapter) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxies and no netrc of the machine
    session.headers.update({"Accept": "application/json", "User-Agent": "kingsync"})
    session.adapters.clear()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
