"""The page for an error of ours; one that passes by itself is shown as that, and asks to try again."""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

from kingsync.runs import outages

RETRY_SECONDS = 10


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 while the database is away, full or about to be migrated, else 500. Uses no database itself."""
    error = sys.exception()
    if error is None or not (outages.is_passing(error) or outages.is_older_schema(error)):
        return defaults.server_error(request)
    page = loader.get_template("503.html").render()
    return HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": str(RETRY_SECONDS)})
