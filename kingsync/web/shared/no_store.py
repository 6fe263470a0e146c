"""A middleware: no browser or proxy keeps what a logged-in user was shown.

It looks at the cookie alone: an answer to a request that cannot be read must not read the session.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]


class NoStoreMiddleware:
    """Says "no-store" on every answer within a session that says nothing itself about being kept."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response
