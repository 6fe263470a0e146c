"""The help pages: articles, settings and messages, for everyone who is logged in."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kingsync.web.help import articles, message_entries, setting_entries
from kingsync.web.help.search import search
from kingsync.web.shared import access

LONGEST_QUERY = 200


@require_safe
@access.people
def index(request: access.PersonRequest) -> HttpResponse:
    """Show the articles, and what a search found."""
    query = request.GET.get("q", "").strip()[:LONGEST_QUERY]
    found = {"query": query, "hits": search(query)}
    if request.htmx:
        return render(request, "help/_hits.html", found)
    return _page(request, "help/index.html", found)


@require_safe
@access.people
def article(request: access.PersonRequest, key: str) -> HttpResponse:
    if key not in articles.ARTICLES:
        raise Http404
    shown = articles.ARTICLES[key]
    parts = [part for part in articles.parts(shown) if part.anchor]
    text = articles.body(shown)
    return _page(request, "help/article.html", {"article": shown, "parts": parts, "text": text})


@require_safe
@access.people
def settings(request: access.PersonRequest) -> HttpResponse:
    groups, tags = setting_entries.groups(), setting_entries.tags()
    return _page(request, "help/settings.html", {"groups": groups, "tags": tags})


@require_safe
@access.people
def messages(request: access.PersonRequest) -> HttpResponse:
    return _page(request, "help/messages.html", {"groups": message_entries.groups()})


def _page(request: HttpRequest, template: str, shown: Mapping[str, object]) -> HttpResponse:
    return render(request, template, {"articles": articles.ARTICLES.values(), **shown})
