"""What changes how an account logs in asks for the password, unless it was entered within ten minutes."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core import mail
from django.test import Client

from kingsync.models.accounts.second_steps import Authenticator
from tests import factories
from tests.web import pages
from tests.web.conftest import People

PASSWORD = {"password": factories.PASSWORD}
CONFIRM, ENROL = "/account/confirm/", "/account/two-step/set-up/"


def test_setting_up_asks_for_the_password_and_then_goes_on(viewer: Client) -> None:
    asked = viewer.get(f"{ENROL}?next=/t/jansen/").headers["Location"]
    wrong = viewer.post(asked, {"password": "guess"})
    answer = viewer.post(asked, PASSWORD)

    assert asked == f"{CONFIRM}?next={ENROL}%3Fnext%3D/t/jansen/"
    assert wrong.status_code == 422
    assert answer.headers["Location"] == f"{ENROL}?next=/t/jansen/"
    assert viewer.get(answer.headers["Location"]).status_code == 200


def test_login_counts_as_entering_the_password_for_ten_minutes(people: People) -> None:
    with time_machine.travel(datetime.datetime(2026, 11, 2, 8, 0, tzinfo=datetime.UTC), tick=False) as clock:
        browser = Client()
        browser.post("/login/", {"username": factories.address("bob"), **PASSWORD})
        clock.shift(599)
        soon = browser.get(ENROL).status_code
        clock.shift(2)
        later = browser.get(ENROL).headers["Location"]

    assert soon == 200
    assert later.startswith(CONFIRM)


def test_a_key_waits_an_hour_for_its_code(viewer: Client) -> None:
    with time_machine.travel(datetime.datetime(2026, 11, 2, 8, 0, tzinfo=datetime.UTC), tick=False) as clock:
        viewer.post(CONFIRM, PASSWORD)
        viewer.get(ENROL)
        clock.shift(3590)
        within = viewer.post(ENROL, {"code": "123"}).status_code
        clock.shift(20)
        after = viewer.post(ENROL, {"code": "123"})

    assert within == 422
    assert after.headers["Location"] == ENROL


@pytest.mark.parametrize(
    ("address", "sent"),
    [("/account/email/", {"email-email": "bob@elders.example"}), ("/account/two-step/remove/", {})],
)
def test_changes_are_refused_without_the_password_and_taken_when_it_is_recent(
    viewer: Client, address: str, sent: dict[str, str]
) -> None:
    before = viewer.post(address, sent)
    viewer.post(CONFIRM, PASSWORD)
    after = viewer.post(address, sent)

    assert before.status_code == 422
    assert after.status_code == 302


def test_forms_do_not_ask_for_a_password_that_was_just_entered(viewer: Client, people: People) -> None:
    before = viewer.get("/account/").content
    viewer.post(CONFIRM, PASSWORD)

    assert (b"email-password" in before, b"email-password" in viewer.get("/account/").content) == (True, False)


def test_password_page_leads_to_no_other_site(viewer: Client) -> None:
    answer = viewer.post(CONFIRM, {**PASSWORD, "next": "https://evil.example/"})

    assert answer.headers["Location"] == "/"


def test_guessing_is_counted_there_too(viewer: Client) -> None:
    for _number in range(10):
        viewer.post(CONFIRM, {"password": "guess"})

    assert "Too many wrong passwords." in pages.text(viewer.post(CONFIRM, PASSWORD))
    assert not mail.outbox
    assert not Authenticator.objects.exists()
