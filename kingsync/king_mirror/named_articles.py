"""The articles that settings name, compared with King's as last read."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext_noop

from integrations import errors
from integrations.king.client import Client
from integrations.king.limits import RECORD_NUMBER_LENGTH
from integrations.king.records import Kind
from kingsync.king_mirror import mirror
from kingsync.rules.mapping import Exports, Problem

# The settings that name an article, as columns and as keys of `exports` in the tenant file.
SETTINGS = ("free_line_article", "travel_article")
UNKNOWN = gettext_noop("King does not know article “%(value)s”.")
BLOCKED = gettext_noop("Article “%(value)s” is blocked for sale in King.")


def problems_of(wanted: Exports, *, stored: Exports) -> dict[str, Problem]:
    """Return setting → problem for each newly chosen article that King does not know, or has blocked for sale.

    Nothing is refused before all of King's articles were read once. A choice that is stored already stays: an article
    that was removed from King, or blocked, must not keep a user from saving something else.
    """
    chosen = {name: _article(wanted, name) for name in SETTINGS if _article(wanted, name) != _article(stored, name)}
    numbers = {number for number in chosen.values() if number}
    known = mirror.find(Kind.ARTICLE, numbers)
    is_whole = bool(numbers) and mirror.is_filled(Kind.ARTICLE)
    problems: dict[str, Problem] = {}
    for name, number in chosen.items():
        if number in known and known[number].is_blocked:
            problems[name] = Problem(BLOCKED, number)
        elif number and number not in known and is_whole:
            problems[name] = Problem(UNKNOWN, number)
    return problems


def unknown_in(settings: Exports) -> dict[str, Problem]:
    """Return the same for all articles that the settings name, newly chosen or not."""
    return problems_of(settings, stored=Exports())


def look_up(king: Client, numbers: Collection[str]) -> None:
    """Ask King for those of these articles that are unknown or blocked by what was read, and store what it has."""
    for number in sorted(_unusable({number for number in numbers if 0 < len(number) <= RECORD_NUMBER_LENGTH})):
        try:
            found = king.find_record(Kind.ARTICLE, number)
        except errors.PayloadError:
            continue  # King may have it: the mirror stays as it is
        if found is not None:
            mirror.store(Kind.ARTICLE, [found])


def _article(settings: Exports, name: str) -> str:
    return str(getattr(settings, name)).strip()


def _unusable(numbers: set[str]) -> set[str]:
    return numbers - {number for number, known in mirror.find(Kind.ARTICLE, numbers).items() if not known.is_blocked}
