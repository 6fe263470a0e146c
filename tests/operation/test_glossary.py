"""The pages use the terms of docs/glossary.md, in both languages."""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

CHECKOUT = Path(__file__).parents[2]
GLOSSARY = CHECKOUT / "docs" / "glossary.md"
ARTICLES = CHECKOUT / "templates" / "help"
TRANSLATIONS = CHECKOUT / "kingsync" / "locale" / "nl" / "LC_MESSAGES" / "django.po"
# Riddles and tics that no text of the pages may contain.
TICS = (
    "somebody", "everybody", "whoever", "going on", "anew", "by itself", "stands", "thrown away", "is none of",
    "mail address", "not through us",
)  # fmt: skip
DUTCH_TICS = ("hoogstens", "die krijgt", "zo vaak", "zo nog eens", "niet meer is", "neemt aan", "kijk in uw mail")


@dataclass(frozen=True)
class Entry:
    """One row of the glossary."""

    term: str
    english: str
    dutch: str
    not_english: tuple[str, ...]
    not_dutch: tuple[str, ...]


def entries() -> list[Entry]:
    rows = [line.strip("| \n").split(" | ") for line in _rows()]
    return [Entry(row[0], row[3], row[4], _as_labels(row, 5), _as_labels(row, 6)) for row in rows]


def _rows() -> Iterator[str]:
    """Yield the rows of the table; an empty last cell is kept."""
    for line in GLOSSARY.read_text().splitlines():
        if line.startswith("| ") and not line.startswith(("| Term", "| ---")):
            yield re.sub(r"\|\s+\|", "| - |", re.sub(r"\|\s+\|", "| - |", line))


def _as_labels(row: list[str], place: int) -> tuple[str, ...]:
    cell = row[place] if len(row) > place else "-"
    return tuple(word for word in cell.split(", ") if word != "-")


def messages() -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield (English, Dutch) of every text of the pages, both with their plural if there is one."""
    with TRANSLATIONS.open("rb") as file:
        for message in read_po(file, locale="nl"):
            if message.id:
                yield _forms(message.id), _forms(message.string)


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def _shown(text: tuple[str, ...]) -> str:
    """Return a text as users read it, without the names of its placeholders."""
    return re.sub(r"%\(\w+\)s", "…", " ".join(text))


MESSAGES = list(messages())
TEXTS = [(_shown(english), _shown(dutch)) for english, dutch in MESSAGES]
TEXTS += [(path.read_text(), (ARTICLES / "nl" / path.name).read_text()) for path in sorted(ARTICLES.glob("en/*.html"))]
ENTRIES = entries()


def having(word: str, texts: list[str]) -> list[str]:
    pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?!\w)", re.IGNORECASE)
    return [text for text in texts if pattern.search(text)]


def test_the_glossary_is_read_whole() -> None:
    assert {"company", "run", "safety limit", "two-step verification"} <= {entry.term for entry in ENTRIES}
    assert all(entry.english and entry.dutch for entry in ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.term)
def test_the_pages_use_the_words_of_the_glossary(entry: Entry) -> None:
    assert having(entry.english, [english for english, _dutch in TEXTS]), entry.english
    assert having(entry.dutch, [dutch for _english, dutch in TEXTS]), entry.dutch


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.term)
def test_the_pages_use_no_word_that_the_glossary_refuses(entry: Entry) -> None:
    found = [text for word in entry.not_english for text in having(word, [english for english, _dutch in TEXTS])]
    found += [text for word in entry.not_dutch for text in having(word, [dutch for _english, dutch in TEXTS])]

    assert found == []


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.term)
def test_a_label_has_one_translation(entry: Entry) -> None:
    """A text that is just the term must have the glossary's Dutch."""
    dutch = {nl.lower() for en, nl in TEXTS if en.lower() == entry.english.lower()}

    assert dutch <= {entry.dutch.lower(), *(_verbs(entry))}


def _verbs(entry: Entry) -> tuple[str, ...]:
    """Return verbs that a button may use instead of the noun."""
    return {"import": ("importeren",), "link": ("koppelen aan een king-order",)}.get(entry.term, ())


@pytest.mark.parametrize("tic", TICS)
def test_no_english_text_has_a_tic(tic: str) -> None:
    assert having(tic, [english for english, _dutch in TEXTS]) == []


@pytest.mark.parametrize("tic", DUTCH_TICS)
def test_no_dutch_text_has_a_tic(tic: str) -> None:
    assert having(tic, [dutch for _english, dutch in TEXTS]) == []


def parsed(path: Path) -> ast.Module:
    """Return the tree of a file.

    Python 3.11 gives up with "recursion depth mismatch" when collected garbage runs code in the middle of it, and
    browser tests leave such garbage.
    """
    gc.disable()
    try:
        return ast.parse(path.read_text())
    finally:
        gc.enable()


def test_every_text_of_the_code_is_in_the_translations() -> None:
    """The tool that collects texts does not look into f-strings."""
    known = {text for english, _dutch in MESSAGES for text in english}
    functions = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}
    found = {
        call.args[0].value
        for path in (CHECKOUT / "kingsync").rglob("*.py")
        for call in ast.walk(parsed(path))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in functions
        if call.args and isinstance(call.args[0], ast.Constant)
    }

    assert found - known == set()
