"""Compressed answers: pages and lists, not files that are compressed already.

An attacker cannot measure secrets by the length of an answer (BREACH): Django masks the CSRF token differently in each
answer and adds a random length to it, and another site's page can send no request with our cookies in the background.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressionMiddleware(GZipMiddleware):
    """Compresses text for browsers that accept it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "")
        if not kind.startswith(("text/", "application/json")):
            return response
        return super().process_response(request, response)
