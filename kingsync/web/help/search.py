"""The search of the help pages, also for the search palette."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from kingsync.web.help import articles, message_entries, setting_entries
from kingsync.web.shared.folding import folded

MOST = 40


@dataclass(frozen=True)
class Hit:
    """One thing that the help explains: an article's part, a setting or a message."""

    title: str
    address: str
    kind: str
    text: str = ""


def search(query: str, *, most: int = MOST) -> list[Hit]:
    """Return what has all words of the query, in the active language; hits in titles first."""
    words = folded(query).split()
    if not words:
        return []
    found = [entry for entry in _index(translation.get_language() or "") if all(word in entry.all for word in words)]
    found.sort(key=lambda entry: sum(word not in entry.title for word in words))
    return [entry.hit for entry in found[:most]]


@dataclass(frozen=True)
class _Entry:
    """A hit with its words in small letters without accents."""

    hit: Hit
    title: str
    all: str


@functools.cache
def _index(_language: str) -> list[_Entry]:
    """Return all entries in the active language, which does not change while the program runs."""
    hits = [*_articles(), *_settings(), *_messages()]
    return [_Entry(hit, folded(hit.title), folded(f"{hit.title} {hit.text}")) for hit in hits]


def _articles() -> Iterator[Hit]:
    for article in articles.ARTICLES.values():
        page = reverse("help_article", args=[article.key])
        for part in articles.parts(article):
            title = f"{article.title} › {part.title}" if part.anchor else part.title
            yield Hit(title, f"{page}#{part.anchor}".rstrip("#"), _("Article"), part.text)


def _settings() -> Iterator[Hit]:
    for group in setting_entries.groups():
        for entry in group.entries:
            text = " · ".join(part for part in (group.title, entry.help, *entry.facts) if part)
            yield Hit(entry.label, setting_entries.address(entry.key), _("Setting"), text)


def _messages() -> Iterator[Hit]:
    for group in message_entries.groups():
        for entry in group.entries:
            yield Hit(entry.sentence, message_entries.address(entry.code), _("Message"), entry.advice)
