"""Logging in by e-mail address, wrong passwords, password resets, and one's own account."""

from __future__ import annotations

import datetime
import re

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from kingsync.models.accounts.login_tries import LoginTry
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.web.accounts import throttle, tries
from tests import factories
from tests.web import pages
from tests.web.conftest import People

EMAIL, OTHER = "bob@jansen.example", "robert@jansen.example"
NEW = "paard batterij nietje"


@pytest.fixture
def bob(people: People) -> User:
    return people.viewer


@pytest.fixture
def browser() -> Client:
    return Client(headers={"Accept-Language": "en"})


def log_in(browser: Client, name: str, password: str = factories.PASSWORD, **extra: str) -> int:
    email = name if "@" in name else factories.address(name)
    return browser.post("/login/", {"username": email, "password": password}, **extra).status_code  # type: ignore[arg-type]


# --- Logging in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", [EMAIL, "BOB@Jansen.Example", f" {EMAIL} "])
def test_mail_address_logs_in_in_any_case_of_letters(browser: Client, bob: User, email: str) -> None:
    assert log_in(browser, email) == 302


def test_name_does_not_log_in(browser: Client, bob: User) -> None:
    answer = browser.post("/login/", {"username": "bob", "password": factories.PASSWORD})

    assert "Enter a valid email address." in pages.text(answer)


def test_name_that_is_somebodys_mail_address_is_not_that_account(browser: Client, bob: User) -> None:
    factories.user(name=EMAIL, email=OTHER)

    log_in(browser, EMAIL)

    assert browser.session["_auth_user_id"] == str(bob.pk)


def test_closed_account_does_not_log_in(browser: Client, bob: User) -> None:
    User.objects.update(is_active=False)

    assert log_in(browser, EMAIL) == 200


def test_after_ten_wrong_passwords_the_right_one_waits(browser: Client, bob: User) -> None:
    for _number in range(10):
        log_in(browser, "bob", "guess")

    answer = browser.post("/login/", {"username": factories.address("bob"), "password": factories.PASSWORD})

    assert "Too many wrong passwords." in pages.text(answer)


def test_ninth_wrong_password_is_forgiven_by_the_right_one(browser: Client, bob: User) -> None:
    for _number in range(9):
        log_in(browser, "bob", "guess")

    assert log_in(browser, "bob") == 302


def test_one_address_in_other_letters_is_counted_together(bob: User) -> None:
    for name in [EMAIL, EMAIL.upper()] * 5:
        log_in(Client(REMOTE_ADDR="192.0.2.1"), name, "guess")

    assert log_in(Client(REMOTE_ADDR="192.0.2.1"), "bob") == 200


def test_waiting_a_quarter_of_an_hour_helps_also_when_somebody_keeps_trying(browser: Client, bob: User) -> None:
    for _number in range(15):
        log_in(browser, "bob", "guess")
    LoginTry.objects.update(at=timezone.now() - datetime.timedelta(minutes=16))

    assert log_in(browser, "bob") == 302


def test_tries_are_forgotten_after_a_day(browser: Client, bob: User) -> None:
    log_in(browser, "bob", "guess")
    LoginTry.objects.update(at=timezone.now() - datetime.timedelta(hours=25))

    log_in(browser, "bob")

    assert not LoginTry.objects.exists()


def test_place_behind_a_proxy_is_what_the_proxy_says_last(bob: User, settings: Settings) -> None:
    settings.IS_DEVELOPMENT = False
    for number in range(10):
        log_in(Client(), "bob", "guess", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}, 192.0.2.1")

    same = log_in(Client(), "bob", HTTP_X_FORWARDED_FOR="203.0.113.99, 192.0.2.1:5123")
    other = log_in(Client(), "bob", HTTP_X_FORWARDED_FOR="192.0.2.2")

    assert (same, other) == (200, 302)


def test_proxy_that_names_nobody_locks_out_nobody_else(bob: User, settings: Settings) -> None:
    settings.IS_DEVELOPMENT = False
    for number in range(120):
        throttle.record_try(
            *tries.of_password(Client().get("/login/").wsgi_request, factories.address(f"user{number}"))
        )

    assert log_in(Client(), "bob") == 302


def test_names_that_were_tried_are_not_stored_as_they_are(browser: Client, bob: User) -> None:
    log_in(browser, "bob", "guess")

    assert all(len(row.key) == 64 for row in LoginTry.objects.all())


# --- New password ---------------------------------------------------------------------------------------------------


def link_of_mail(kind: str) -> str:
    [found] = re.findall(rf"http://127\.0\.0\.1:8000(/{kind}/\S+)", str(mail.outbox[-1].body))
    return str(found)


def ask(browser: Client, email: str = EMAIL) -> str:
    return pages.text(browser.post("/login/password/", {"email": email}, follow=True))


def test_link_of_the_mail_leads_to_a_new_password(browser: Client, bob: User) -> None:
    told = ask(browser, EMAIL.upper())
    form = browser.get(link_of_mail("login/password"), follow=True).redirect_chain[-1][0]

    answer = browser.post(form, {"new_password1": NEW, "new_password2": NEW}, follow=True)

    assert "Check your e-mail" in told
    assert "Your password has been changed." in pages.text(answer)
    assert (log_in(browser, "bob"), log_in(browser, "bob", NEW)) == (200, 302)


def test_nobody_learns_whether_there_is_an_account(browser: Client, bob: User) -> None:
    known, unknown = ask(browser), ask(browser, "nobody@jansen.example")

    assert known == unknown
    assert [each.to for each in mail.outbox] == [[EMAIL]]


