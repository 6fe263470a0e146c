"""Rules for all pages: login, language, errors, health, the content security policy."""

from __future__ import annotations

import re

import pytest
from django.db import OperationalError
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django import Settings

from kingsync import __version__
from kingsync.models.heartbeats import Heartbeat
from kingsync.models.tenants import Tenant
from kingsync.runs import heartbeats
from kingsync.web.operators import health
from tests import factories
from tests.web.conftest import People

PAGES = ["/t/jansen/", "/t/jansen/settings/", "/t/jansen/runs/", "/t/jansen/log/", "/t/jansen/work-orders/", "/login/"]


def test_login_leads_to_the_page_that_was_asked_for(client: Client, tenant: Tenant, people: People) -> None:
    login_page = client.get("/t/jansen/runs/").headers["Location"]

    answer = client.post(login_page, {"username": factories.address("bob"), "password": factories.PASSWORD})

    assert answer.headers["Location"] == "/t/jansen/runs/"


def test_login_does_not_lead_to_another_site(client: Client, people: People) -> None:
    answer = client.post(
        "/login/?next=https://evil.example/", {"username": factories.address("bob"), "password": factories.PASSWORD}
    )

    assert answer.headers["Location"] == "/"


def test_wrong_password_is_refused_with_a_sentence(english: Client, people: People) -> None:
    page = english.post("/login/", {"username": factories.address("bob"), "password": "guess"}).content.decode()

    assert "The e-mail address or the password is wrong." in page


def test_log_out_ends_the_session(editor: Client) -> None:
    editor.post("/logout/")

    assert editor.get("/t/jansen/").status_code == 302


def test_pages_are_dutch_unless_asked_otherwise(client: Client, db: None) -> None:
    page = client.get("/login/").content.decode()

    assert '<html lang="nl">' in page
    assert "Wachtwoord" in page


def test_chosen_language_is_kept_and_leads_back(client: Client, tenant: Tenant, people: People) -> None:
    client.force_login(people.viewer)

    answer = client.post("/language/", {"language": "en", "next": "/t/jansen/runs/"}, follow=True)

    assert answer.redirect_chain == [("/t/jansen/runs/", 302)]
    assert '<html lang="en">' in client.get("/t/jansen/").content.decode()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_page_opens_in_both_languages(client: Client, people: People, page: str, language: str) -> None:
    client.cookies["django_language"] = language
    if page != "/login/":
        client.force_login(people.editor)

    answer = client.get(page)

    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_page_needs_nothing_inline_and_nothing_from_other_hosts(client: Client, people: People, page: str) -> None:
    if page != "/login/":
        client.force_login(people.editor)

    answer = client.get(page)

    html = answer.content.decode()
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", html) == []
    assert re.findall(r'(?:src|<link[^>]*href)="(?!/static/)[^"]*"', html) == []


def test_unknown_page_is_a_plain_404(english: Client, db: None) -> None:
    answer = english.get("/nothing/here/")

    assert answer.status_code == 404
    assert "Page not found" in answer.content.decode()


def test_fault_of_ours_shows_a_plain_page_without_details(editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("tok-7f3a-outsmart")

    monkeypatch.setattr("kingsync.web.start.dashboard.dashboard", broken)
    editor.raise_request_exception = False

    answer = editor.get("/t/jansen/")

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
    assert "ZeroDivisionError" not in answer.content.decode()
    assert "tok-7f3a" not in answer.content.decode()


@pytest.mark.parametrize("dsn", ["", "https://key@sentry.example/1"])
def test_the_page_of_a_fault_says_that_we_are_told_where_we_are(
    editor: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings, dsn: str
) -> None:
    settings.SENTRY_DSN = dsn
    monkeypatch.setattr("kingsync.web.start.dashboard.dashboard", lambda: 1 / 0)
    editor.raise_request_exception = False

    page = editor.get("/t/jansen/").content.decode()

    assert ("We have been notified." in page) == bool(dsn)
    assert "Nothing was lost; try again in a moment." in page


def test_forbidden_action_shows_a_plain_page(viewer: Client) -> None:
    answer = viewer.post("/t/jansen/start/export/")

    assert "Your role lets you view this, but not change it." in answer.content.decode()


def test_forged_form_shows_a_plain_page(db: None) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})

    answer = strict.post("/login/", {})

    assert answer.status_code == 403
    assert "This page has expired" in answer.content.decode()


def test_unknown_host_shows_a_plain_page(english: Client, db: None) -> None:
    answer = english.get("/login/", headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert "This request could not be read" in answer.content.decode()


ALIVE = dict.fromkeys((part.value for part in Heartbeat.PROCESSES), "ok")


IS_OK = {"status": "ok", "version": __version__}
IS_NOT_OK = {"status": "error", "version": __version__}


@pytest.fixture
def alive(db: None) -> None:
    """Let clock and workers have given a sign of life just now."""
    Heartbeat.objects.all().delete()
    Heartbeat.objects.bulk_create(Heartbeat(part=part, at=timezone.now()) for part in Heartbeat.Part)


def test_health_tells_that_all_is_well(client: Client, alive: None) -> None:
    answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {**IS_OK, "database": "ok", "broker": "ok", **ALIVE}


def test_health_names_the_part_that_is_down_and_no_more(client: Client, alive: None) -> None:
    with override_settings(REDIS_URL="redis://:secret@127.0.0.1:1/0"):
        answer = client.get("/health")

    assert answer.status_code == 503
    assert answer.json() == {**IS_NOT_OK, "database": "ok", "broker": "unreachable", **ALIVE}


@pytest.mark.parametrize("part", Heartbeat.PROCESSES)
@pytest.mark.parametrize("is_new", [True, False])
def test_health_sees_a_frozen_part_while_pages_need_none(client: Client, alive: None, part: str, is_new: bool) -> None:
    ours = Heartbeat.objects.filter(part=part)
    _ = ours.delete() if is_new else ours.update(at=timezone.now() - heartbeats.SILENT)

    answer, of_pages = client.get("/health"), client.get("/health", {"part": "web"})

    assert (answer.status_code, answer.json()[part]) == (503, "silent")
    assert of_pages.json() == {**IS_OK, "database": "ok", "broker": "ok"}


class NoDatabase:
    """Replaces the database connection, and never answers."""

    def cursor(self) -> None:
        raise OperationalError("connection refused")


def test_health_notices_a_database_that_is_gone(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "connection", NoDatabase())

    answer = client.get("/health")

    assert answer.status_code == 503
    assert answer.json() == {**IS_NOT_OK, "database": "unreachable", "broker": "ok"}
