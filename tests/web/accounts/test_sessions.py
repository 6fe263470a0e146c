"""Sessions: how long they last, where they are listed, and how they are ended."""

from __future__ import annotations

import datetime
import re

import pytest
import time_machine
from django.conf import settings as deployment
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from kingsync import tasks
from kingsync.models.accounts.login_sessions import LoginSession
from kingsync.models.tenants import Tenant
from tests import factories
from tests.web import pages
from tests.web.conftest import People

START = datetime.datetime(2026, 11, 2, 8, 0, tzinfo=datetime.UTC)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1"
PAGE = "/t/jansen/"


@pytest.fixture(autouse=True)
def _nobody_is_in(db: None) -> None:
    LoginSession.objects.all().delete()


def hours(number: float) -> datetime.datetime:
    return START + datetime.timedelta(hours=number)


def browser(name: str, *, user_agent: str = FIREFOX) -> Client:
    """Log a user in; return the browser."""
    made = Client(headers={"Accept-Language": "en", "User-Agent": user_agent})
    answer = made.post("/login/", {"username": factories.address(name), "password": factories.PASSWORD})
    assert answer.status_code == 302
    return made


def is_in(visitor: Client, **headers: str) -> bool:
    return visitor.get(PAGE, headers=headers or None).status_code == 200


# --- How long ---------------------------------------------------------------------------------------------------------


def test_a_session_ends_after_twelve_hours_without_a_request(people: People) -> None:
    with time_machine.travel(START, tick=False) as clock:
        visitor = browser("bob")
        lasted = []
        for hour in (11.9, 23.8, 35.9):
            clock.move_to(hours(hour))
            lasted.append(is_in(visitor))

    assert lasted == [True, True, False]


def test_a_part_that_refreshes_itself_keeps_no_session_alive(people: People) -> None:
    with time_machine.travel(START, tick=False) as clock:
        visitor = browser("bob")
        clock.move_to(hours(11))
        refreshed = visitor.get("/t/jansen/live/export/", headers={"HX-Request": "true"})
        clock.move_to(hours(12.1))
        answer = visitor.get("/t/jansen/live/export/", headers={"HX-Request": "true"})

    assert refreshed.status_code == 200
    assert answer["HX-Redirect"] == "/login/"


@pytest.mark.parametrize(("name", "last"), [("bob", 14 * 24), ("olga", 24)])
def test_a_session_ends_some_time_after_the_login_however_active(
    people: People, settings: Settings, name: str, last: int
) -> None:
    settings.SESSION_IDLE_HOURS = 200
    with time_machine.travel(START, tick=False) as clock:
        visitor = browser(name)
        lasted = []
        for hour in (last / 2, last - 0.1, last + 0.1):
            clock.move_to(hours(hour))
            lasted.append(is_in(visitor))

    assert lasted == [True, True, False]


def test_pages_write_the_session_once_in_five_minutes(people: People) -> None:
    with time_machine.travel(START, tick=False) as clock:
        visitor = browser("bob")
        written = []
        for minute in (1, 4, 6, 10, 12):
            clock.move_to(hours(minute / 60))
            with CaptureQueriesContext(
                connection,
            ) as asked:
                visitor.get(PAGE)
            written.append(sum(query["sql"].startswith("UPDATE") for query in asked))

    assert written == [0, 0, 1, 0, 1]


def test_sessions_that_are_over_are_purged(people: People) -> None:
    with time_machine.travel(START, tick=False) as clock:
        browser("bob")
        clock.move_to(hours(13))
        browser("alice")
        tasks.purge_old()

    assert [row.user for row in LoginSession.objects.all()] == [people.owner]


# --- The list ---------------------------------------------------------------------------------------------------------


def test_the_account_page_lists_the_browsers_in_words(people: People) -> None:
    browser("alice")
    browser("bob", user_agent=PHONE)
    here = browser("bob")

    text = pages.text(here.get("/account/")).partition("Where you are logged in")[2]

    assert re.findall(r"Firefox, Windows|Safari, iPhone|this browser", text)[:3] == [
        "Firefox, Windows",
        "this browser",
        "Safari, iPhone",
    ]
    assert text.count("127.0.0.1") == 3  # once more for screen readers, on the button


def test_an_ended_browser_is_refused_at_its_next_request(people: People) -> None:
    here, there = browser("bob"), browser("bob", user_agent=PHONE)
    [found] = re.findall(r"/account/sessions/\d+/end/", here.get("/account/").content.decode())

    text = pages.text(here.post(found, follow=True))

    assert "That browser is logged out." in text
    assert there.get(PAGE).headers["Location"].startswith("/login/")
    assert is_in(here)


def test_all_others_end_at_once(people: People) -> None:
    here, others = browser("bob"), [browser("bob") for _number in range(2)]
    colleague = browser("alice")

    text = pages.text(here.post("/account/sessions/end-others/", follow=True))

    assert "2 other browsers are logged out." in text
    assert [is_in(each) for each in (here, *others, colleague)] == [True, False, False, True]


def test_nobody_ends_the_session_of_another(people: People) -> None:
    colleague, here = browser("alice"), browser("bob")
    number = LoginSession.objects.get(user=people.owner).pk

    here.post(f"/account/sessions/{number}/end/")

    assert is_in(colleague)


def test_a_new_password_ends_the_others(people: People) -> None:
    here, there = browser("bob"), browser("bob")
    new = "paard batterij nietje"

    here.post("/account/password/", {"old_password": factories.PASSWORD, "new_password1": new, "new_password2": new})

    assert [is_in(here), is_in(there)] == [True, False]
    assert LoginSession.objects.filter(user=people.viewer).count() == 1


def test_the_database_holds_no_key_of_a_session(people: People, tenant: Tenant) -> None:
    key = browser("bob").cookies[deployment.SESSION_COOKIE_NAME].value

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM kingsync_loginsession")
        stored = str(cursor.fetchall())

    assert len(key) == 32
    assert key not in stored
