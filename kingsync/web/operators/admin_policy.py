"""The admin's looser content security policy."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

# The admin theme evaluates the expressions in its templates (Alpine.js), writes its colours into the page and sets
# inline styles. It has no inline script, and loads nothing from another host.
ADMIN_UPDATE = {
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}


class AdminPolicyMiddleware(MiddlewareMixin):
    """Loosens the policy of admin pages only as far as their theme needs. Comes after CSPMiddleware."""

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        match = request.resolver_match
        if match is not None and "admin" in match.app_names:
            response._csp_update = ADMIN_UPDATE
        return response
