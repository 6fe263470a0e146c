"""No English on a Dutch page, no Dutch on an English one: texts, templates, models, every page and the admin."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.password_validation import get_default_password_validators
from django.core.exceptions import ValidationError
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise

from kingsync.runs import background_calls
from tests.fuzz import forms, scene

CHECKOUT = Path(__file__).parents[2]
TRANSLATIONS = CHECKOUT / "kingsync" / "locale" / "nl" / "LC_MESSAGES" / "django.po"
# Words that every text of a language has sooner or later, and that are none of the other's.
ENGLISH_WORDS = """
    the and with your you not have has been will from this that these for by which when it its
    add save search change changed select delete remove view show yes none password user users
    work settings permission required choose enter value values field page found click history action
"""
DUTCH_WORDS = """
    de het een niet wordt worden voor met zijn naar ook deze geen uw bij aan kan zou moet u dan nog
    maar wel uit om er opslaan zoeken wijzigen verwijderen bekijken ja nee wachtwoord gebruiker naam datum
    werkbon werkbonnen instellingen kies vul waarde waarden veld pagina gevonden
"""
ENGLISH, DUTCH = frozenset(ENGLISH_WORDS.split()), frozenset(DUTCH_WORDS.split())
# Names, and words of OutSmart and King that are the same in both languages.
NAMES = (
    "Stamgegevens webservices", "1 - Naar King", "- Naar King", "op rekening", "License Manager", "King Webservices",
    "Jansen Installatie B.V.", "De Boer", "Werkbon {order_number}", "Nederlands", "English", "Diversen",
    "Toegangscode", "Compleet", "Afgehandeld",
)  # fmt: skip

# Texts that are rightly the same: names, and words that Dutch has from English.
SAME = frozenset(
    {
        "%(count)s in King", "%(count)s open", "%(minutes)s min", "%(seconds)s s", "Browser", "Code", "Exports",
        "Filters", "Help", "Imports", "In King", "In OutSmart", "King → OutSmart", "Open",
        "Order in King", "Orders", "OutSmart → King", "Passkey",
        "Project", "Query", "Start", "Status", "Tags", "Token", "browser", "code", "detail", "document", "export",
        "import",
        "in King", "in King: %(amount)s", "in OutSmart", "object %(code)s", "open", "order", "orders", "passkey",
        "passkeys", "product", "Webhooks", "scopes", "webhook", "webhooks", "%(kind)s %(number)s: %(state)s.",
    }
)  # fmt: skip
# Words of templates that are names in every language.
UNTRANSLATED = frozenset(
    {"kingsync", "King", "OutSmart", "HTTP", "CSV", "Ctrl", "Esc", "Excel", "EN", "NL", "English", "Nederlands"}
)


def foreign(shown: str, language: str) -> list[str]:
    """Return the words of the other language in a text, each with what is around it."""
    words = ENGLISH if language == "nl" else DUTCH
    for name in NAMES:
        shown = shown.replace(name, " ")
    found = re.finditer(r"(?<![\w/{=.%-])[A-Za-z]+(?![\w/}=%_-])", shown)
    return [shown[max(0, each.start() - 40) : each.end() + 40] for each in found if each[0].lower() in words]


class _Shown(HTMLParser):
    """Collects what a page shows or reads out, without scripts, codes and what says that it is in another language."""

    SILENT = frozenset({"script", "style", "code", "pre", "template", "textarea"})
    ICONS = "material-symbols"  # which are drawn for a word, in the admin
    SPOKEN = frozenset({"title", "aria-label", "placeholder", "alt", "data-confirm", "data-label", "data-text"})

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._skipped = ""
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipped:
            self._depth += tag == self._skipped
            return
        given = {name: value or "" for name, value in attrs}
        is_elsewhere = "lang" in given and tag != "html"
        if tag in self.SILENT or is_elsewhere or self.ICONS in given.get("class", ""):
            self._skipped, self._depth = tag, 1
            return
        self.texts += [value for name, value in attrs if name in self.SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        if tag == self._skipped:
            self._depth -= 1
            self._skipped = self._skipped if self._depth else ""

    def handle_data(self, data: str) -> None:
        if not self._skipped and data.strip():
            self.texts.append(" ".join(data.split()))


def text_of(page: str) -> str:
    parser = _Shown()
    parser.feed(page)
    return " | ".join(parser.texts)


# --- Texts ------------------------------------------------------------------------------------------------------------


def messages() -> Iterator[tuple[str, str]]:
    with TRANSLATIONS.open("rb") as file:
        for message in read_po(file, locale="nl"):
            if message.id:
                english, dutch = (
                    [each] if isinstance(each, str) else each or [""] for each in (message.id, message.string)
                )
                yield " ".join(english), " ".join(dutch)


def without_placeholders(text: str) -> str:
    return re.sub(r"%\(\w+\)[sd]|{\w+}", " ", text)


def test_no_dutch_text_has_english_and_no_english_one_dutch() -> None:
    found = []
    for english, dutch in messages():
        found += foreign(without_placeholders(english), "en") + foreign(without_placeholders(dutch), "nl")

    assert found == []


def test_texts_that_are_the_same_in_both_languages_are_known() -> None:
    same = {english for english, dutch in messages() if english == dutch and re.search(r"[a-z]{3}", english)}

    assert same - SAME == set()


# --- Templates: mails and states that no test page shows included ----------------------------------------------------


def _templates() -> list[Path]:
    folder = CHECKOUT / "templates"
    articles = {*folder.glob("help/en/*"), *folder.glob("help/nl/*")}
    return [path for path in sorted(folder.rglob("*.*")) if path not in articles]


@pytest.mark.parametrize("path", _templates(), ids=lambda path: str(path.relative_to(CHECKOUT / "templates")))
def test_template_has_no_text_that_is_not_translated(path: Path) -> None:
    text = re.sub(r"{% (comment|blocktranslate)\b.*?{% end\1 %}", " ", path.read_text(), flags=re.DOTALL)
    text = re.sub(r"<(script|style)\b.*?</\1>|{#.*?#}|{%.*?%}|{{.*?}}", " ", text, flags=re.DOTALL)
    spoken = re.findall(r'\b(?:title|aria-label|placeholder|alt)="([^"]*)"', text)
    shown = html.unescape(" ".join([re.sub(r"<[^>]*>", " ", text), *spoken]))

    assert set(re.findall(r"[A-Za-z]{2,}", shown)) - UNTRANSLATED == set()


# --- Models, as the admin shows them ----------------------------------------------------------------------------------


def _names_of_models() -> Iterator[str]:
    for model in apps.get_app_config("kingsync").get_models():
        yield str(model._meta.verbose_name)
        yield str(model._meta.verbose_name_plural)
        for field in model._meta.get_fields():
            if isinstance(field, models.Field):
                # One without a name of its own is on no page; the pages of the admin are read below.
                yield str(field.verbose_name) if isinstance(field.verbose_name, Promise) else ""
                yield from (str(label) for _value, label in field.flatchoices)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_names_of_models_fields_and_choices_are_in_the_language_of_the_reader(language: str) -> None:
    with translation.override(language):
        assert [each for name in _names_of_models() for each in foreign(name, language)] == []


@pytest.mark.parametrize("language", ["nl", "en"])
def test_password_rules_are_in_the_language_of_the_reader(language: str) -> None:
    with translation.override(language):
        rules = [str(each.get_help_text()) for each in get_default_password_validators()]
        for each in get_default_password_validators():
            for password in ("king", "password", "jansen"):
                try:
                    each.validate(password)
                except ValidationError as error:
                    rules += error.messages

        assert [found for rule in rules for found in foreign(rule, language)] == []


# --- Pages ------------------------------------------------------------------------------------------------------------


def _admin_pages() -> Iterator[str]:
    yield reverse("admin:index")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        row = model._base_manager.order_by("pk").first()
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_page_is_in_one_language(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_calls, "pool", scene.Nobody())
    tenant = scene.filled()
    browsers = scene.browsers(tenant)
    addresses = forms.pages(scene.known(tenant))
    tours = {"visitor": [each for each in addresses if "/t/" not in each], "owner": addresses}

    found = [
        f"{who} {address}: {problem}"
        for who, visited in tours.items()
        for address in visited
        for problem in _foreign_on(browsers[who], address, language)
    ]

    assert found == []


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_page_of_the_admin_is_in_one_language(language: str) -> None:
    browser = scene.browsers(scene.filled())["operator"]

    found = [
        f"{address}: {problem}" for address in _admin_pages() for problem in _foreign_on(browser, address, language)
    ]

    assert found == []


def _foreign_on(browser: Client, address: str, language: str) -> list[str]:
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    answer = browser.get(address)
    if "html" not in answer.headers.get("Content-Type", ""):
        return []
    return foreign(text_of(answer.content.decode()), language)
