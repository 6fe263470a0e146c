"""The test e-mail of the settings page says what the mail server said; the addresses begin with the owner's."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.web.settings import check_mail_page
from tests.web.conftest import People
from tests.web.pages import html
from tests.web.settings.settings_entries import ADDRESS, entries, stored

TEST = f"{ADDRESS}test-mail/"
ONE = {"notification_emails": "a@jansen.example"}
TWO = {"notification_emails": "a@jansen.example\r\nb@jansen.example"}


def answers(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], int]) -> None:
    """Let the mail server answer each e-mail with this."""

    def send(self: EmailMultiAlternatives, **_: Any) -> int:
        return answer(self.to[0])

    monkeypatch.setattr(EmailMultiAlternatives, "send", send)


def test_each_address_gets_a_mail_of_its_own_in_the_companys_language(
    editor: Client, tenant: Tenant, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    Tenant.objects.update(language="nl")

    page = html(editor.post(TEST, TWO))

    assert [mail.to for mail in mailoutbox] == [["a@jansen.example"], ["b@jansen.example"]]
    assert "proefbericht" in mailoutbox[0].subject
    assert "/t/jansen/settings/" in mailoutbox[0].body
    assert page.count("The mail server accepted the e-mail.") == 2
    assert stored(tenant).notification_emails == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            smtplib.SMTPRecipientsRefused({"a@jansen.example": (550, b"<b>No such user")}),
            "The mail server refused this address.<details><summary>Response of the mail server</summary>"
            '<p class="as-written">550 &lt;b&gt;No such user',
        ),
        (smtplib.SMTPAuthenticationError(535, b"no"), "The mail server refused kingsync&#x27;s login."),
        (smtplib.SMTPSenderRefused(553, b"Not you", "x"), "The mail server did not accept the e-mail."),
        (TimeoutError(), "The mail server has not answered yet. The e-mail may still arrive."),
        (ConnectionRefusedError(111, "secret-host"), "The mail server could not be reached."),
    ],
)
def test_mail_that_is_not_accepted_says_why(
    editor: Client, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    def refuse(_address: str) -> int:
        raise error

    answers(monkeypatch, refuse)

    page = html(editor.post(TEST, ONE))

    assert words in page
    assert "accepted the e-mail." not in page
    assert "secret-host" not in page


def test_one_refused_address_keeps_no_other_from_its_mail(editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_one(address: str) -> int:
        if address == "a@jansen.example":
            raise smtplib.SMTPRecipientsRefused({address: (550, b"No")})
        return 1

    answers(monkeypatch, refuse_one)

    page = html(editor.post(TEST, TWO))

    assert "refused this address" in page
    assert "accepted the e-mail" in page


def test_server_that_is_away_is_tried_once(editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def fail(address: str) -> int:
        tried.append(address)
        raise ConnectionRefusedError

    answers(monkeypatch, fail)

    page = html(editor.post(TEST, TWO))

    assert tried == ["a@jansen.example"]
    assert "b@jansen.example</span> Not tried." in page


def test_installation_without_a_mail_server_does_not_claim_that_one_accepted(editor: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

    page = html(editor.post(TEST, ONE))

    assert "This installation has no mail server" in page
    assert "accepted" not in page


@pytest.mark.parametrize(
    ("typed", "words"),
    [("", "Enter an e-mail address first."), ("nobody", "nobody: Enter a valid email address.")],
)
def test_nothing_is_sent_to_what_is_no_address(
    editor: Client, mailoutbox: list[EmailMultiAlternatives], typed: str, words: str
) -> None:
    assert words in html(editor.post(TEST, {"notification_emails": typed}))
    assert mailoutbox == []


def test_tests_are_limited_for_the_whole_company(editor: Client, mailoutbox: list[EmailMultiAlternatives]) -> None:
    for _ in range(check_mail_page.TESTS_AN_HOUR):
        editor.post(TEST, ONE)

    page = html(editor.post(TEST, ONE))

    assert "Too many e-mails were requested." in page
    assert len(mailoutbox) == check_mail_page.TESTS_AN_HOUR


def test_new_company_finds_its_owners_address_filled_in(editor: Client, tenant: Tenant, people: People) -> None:
    SettingsVersion.across_tenants.all().delete()
    SyncSettings.across_tenants.all().delete()

    sent = entries(editor)
    editor.post(ADDRESS, sent)

    assert sent["notification_emails"] == people.owner.email
    assert stored(tenant).notification_emails == [people.owner.email]


def test_company_whose_mails_nobody_gets_is_told_so(editor: Client, tenant: Tenant, people: People) -> None:
    page = html(editor.get(ADDRESS))
    SyncSettings.across_tenants.update(notification_mode="off")

    assert "Nobody receives these e-mails: no address is saved." in page
    assert f'data-addresses="{people.owner.email}" hidden' in page
    assert "Nobody receives these e-mails" not in html(editor.get(ADDRESS))
