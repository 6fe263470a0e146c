"""HTTP → our errors: whether an exception or a status means that the call was carried out."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator, Sequence

import requests
import urllib3
from urllib3.exceptions import ConnectTimeoutError, DecodeError, LocationParseError, NewConnectionError

from integrations import errors
from integrations.addresses import ForbiddenAddressError
from integrations.calls import Answer, Operation

_NEVER_CARRIED_OUT = frozenset({301, 307, 308})  # other redirects may follow a call that was carried out

# What requests, urllib3 and the layers below them raise.
HTTP_FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    UnicodeError,
    ForbiddenAddressError,
)


def from_exception(
    system: str, operation: Operation, failure: BaseException, *, is_connecting: bool
) -> errors.IntegrationError:
    """Return our error for one of HTTP_FAILURES. `is_connecting`: certainly nothing was sent yet.

    The texts of these exceptions contain the URL, and so the tokens: nothing is copied from them.
    """
    if isinstance(failure, ForbiddenAddressError):
        return errors.ConfigurationError(system=system, operation=operation.name, reason="forbidden_address")
    chain = tuple(_chain(failure))
    if _is_any(chain, *_BAD_REQUESTS):
        detail = "the address or a credential holds characters that cannot be sent"
        return errors.ConfigurationError(system=system, operation=operation.name, detail=detail)
    if is_connecting or _is_any(chain, *_BEFORE_SENDING):
        reason = _reason(chain, otherwise="unreachable")
        return errors.UnreachableError(system=system, operation=operation.name, reason=reason)
    return no_answer(system, operation, reason=_reason(chain, otherwise="reset"))


def from_status(
    system: str, operation: Operation, answer: Answer, *, code: str, detail: str
) -> errors.IntegrationError:
    """Return our error for an HTTP status other than 2xx; `code` and `detail` are the vendor's, masked."""
    refusal = _refusal(answer.status)
    if refusal is None:
        return no_answer(
            system,
            operation,
            reason="redirect" if _is_redirect(answer.status) else "server_error",
            status=answer.status,
            code=code,
            detail=detail,
            retry_after=answer.retry_after,
        )
    return refusal(
        system=system,
        operation=operation.name,
        reason="redirect" if _is_redirect(answer.status) else "",
        status=answer.status,
        code=code,
        detail=detail,
        retry_after=answer.retry_after,
    )


def refused_by_proxy(system: str, operation: Operation) -> errors.IntegrationError:
    """Return the error for a proxy that asks for another password: the request went no further."""
    return errors.UnreachableError(system=system, operation=operation.name, reason="proxy")


def no_answer(
    system: str,
    operation: Operation,
    *,
    reason: str,
    status: int | None = None,
    code: str = "",
    detail: str = "",
    retry_after: float | None = None,
) -> errors.IntegrationError:
    """Return the error for a call without a complete, agreed answer: a write may have been carried out."""
    kind = errors.OutcomeUnknownError if operation.is_write else errors.ServerError
    return kind(
        system=system,
        operation=operation.name,
        reason=reason,
        status=status,
        code=code,
        detail=detail,
        retry_after=retry_after,
    )


_BAD_REQUESTS = (
    UnicodeError,
    LocationParseError,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
)
_BEFORE_SENDING = (
    NewConnectionError,
    ConnectTimeoutError,
    requests.exceptions.ConnectTimeout,
    ssl.SSLCertVerificationError,
)
_TIMEOUTS = (TimeoutError, requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)
_GARBAGE = (DecodeError, requests.exceptions.ContentDecodingError, http.client.BadStatusLine)


def _chain(failure: BaseException) -> Iterator[BaseException]:
    """Yield the exception and those inside it; requests and urllib3 wrap them in three ways."""
    seen: set[int] = set()
    todo: list[object] = [failure]
    while todo:
        current = todo.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        todo += [getattr(current, "reason", None), current.__cause__, current.__context__, *current.args]


def _is_any(chain: Sequence[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(failure, kinds) for failure in chain)


def _reason(chain: Sequence[BaseException], *, otherwise: str) -> str:
    if _is_any(chain, ssl.SSLCertVerificationError):
        return "certificate"
    if _is_any(chain, urllib3.exceptions.ProxyError):
        return "proxy"
    # urllib3 counts a refused connection as a connect timeout.
    if any(isinstance(failure, _TIMEOUTS) and not isinstance(failure, NewConnectionError) for failure in chain):
        return "timeout"
    if _is_any(chain, http.client.RemoteDisconnected):
        return otherwise
    return "unexpected" if _is_any(chain, *_GARBAGE) else otherwise


def _is_redirect(status: int) -> bool:
    return 300 <= status < 400


def _refusal(status: int) -> type[errors.IntegrationError] | None:
    """Return the error class for a status that means: not carried out. None when nothing is certain."""
    if status == 429:
        return errors.RateLimitError
    if status in (401, 403):
        return errors.AuthenticationError
    if status in (404, 405, 410) or status in _NEVER_CARRIED_OUT:
        return errors.ConfigurationError
    if status == 409:
        return errors.ConflictError
    if 400 <= status < 500 and status != 408:
        return errors.RejectedError
    return None
