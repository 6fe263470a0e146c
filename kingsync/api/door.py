"""The door of the API: one token, its tenant's scope, its limit; every answer is JSON and is kept by nobody.

What is behind it is loaded with the first request: no other program needs it.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLResolver
from django.urls.exceptions import Resolver404
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt

from kingsync.api import credentials
from kingsync.api.errors import ApiError, response_of
from kingsync.models import tenants
from kingsync.models.api.tokens import ApiToken, hash_of
from kingsync.rules.storable import is_storable
from kingsync.runs import outages

logger = logging.getLogger(__name__)


@csrf_exempt
def door(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer a request to the API. No cookie is read: a browser that is logged in has no more rights here."""
    request.COOKIES.clear()
    with translation.override(_language(request)):
        response = _answered(request, rest)
        response.headers.setdefault("Content-Language", translation.get_language() or "")
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ("Authorization",))
    return response


# The door looks at them itself: its answers are JSON (kingsync.web.shared.storable_text).
door.checks_its_texts = True  # type: ignore[attr-defined]


@csrf_exempt
def elsewhere(_request: HttpRequest, rest: str = "") -> HttpResponse:  # noqa: ARG001  (of any address)
    """Answer a request to an address below /api/ that is of no version."""
    return response_of(ApiError(404, "not_found", _("There is nothing at this address.")))


def _language(request: HttpRequest) -> str | None:
    """Return the language that the caller asked for; without one, that of the company counts (`_inside`)."""
    return translation.get_language_from_request(request)


def _answered(request: HttpRequest, rest: str) -> HttpResponse:
    try:
        view, kwargs = _resolved(request, rest)
        if rest == credentials.PUBLIC:
            return view(request, **kwargs)
        return _inside(request, view, kwargs)
    except ApiError as error:
        return response_of(error)
    except Exception as error:  # noqa: BLE001 - every answer is JSON; it is logged there
        return response_of(_of_ours(request, error))


def _of_ours(request: HttpRequest, error: Exception) -> ApiError:
    """Return what a caller hears of a fault of our own; a passing one may be tried again."""
    if outages.is_passing(error) or outages.is_older_schema(error):
        logger.warning("api.unavailable: %s", type(error).__name__)
        message = _("kingsync cannot answer now. Try again in a minute.")
        return ApiError(503, "unavailable", message, headers={"Retry-After": "60"})
    logger.exception("api.failed: %s %s", request.method, request.path)
    return ApiError(500, "internal", _("Something went wrong in kingsync. It was logged."))


def _inside(request: HttpRequest, view: Callable[..., HttpResponse], kwargs: dict[str, Any]) -> HttpResponse:
    token = credentials.token_of(request)
    with tenants.scope(token.tenant), translation.override(_language_inside(request, token)):
        try:
            credentials.count(token)
            cast(credentials.ApiRequest, request).api_token = token
            response = _with_tag(request, _as_json(view(request, **kwargs)))
        except ApiError as error:
            response = response_of(error)
        response["Content-Language"] = translation.get_language() or ""
    return response


def _language_inside(request: HttpRequest, token: ApiToken) -> str:
    return _language(request) or "" if "Accept-Language" in request.headers else token.tenant.language


@functools.cache
def _resolver() -> URLResolver:
    from django.urls.resolvers import RegexPattern  # noqa: PLC0415

    from kingsync.api import v1  # noqa: PLC0415 - with pydantic, which takes half a second

    return URLResolver(RegexPattern(r"^"), v1.urlpatterns)


def _resolved(request: HttpRequest, rest: str) -> tuple[Callable[..., HttpResponse], dict[str, Any]]:
    texts = [rest, *request.GET, *(value for values in request.GET.lists() for value in values[1])]
    if not all(map(is_storable, texts)):
        raise ApiError(400, "invalid", _("The address contains a character that cannot be stored."))
    try:
        match = _resolver().resolve(rest)
    except Resolver404:
        raise ApiError(404, "not_found", _("There is nothing at this address.")) from None
    return match.func, match.kwargs


def _as_json(response: HttpResponse) -> HttpResponse:
    """Return the answer; what Django answers by itself becomes JSON too."""
    if isinstance(response, HttpResponseNotAllowed):
        allowed = response["Allow"]
        message = _("This address does not know the method; it knows: %(methods)s.") % {"methods": allowed}
        return response_of(ApiError(405, "method_not_allowed", message, headers={"Allow": allowed}))
    return response


def _with_tag(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the answer with a tag of its content, or 304 if the caller has the same already."""
    if request.method != "GET" or response.status_code != HTTPStatus.OK:
        return response
    tag = f'"{hash_of(response.content.decode())[:32]}"'
    response["ETag"] = tag
    return get_conditional_response(request, etag=tag, response=response) or response