def test_link_works_once(browser: Client, bob: User) -> None:
    ask(browser)
    link = link_of_mail("login/password")
    form = browser.get(link, follow=True).redirect_chain[-1][0]
    browser.post(form, {"new_password1": NEW, "new_password2": NEW})

    answer = Client(headers={"Accept-Language": "en"}).get(link)

    assert "This link no longer works" in pages.text(answer)


def test_link_works_for_a_day(browser: Client, bob: User, settings: Settings) -> None:
    ask(browser)
    settings.PASSWORD_RESET_TIMEOUT = -1

    assert "This link no longer works" in pages.text(browser.get(link_of_mail("login/password")))


def test_weak_password_is_refused(browser: Client, bob: User) -> None:
    ask(browser)
    form = browser.get(link_of_mail("login/password"), follow=True).redirect_chain[-1][0]

    answer = browser.post(form, {"new_password1": "kort", "new_password2": "kort"})

    assert "too short" in pages.text(answer)


def test_new_password_ends_the_wait_after_wrong_ones(browser: Client, bob: User) -> None:
    for _number in range(10):
        log_in(Client(REMOTE_ADDR="192.0.2.9"), "bob", "guess")
    ask(browser)
    form = browser.get(link_of_mail("login/password"), follow=True).redirect_chain[-1][0]
    browser.post(form, {"new_password1": NEW, "new_password2": NEW})

    assert log_in(browser, "bob", NEW) == 302


def test_mails_to_one_address_are_limited(browser: Client, bob: User) -> None:
    for _number in range(8):
        ask(browser)

    assert len(mail.outbox) == 5


@pytest.mark.parametrize("language", ["nl", "en"])
def test_mail_speaks_the_language_of_who_asks(bob: User, language: str) -> None:
    browser = Client()
    browser.cookies["django_language"] = language

    browser.post("/login/password/", {"email": EMAIL})

    assert "/login/password/" in str(mail.outbox[0].body)
    sent = mail.outbox[0]
    assert isinstance(sent, mail.EmailMultiAlternatives)
    assert f'<html lang="{language}">' in str(sent.alternatives[0][0])


def test_mail_server_that_refuses_breaks_no_page(browser: Client, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> int:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)

    assert "Check your e-mail" in ask(browser)


def test_link_leads_to_our_site_whatever_the_host_header_says(bob: User, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    Client(headers={"Host": "evil.example"}).post("/login/password/", {"email": EMAIL})

    assert "evil.example" not in str(mail.outbox[0].body)


# --- One's own account ------------------------------------------------------------------------------------------------


def test_password_is_changed_with_the_old_one_and_the_browser_stays_inside(viewer: Client) -> None:
    old = factories.PASSWORD
    sent = {"old_password": old, "new_password1": NEW, "new_password2": NEW}

    answer = viewer.post("/account/password/", sent, follow=True)

    assert "Your password has been changed." in pages.text(answer)
    assert log_in(Client(), "bob", NEW) == 302


def test_name_is_changed(viewer: Client, people: People) -> None:
    viewer.post("/account/", {"name": "Bob de Bouwer"})

    people.viewer.refresh_from_db()
    assert people.viewer.name == "Bob de Bouwer"


def change_email(browser: Client, email: str, password: str = factories.PASSWORD) -> str:
    sent = {"email-email": email, "email-password": password}
    return pages.text(browser.post("/account/email/", sent, follow=True))


def test_new_mail_address_counts_when_its_link_is_opened(viewer: Client, people: People) -> None:
    change_email(viewer, OTHER.upper())
    people.viewer.refresh_from_db()
    before = people.viewer.email

    link = link_of_mail("account/email")
    shown = pages.text(viewer.get(link))
    people.viewer.refresh_from_db()
    opened = people.viewer.email
    viewer.post(link)

    people.viewer.refresh_from_db()
    assert (before, opened, people.viewer.email) == (EMAIL, EMAIL, OTHER)
    assert OTHER in shown
    assert mail.outbox[0].to == [OTHER]
    assert (log_in(Client(), EMAIL), log_in(Client(), OTHER)) == (200, 302)


def test_link_of_a_mail_address_is_for_one_person_and_once(viewer: Client, people: People) -> None:
    change_email(viewer, OTHER)
    link = link_of_mail("account/email")
    other = Client()
    other.force_login(people.editor)

    foreign = other.post(link).status_code
    first, second = viewer.post(link).status_code, viewer.post(link).status_code

    assert (foreign, first, second) == (404, 302, 404)


def test_mail_address_of_another_account_is_refused(viewer: Client, people: People) -> None:
    assert "Another account has this e-mail address." in change_email(viewer, people.editor.email.upper())
    assert mail.outbox == []


def test_mail_address_that_was_given_away_meanwhile_is_refused(viewer: Client, people: People) -> None:
    change_email(viewer, OTHER)
    factories.user(email=OTHER)

    answer = viewer.post(link_of_mail("account/email"))

    people.viewer.refresh_from_db()
    assert (answer.status_code, people.viewer.email) == (404, EMAIL)


def test_mail_address_is_not_changed_without_the_password(viewer: Client) -> None:
    assert "The password is incorrect." in change_email(viewer, OTHER, "guess")
    assert mail.outbox == []


def test_account_page_names_the_companies_of_this_person_only(viewer: Client, tenant: Tenant) -> None:
    text = pages.text(viewer.get("/account/"))

    assert tenant.name in text
    assert "Tenant" not in text
