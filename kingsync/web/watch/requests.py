"""A middleware that names each request in the log lines it causes, and counts and times it by its page."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from kingsync.watch import catalog, log_context
from kingsync.watch.harmless import harmless
from kingsync.watch.tallies import tallies

HEADER = "X-Request-ID"
# Asked by machines every few seconds, all day.
NOT_COUNTED = frozenset({"health", "metrics"})
_READABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class WatchMiddleware:
    """Comes after static files, which are none of our pages, and before everything that may answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        number = _number_of(request)
        began = time.monotonic()
        # Functions: both are known later, and an error of the page is logged after its own blocks have ended.
        work = {"user": lambda: _known_user(request), "tenant": lambda: _opened_tenant(request)}
        with log_context.bound(request=number, **work):
            response = self._get_response(request)
        _count(request, response.status_code, time.monotonic() - began)
        response.headers[HEADER] = number
        return response


def _number_of(request: HttpRequest) -> str:
    """Return the number that a proxy gave the request, else a new one."""
    given = request.headers.get(HEADER, "")
    return given if _READABLE.fullmatch(given) else uuid.uuid4().hex


def _known_user(request: HttpRequest) -> int | None:
    """Return the key of the user if it is known by now: a log line asks the database nothing."""
    user = getattr(request, "_cached_user", None)  # where Django's middleware keeps it
    return user.pk if user is not None else None


def _opened_tenant(request: HttpRequest) -> str | None:
    """Return the company of the page, once its visitor was let in."""
    tenant = getattr(request, "tenant", None)
    return tenant.slug if tenant is not None else None


@harmless
def _count(request: HttpRequest, status: int, seconds: float) -> None:
    match = request.resolver_match
    view = (match.view_name or "none") if match else "none"
    if view in NOT_COUNTED:
        return
    tallies.count(catalog.PAGES, view=view, status=str(status))
    tallies.observe(catalog.PAGE_SECONDS, seconds, view=view)
