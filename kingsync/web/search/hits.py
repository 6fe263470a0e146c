"""What the search finds, and how the texts of pages and settings are compared with what was typed."""

from __future__ import annotations

from dataclasses import dataclass, field

from kingsync.web.shared.folding import folded


@dataclass(frozen=True)
class Hit:
    """One thing that was found; `state` is a badge with its colour, `detail` says which one it is."""

    title: str
    address: str
    detail: str = ""
    state: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Group:
    """The first hits of one kind; `more` is the address of all of them, "" if there is no such page."""

    key: str
    title: str
    hits: list[Hit] = field(default_factory=list)
    more: str = ""


def words(text: str) -> list[str]:
    """Return the words of a text in small letters without accents."""
    return folded(text).split()


def has_all(text: str, wanted: list[str]) -> bool:
    """Return whether each wanted word is in the text."""
    folded = " ".join(words(text))
    return all(word in folded for word in wanted)
