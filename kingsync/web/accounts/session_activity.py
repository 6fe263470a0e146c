"""A middleware: knows the visitor, and which requests show that the user is active."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from kingsync.accounts.session_store import SessionStore
from kingsync.web.accounts.throttle import address_of

Answer = Callable[[HttpRequest], HttpResponse]


class SessionActivityMiddleware:
    """Postpones the end of idle sessions. Comes after SessionMiddleware.

    A part of a page that refreshes itself shows no activity: a page left open would be logged in as long as its run.
    """

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        store = request.session
        if not isinstance(store, SessionStore):
            return self._get_response(request)
        store.visitor = (address_of(request), request.headers.get("User-Agent", ""))
        response = self._get_response(request)
        if not _is_refresh(request):
            store.touch()
        return response


def _is_refresh(request: HttpRequest) -> bool:
    return request.method == "GET" and request.headers.get("HX-Request") == "true"
