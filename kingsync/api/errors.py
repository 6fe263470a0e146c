"""Errors of the API: a code for programs, a sentence for people."""

from __future__ import annotations

from django.http import JsonResponse
from django.utils.functional import Promise


class ApiError(Exception):
    """A request that is not carried out, and why."""

    def __init__(
        self, status: int, code: str, message: str | Promise, *, headers: dict[str, str] | None = None, **more: object
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message
        self.headers, self.more = headers or {}, more


def response_of(error: ApiError) -> JsonResponse:
    """Return the answer to such a request, in the active language."""
    content = {"error": {"code": error.code, "message": str(error.message)} | error.more}
    return JsonResponse(content, status=error.status, headers=error.headers)
