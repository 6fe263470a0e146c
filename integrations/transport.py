"""HTTP for both clients: one session, one deadline per operation, retries of reads, HTTP → error. Vendor-neutral."""

from __future__ import annotations

import datetime
import email.utils
import functools
import random as _random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Self, TypeVar

import msgspec
import requests
from urllib3 import BaseHTTPResponse

from integrations import connections, deadlines, errors, failures, retry, unpacking, version
from integrations.addresses import AddressPolicy
from integrations.calls import BUG, LIST_ANSWER_BYTES, Answer, Call, Operation, Timing
from integrations.deadlines import Deadline
from integrations.masking import MASK, Masker
from integrations.proxies import Proxy
from integrations.sockets import BegunLateError, progress

T = TypeVar("T")

_BODY_SHOWN = 10_000
_ANSWER_SHOWN = 2_000
_LONGEST_RETRY_AFTER = 24 * 3600.0  # longer requests are ignored
_HTTP_DATE = re.compile(r"[A-Za-z]{3}, [0-9]{1,2} [A-Za-z]{3} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
_SECONDS = re.compile(r"[0-9]{1,9}")


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call on its way. It holds credentials, so it shows nothing but its name."""

    operation: Operation
    url: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes | None

    def __repr__(self) -> str:
        return f"<request {self.operation.name}>"


def no_words(_body: bytes) -> tuple[str, str]:
    """Return no vendor code and text for an error page."""
    return "", ""


class Transport:
    """The way to one system for one run.

    `on_call` is called for every call, also the failed ones; `on_failed_call` only for those, which saves masking the
    others. `on_timing` hears of every call too, but nothing of its contents. `attempts` counts all tries of a read.
    Every call is made inside `alone()`, which keeps other programs out meanwhile. `memory_bytes` is the largest answer
    that this process has memory for.
    """

    def __init__(
        self,
        system: str,
        *,
        policy: AddressPolicy,
        proxy: Proxy = connections.NO_PROXY,
        verify: bool | str = True,
        ca_certificate: str = "",
        on_call: Callable[[Call], None] | None = None,
        on_failed_call: Callable[[Call], None] | None = None,
        on_timing: Callable[[Timing], None] | None = None,
        sleep: Callable[[float], object] = time.sleep,
        random: Callable[[], float] = _random.random,
        attempts: int = retry.TRIES,
        memory_bytes: int = LIST_ANSWER_BYTES,
        alone: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.system = system
        self._policy = policy
        self._on_call, self._on_failed_call, self._on_timing = on_call, on_failed_call, on_timing
        self._sleep = sleep
        self._random = random
        self._attempts = attempts
        self._memory_bytes = memory_bytes
        self._turn = threading.Lock()  # one call at a time, whichever thread it comes from
        self.alone = alone
        self._masker = Masker()
        self._proxy = proxy
        self._masker.hide(*proxy.secrets)
        self._is_verifying = verify is not False
        tls = functools.cache(
            lambda: connections.tls_context(verify=verify, ca_certificate=ca_certificate, system=system)
        )
        if ca_certificate:
            tls()  # raises now if it cannot be read
        self._adapter = connections.GuardedAdapter(policy=policy, tls=tls, proxy=proxy)
        self._session = _session(self._adapter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def hide(self, *secrets: str) -> None:
        """Keep these values out of every log entry and message."""
        self._masker.hide(*secrets)

    def masked(self, text: str) -> str:
        """Return the text, cut where it is long, with every hidden value as `***`."""
        return self._masker.masked(text)

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
        """Make the call and return what `read` makes of its answer.

        `read` may raise a TransientError (both systems hide theirs under HTTP 200): a read is then retried
        as after HTTP 503. `describe` finds the vendor's code and text in the body of an HTTP error.
        Raises every class of `integrations.errors` but PayloadError, which is up to `read`.
        TooLargeHereError only where `memory_bytes` is below what the operation allows.
        """
        request = _Request(operation=operation, url=url, query=tuple(query), headers=dict(headers or {}), body=body)
        with self._turn, self.alone():  # waiting for its turn does not count as the call's own time
            return self._tried(request, read, describe)

    def _tried(self, request: _Request, read: Callable[[Answer], T], describe: Callable[[bytes], tuple[str, str]]) -> T:
        deadline = deadlines.of(request.operation)
        is_once = request.operation.is_write or deadlines.is_repeated_outside()
        return retry.repeated(
            lambda attempt: self._once(request, attempt, deadline, read, describe),
            deadline=deadline,
            tries=1 if is_once else self._attempts,
            sleep=self._sleep,
            random=self._random,
        )

    def _once(
        self,
        request: _Request,
        attempt: int,
        deadline: Deadline,
        read: Callable[[Answer], T],
        describe: Callable[[bytes], tuple[str, str]],
    ) -> T:
        began = time.monotonic()
        answer: Answer | None = None
        reason, bug = "", BUG
        try:
            answer = self._exchange(request, deadline)
            if not 200 <= answer.status < 300:
                code, detail = (self.masked(words) for words in describe(answer.body))
                raise failures.from_status(self.system, request.operation, answer, code=code, detail=detail)
            found = read(answer)
        except errors.IntegrationError as error:
            reason = error.reason
            raise
        except errors.TooLargeHereError:
            bug = ""  # nothing is wrong with the answer
            raise
        else:
            bug = ""
            return found
        finally:
            seconds = time.monotonic() - began
            if self._on_timing is not None:
                self._on_timing(self._timing(request, answer, attempt, seconds, reason or bug))
            for hear in (self._on_call, self._on_failed_call if reason else None):
                if hear is not None:
                    hear(self._record(request, answer, attempt, seconds, reason))

    def _exchange(self, request: _Request, deadline: Deadline) -> Answer:
        """Send the request and read the whole answer. The one place where HTTP's exceptions end."""
        self._policy.check_url(request.url, system=self.system)
        is_through_proxy = bool(self._proxy) and not self._policy.is_direct(request.url)
        if is_through_proxy:
            self._policy.check_unresolved(request.url, system=self.system)
        # A kept connection is open from the beginning; where it is too late nothing is sent over it either.
        progress.is_connecting, progress.deadline = deadline.left() <= 0, deadline
        try:
            answer = self._open_and_read(request)
        except BegunLateError:
            raise self._begun_late(request.operation) from None
        except unpacking.TooLargeError:
            raise failures.no_answer(self.system, request.operation, reason="too_large") from None
        except failures.HTTP_FAILURES as failure:
            raise failures.from_exception(
                self.system, request.operation, failure, is_connecting=progress.is_connecting
            ) from None
        if is_through_proxy and answer.status == 407:
            raise failures.refused_by_proxy(self.system, request.operation)
        return answer

    def _open_and_read(self, request: _Request) -> Answer:
        operation = request.operation
        prepared = self._session.prepare_request(
            requests.Request(
                operation.method, request.url, params=request.query, headers=request.headers, data=request.body
            )
        )
        timeout = (min(operation.connect_timeout, self._seconds_to_begin(operation)), operation.read_timeout)
        # Through the adapter: the session's own send() would follow redirects and cookies, and read their bodies.
        proxies = self._adapter.proxies_for(prepared)
        response = self._adapter.send(
            prepared, stream=True, timeout=timeout, verify=self._is_verifying, proxies=proxies
        )
        try:
            body = self._body(response.raw, operation)
        finally:
            response.close()
        retry_after = _retry_after(response.headers.get("Retry-After", ""))
        return Answer(status=response.status_code, body=body, retry_after=retry_after)

    def _seconds_to_begin(self, operation: Operation) -> float:
        left = deadlines.seconds_to_begin()
        if left <= 0:
            raise self._begun_late(operation)
        return left

    def _begun_late(self, operation: Operation) -> errors.UnreachableError:
        """Return the error of a call of which nothing was sent, or not all."""
        return errors.UnreachableError(system=self.system, operation=operation.name, reason="begun_late")

    def _body(self, raw: BaseHTTPResponse, operation: Operation) -> bytes:
        # A read can be made again elsewhere; what a write came to must be heard here.
        largest = operation.max_bytes if operation.is_write else min(operation.max_bytes, self._memory_bytes)
        try:
            return unpacking.whole_body(raw, max_bytes=largest)
        except unpacking.TooLargeError:
            if largest < operation.max_bytes:
                raise errors.TooLargeHereError from None
            raise

    def _timing(self, request: _Request, answer: Answer | None, attempt: int, seconds: float, reason: str) -> Timing:
        return Timing(
            system=self.system,
            operation=request.operation.name,
            reason=reason,
            status=answer.status if answer else None,
            seconds=seconds,
            attempt=attempt,
        )

    def _record(self, request: _Request, answer: Answer | None, attempt: int, seconds: float, reason: str) -> Call:
        operation = request.operation
        return Call(
            system=self.system,
            operation=operation.name,
            method=operation.method,
            query={
                name: self.masked(value) if name in operation.visible_query else MASK for name, value in request.query
            },
            body=self._masker.excerpt(request.body or b"", _BODY_SHOWN),
            status=answer.status if answer else None,
            seconds=seconds,
            answer=self._masker.excerpt(answer.body if answer else b"", _ANSWER_SHOWN),
            attempt=attempt,
            reason=reason,
        )


def _retry_after(text: str) -> float | None:
    """Return the seconds of Retry-After, a number or a date; None when it cannot be read."""
    written = text.strip()
    if _SECONDS.fullmatch(written):
        return min(float(written), _LONGEST_RETRY_AFTER)
    if not _HTTP_DATE.fullmatch(written):
        return None
    try:
        moment = email.utils.parsedate_to_datetime(written)
    except (ValueError, OverflowError):
        return None
    seconds = (moment - datetime.datetime.now(datetime.UTC)).total_seconds()
    return min(max(0.0, seconds), _LONGEST_RETRY_AFTER)


def _session(adapter: connections.GuardedAdapter) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxies and no netrc of the machine
    session.headers.update(
        {
            "Accept": "application/json",
            "Accept-Encoding": unpacking.ACCEPTED_ENCODINGS,
            "User-Agent": version.USER_AGENT,
        }
    )
    session.adapters.clear()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
