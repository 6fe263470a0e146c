"""The admin's looser content security policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase

# The admin theme evaluates expressions (Alpine.js) and sets inline styles; it loads nothing from another host.
ADMIN_UPDATE = {
    "script-src": ["'self'", "'unsafe-inline'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}


class AdminPolicyMiddleware:
    """Loosens the policy of admin pages only as far as their theme needs. Comes after CSPMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: Any = self.get_response(request)
        match = request.resolver_match
        if match is not None and "admin" in match.app_names:
            response._csp_update = ADMIN_UPDATE
        return response  # type: ignore[no-any-return]
