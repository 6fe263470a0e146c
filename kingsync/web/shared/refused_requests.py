"""The page for requests that the front refused to read: it shows why."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from kingsync.server.front import REFUSED


class RefusedMiddleware:
    """Shows why a request was not read. Comes after LocaleMiddleware, for the language of the page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        status = request.META.get(REFUSED)
        return self.get_response(request) if status is None else _refused(request, HTTPStatus(status))


def _refused(request: HttpRequest, status: HTTPStatus) -> HttpResponse:
    answer = render(request, "shared/refused.html", {"status": status}, status=status)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer["Retry-After"] = "10"
    return answer
