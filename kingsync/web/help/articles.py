"""The articles of the help pages: a template in each language, with the same headings."""

from __future__ import annotations

import functools
import html
import re
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

LANGUAGES = ("en", "nl")
_HEADING = re.compile(r'<h2 id="([\w-]+)">(.*?)</h2>', re.DOTALL)


@dataclass(frozen=True)
class Article:
    """One article; `key` is in its address and names its templates."""

    key: str
    title: str | Promise
    summary: str | Promise


@dataclass(frozen=True)
class Part:
    """One heading of an article, with the text below it; the text above the first one has no anchor."""

    anchor: str
    title: str
    text: str


ARTICLES = {
    each.key: each
    for each in (
        Article("getting-started", _("Getting started"), _("From two connections to the first order in King.")),
        Article("connect-outsmart", _("Connect OutSmart"), _("The address, the token and the licence.")),
        Article("connect-king", _("Connect King"), _("King Webservices, the access code and XML export files.")),
        Article("work-orders", _("Work orders and their states"), _("What each state means and who has to act.")),
        Article("users", _("Users and roles"), _("Who may do what, and how to invite and remove users.")),
        Article("other-programs", _("Other programs"), _("API tokens, webhooks, and messages in Slack or Teams.")),
        Article(
            "logging-in", _("Logging in safely"), _("Two-step verification, passkeys, backup codes and passwords.")
        ),
    )
}


def body(article: Article) -> SafeString:
    """Return the article as HTML, in the active language."""
    return _body(article.key, _language())


def parts(article: Article) -> list[Part]:
    """Return the parts of an article in the active language, for the search and its table of contents."""
    start, *rest = _HEADING.split(body(article))
    found = [Part("", str(article.title), plain(start))]
    for anchor, title, text in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        found.append(Part(anchor, plain(title), plain(text)))
    return found


def plain(markup: str) -> str:
    """Return the words of a piece of HTML."""
    blocks = re.sub(r"</?(?:b|i|a|code)\b[^>]*>", "", markup)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", blocks)).split())


def _language() -> str:
    active = (translation.get_language() or "").partition("-")[0]
    return active if active in LANGUAGES else LANGUAGES[0]


@functools.cache
def _body(key: str, language: str) -> SafeString:
    with translation.override(language):
        return render_to_string(f"help/{language}/{key}.html")
