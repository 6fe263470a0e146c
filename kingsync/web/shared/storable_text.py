"""Requests with characters that the database cannot store: a NUL, or half a surrogate pair."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, QueryDict
from django.utils.deprecation import MiddlewareMixin

from kingsync.rules.storable import is_storable


class StorableTextMiddleware(MiddlewareMixin):
    """Answers 400 to a NUL or half a surrogate in URL, query, cookies or form: the database refuses them.

    Comes after CsrfViewMiddleware, which has read the form; an upload is checked by its own page.
    """

    def process_view(self, request: HttpRequest, view: object, _args: object, _kwargs: object) -> None:
        """Raise `BadRequest` if something cannot be stored; the API answers in its own form."""
        if getattr(view, "checks_its_texts", False):
            return
        texts = [request.path, *request.COOKIES.values(), *_texts(request.GET)]
        if not getattr(view, "csrf_exempt", False):
            texts += _texts(request.POST)
        if not all(is_storable(text) for text in texts):
            raise BadRequest("a sign that cannot be stored")


def _texts(query: QueryDict) -> Iterable[str]:
    for name, values in query.lists():
        yield name
        yield from values
