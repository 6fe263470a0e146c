"""The help pages: whole, in both languages, and found from where a question comes up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from kingsync.messages.reason_texts import SENTENCES
from kingsync.web.accounts.member_forms import CompanyForm
from kingsync.web.help import articles, setting_entries
from kingsync.web.help.search import search
from kingsync.web.settings.settings_form import SettingsForm
from tests import factories

TEMPLATES = Path(__file__).parents[3] / "templates" / "help"
KEYS = list(articles.ARTICLES)
PAGES = ["/help/", "/help/settings/", "/help/messages/", *(f"/help/{key}/" for key in KEYS)]


@pytest.fixture
def reader(english: Client, db: None) -> Client:
    """Return the browser of a user without a company."""
    english.force_login(factories.user())
    return english


@pytest.fixture(params=articles.LANGUAGES)
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    with translation.override(request.param):
        yield request.param


@pytest.mark.parametrize("page", PAGES)
def test_everyone_who_is_logged_in_may_read(reader: Client, page: str) -> None:
    assert reader.get(page).status_code == 200


@pytest.mark.parametrize("page", ["/help/", "/help/messages/"])
def test_visitor_logs_in_first(client: Client, db: None, page: str) -> None:
    assert client.get(page).headers["Location"] == f"/login/?next={page}"


def test_unknown_article_does_not_exist(reader: Client) -> None:
    assert reader.get("/help/secrets/").status_code == 404


def test_every_message_is_on_its_page(reader: Client) -> None:
    page = reader.get("/help/messages/").content.decode()

    assert {f'id="{code}"' for code in SENTENCES} <= set(re.findall(r'id="[^"]+"', page))
    assert "%(" not in page


def test_every_setting_is_explained(language: str) -> None:
    fields = {*SettingsForm.base_fields, *CompanyForm.base_fields}
    named = {"company-name", "outsmart-token", "king-access_codes", "king-reader"}

    assert fields | named <= setting_entries.all_keys()
    assert all(entry.help or entry.facts for group in setting_entries.groups() for entry in group.entries)


def test_setting_has_its_limits_and_default(reader: Client) -> None:
    page = reader.get("/help/settings/").content.decode()

    assert "From 1 to 10080. Default: 15." in page
    assert "Default: round up to 15 minutes." in page
    assert "At most 500 characters." in page


@pytest.mark.parametrize("key", KEYS)
def test_article_has_the_same_headings_and_links_in_both_languages(key: str) -> None:
    english, dutch = ((TEMPLATES / language / f"{key}.html").read_text() for language in articles.LANGUAGES)

    for pattern in (r'<h2 id="([^"]+)"', r"{%[^%]+%}", r'href="([^"]+)"'):
        assert sorted(re.findall(pattern, english)) == sorted(re.findall(pattern, dutch))
    for tag in ("<li>", "<p>", "<tr>"):
        assert english.count(tag) == dutch.count(tag)


def test_there_is_no_article_that_nobody_can_open() -> None:
    for language in articles.LANGUAGES:
        assert {path.stem for path in (TEMPLATES / language).glob("*.html")} == set(KEYS)


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("[en][nl]/*.html")), ids=lambda path: f"{path.parent.name}")
def test_names_of_buttons_and_pages_are_those_of_the_pages(path: Path) -> None:
    """So that a button with a new name has it here too."""
    names = re.findall(r"<b>(.*?)</b>", path.read_text())

    assert all(name.startswith(("{% translate", "{{ role")) for name in names)


@pytest.mark.parametrize("key", KEYS)
def test_links_of_an_article_lead_to_something(reader: Client, key: str) -> None:
    page = reader.get(f"/help/{key}/").content.decode()

    for address in set(re.findall(r'href="(/help/[^"]*|#[^"]+)"', page)):
        target, _, anchor = address.partition("#")
        answer = reader.get(target or f"/help/{key}/")
        assert answer.status_code == 200
        assert not anchor or f'id="{anchor}"' in answer.content.decode()


def test_search_finds_articles_settings_and_messages() -> None:
    with translation.override("nl"):
        assert [hit.kind for hit in search("urenafronding")][:1] == ["Instelling"]
        assert "/help/logging-in/#passkey" in [hit.address for hit in search("vingerafdruk")]
        assert "/help/messages/#unknown_article" in [hit.address for hit in search("kent artikel")]


def test_search_ignores_case_and_accents() -> None:
    with translation.override("nl"):
        assert search("GEIMPORTEERD klant") == search("geïmporteerd klant") != []


def test_hits_in_titles_come_first() -> None:
    with translation.override("en"):
        hits = search("warehouse")

    has_it = ["warehouse" in hit.title.lower() for hit in hits]
    assert has_it == sorted(has_it, reverse=True)


@pytest.mark.parametrize("query", ["", "   ", "xyzzy", "\x00", "%s"])
def test_search_that_finds_nothing_finds_nothing(query: str) -> None:
    with translation.override("en"):
        assert search(query) == []


def test_search_works_with_and_without_scripts(reader: Client) -> None:
    whole = reader.get("/help/?q=safety limit").content.decode()
    part = reader.get("/help/?q=safety limit", headers={"HX-Request": "true"}).content.decode()

    assert "#brake_percent" in whole
    assert "<html" in whole
    assert "#brake_percent" in part
    assert "<html" not in part
    assert "Nothing found." in reader.get("/help/?q=xyzzy").content.decode()


def test_search_shows_what_was_typed_as_text(reader: Client) -> None:
    assert "<script>x" not in reader.get("/help/", {"q": "<script>x"}).content.decode()


def test_every_page_leads_to_the_help(reader: Client) -> None:
    assert f'href="{reverse("help")}"' in reader.get("/account/").content.decode()
