"""The committed translations are complete, and match their sources."""

from __future__ import annotations

import gettext
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

WHOLE = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

msgid "Run"
msgstr "Verwerking"

msgctxt "verb"
msgid "Run"
msgstr "Start"

#, python-format
msgid "%(n)s order"
msgid_plural "%(n)s orders"
msgstr[0] "%(n)s order"
msgstr[1] "%(n)s orders"
"""


@pytest.fixture
def source(tmp_path: Path, settings: Settings) -> Path:
    settings.LOCALE_PATHS = [tmp_path]
    path = tmp_path / "nl" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    return path


def _compile() -> None:
    call_command("compile_texts", stdout=io.StringIO())


def test_compiled_texts_are_read_with_context_and_plural(source: Path) -> None:
    source.write_text(WHOLE)

    _compile()

    with source.with_suffix(".mo").open("rb") as file:
        texts = gettext.GNUTranslations(file)
    assert texts.gettext("Run") == "Verwerking"
    assert texts.pgettext("verb", "Run") == "Start"
    assert texts.ngettext("%(n)s order", "%(n)s orders", 2) == "%(n)s orders"


def test_the_check_accepts_what_was_just_compiled(source: Path) -> None:
    source.write_text(WHOLE)
    _compile()
    before = source.with_suffix(".mo").read_bytes()

    call_command("compile_texts", check=True)

    assert source.with_suffix(".mo").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("Verwerking", "Sessie"), "nl/django.po: the compiled file is out of date. Run: make texts"),
        (('msgstr "Verwerking"', 'msgstr ""'), "nl/django.po: not translated: Run"),
        (('msgstr[1] "%(n)s orders"', 'msgstr[1] ""'), "nl/django.po: not translated: %(n)s order"),
        (('msgid "Run"\nmsgstr "V', '#, fuzzy\nmsgid "Run"\nmsgstr "V'), "nl/django.po: fuzzy: Run"),
        (('msgstr[1] "%(n)s', 'msgstr[1] "%(m)s'), ": %(n)s order"),
    ],
)
def test_the_check_names_what_is_wrong(source: Path, change: tuple[str, str], complaint: str) -> None:
    source.write_text(WHOLE)
    _compile()
    source.write_text(WHOLE.replace(*change))

    with pytest.raises(CommandError) as refused:
        call_command("compile_texts", check=True)

    assert complaint in str(refused.value)


def test_a_missing_compiled_file_is_out_of_date(source: Path) -> None:
    source.write_text(WHOLE)

    with pytest.raises(CommandError, match="out of date"):
        call_command("compile_texts", check=True)


def test_fuzzy_entries_are_left_out(source: Path) -> None:
    source.write_text(WHOLE.replace('msgid "Run"\nmsgstr "V', '#, fuzzy\nmsgid "Run"\nmsgstr "V'))

    _compile()

    with source.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Run") == "Run"
