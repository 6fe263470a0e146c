"""`/metrics` for Prometheus: by token, or directly from an allowed network; to all others the page does not exist."""

from __future__ import annotations

import hmac
import threading
import time
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

# How long an answer is kept: asking more often costs nothing.
KEPT_SECONDS = 5.0
# How long a second one waits for the first: threads that wait serve no pages.
WAIT_SECONDS = 2.0


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Return all metrics in Prometheus' text form."""
    if not (_has_token(request) or _is_from_allowed_network(request)):
        return HttpResponse(status=404)
    from kingsync.web.watch import rendering  # noqa: PLC0415 - most web processes are never asked

    try:
        return HttpResponse(_kept.content(), content_type=rendering.CONTENT_TYPE)
    except BusyError:
        return HttpResponse(status=503)


def _has_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").encode()
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode())


def _is_from_allowed_network(request: HttpRequest) -> bool:
    """Return whether the caller's own address is in an allowed network.

    What came through a proxy never counts: its address would let in everyone behind it.
    """
    if any(name.startswith("X-Forwarded-") for name in request.headers) or "Forwarded" in request.headers:
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in settings.METRICS_NETWORKS)


class BusyError(Exception):
    """Another thread is finding an answer, and takes long."""


class Kept:
    """The last answer of this process, never an old one: a counter that falls would look like a restart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._content, self._until = b"", 0.0

    def content(self) -> bytes:
        """Return an answer that is at most KEPT_SECONDS old; one thread finds it. Raises `BusyError`."""
        if time.monotonic() < self._until:
            return self._content
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            raise BusyError
        try:
            if time.monotonic() >= self._until:
                from kingsync.web.watch import rendering  # noqa: PLC0415 - see above

                self._content = rendering.text()
                self._until = time.monotonic() + KEPT_SECONDS
            return self._content
        finally:
            self._lock.release()


_kept = Kept()
