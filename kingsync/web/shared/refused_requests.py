"""Requests that no page answers: those that the front refused to read, with a page that shows why, and TRACE."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext

from kingsync.server.front import REFUSED

# Some of Django's own views would answer TRACE as they answer GET.
METHODS = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"]


class RefusedMiddleware(MiddlewareMixin):
    """Shows why a request was not read. Comes after LocaleMiddleware, for the language of the page."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        status = request.META.get(REFUSED)
        return None if status is None else _refused(request, HTTPStatus(status))


def _refused(request: HttpRequest, status: HTTPStatus) -> HttpResponse:
    if request.path.startswith("/api/"):
        answer: HttpResponse = _in_json(status)
    else:
        answer = render(request, "shared/refused.html", {"status": status}, status=status)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer["Retry-After"] = "10"
    return answer


def _in_json(status: HTTPStatus) -> HttpResponse:
    """Return the same for a program, as all errors of the API are (kingsync.api.errors)."""
    message = gettext("The request was not read: it is too large, came too slowly, or there are too many at once.")
    return JsonResponse({"error": {"code": status.name.lower(), "message": message}}, status=status)
