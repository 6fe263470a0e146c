"""Two-step verification: setup, the step itself, backup codes, removal."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from pytest_django import Settings

from kingsync.models import encryption
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.web.accounts import recent_password, two_step_codes
from tests import factories
from tests.web import pages
from tests.web.conftest import People

ENROL, STEP, STATE = "/account/two-step/set-up/", "/login/second-step/", "/account/two-step/"
PASSWORD = {"password": factories.PASSWORD}


def code_of(key: str, *, later: int = 0) -> str:
    """Return the six digits that an application shows, now or this many half minutes later."""
    generator = TOTP(bytes.fromhex(key))
    generator.time = time.time() + later * 30
    return f"{generator.token():06}"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


@pytest.fixture
def viewer_with(people: People) -> Callable[[], tuple[Client, str]]:
    """Give the viewer a second step; return a browser that has passed the password, and the key."""

    def make() -> tuple[Client, str]:
        device = Authenticator.objects.create(user=people.viewer, confirmed=True)
        browser = Client(headers={"Accept-Language": "en"})
        browser.post("/login/", {"username": factories.address("bob"), **PASSWORD})
        return browser, str(device.key)

    return make


def begin(browser: Client) -> None:
    """Open the page that sets the second step up, having entered the password."""
    browser.post("/account/confirm/", PASSWORD)
    browser.get(ENROL)
    session = browser.session
    session.pop(recent_password.KEY)  # so that later steps ask for the password
    session.save()


def key_shown(browser: Client) -> str:
    return two_step_codes.open_key(browser.session["two_step_key"])


def set_up(browser: Client, next_page: str = "") -> list[str]:
    """Set the second step up; return the backup codes."""
    begin(browser)
    answer = browser.post(ENROL, {"code": code_of(key_shown(browser)), "next": next_page})
    return re.findall(r"<code>([a-z2-7]{4}-[a-z2-7]{4})</code>", answer.content.decode())


# --- Setup ------------------------------------------------------------------------------------------------------------


def test_page_shows_the_key_as_picture_and_as_text(viewer: Client) -> None:
    viewer.post("/account/confirm/", PASSWORD)

    html = pages.html(viewer.get(ENROL))

    assert '<img class="qr" src="data:image/svg+xml' in html
    assert two_step_codes.readable_key(key_shown(viewer)) in html


def test_right_code_switches_it_on_and_shows_backup_codes_once(viewer: Client, people: People) -> None:
    shown = set_up(viewer)

    assert len(set(shown)) == two_step_codes.BACKUP_CODES
    assert Authenticator.objects.get(user=people.viewer).confirmed
    assert viewer.get("/t/jansen/").status_code == 200
    assert shown[0] not in viewer.get(STATE).content.decode()


def test_wrong_code_keeps_it_off_and_the_key_the_same(viewer: Client) -> None:
    begin(viewer)
    key = key_shown(viewer)

    answer = viewer.post(ENROL, {"code": wrong(code_of(key))})

    assert answer.status_code == 422
    assert "The code is incorrect." in pages.text(answer)
    assert key_shown(viewer) == key
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("code", ["", "abc", "12345", "1234567", "²²²²²²", "-12345", "99999999999999999999"])
def test_nonsense_is_no_code(viewer: Client, code: str) -> None:
    begin(viewer)

    assert viewer.post(ENROL, {"code": code}).status_code == 422


def test_set_up_leads_to_the_page_that_was_wanted(viewer: Client, tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(requires_second_step=True)
    led = viewer.get("/t/jansen/runs/").headers["Location"]
    begin(viewer)

    answer = viewer.post(ENROL, {"code": code_of(key_shown(viewer)), "next": "/t/jansen/runs/"})

    assert led == f"{ENROL}?next=/t/jansen/runs/"
    assert 'href="/t/jansen/runs/"' in answer.content.decode()
    assert viewer.get("/t/jansen/runs/").status_code == 200


def test_key_is_stored_encrypted_while_it_is_set_up_and_afterwards(viewer: Client, people: People) -> None:
    begin(viewer)
    key, waiting = key_shown(viewer), str(viewer.session["two_step_key"])
    viewer.post(ENROL, {"code": code_of(key)})
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM kingsync_authenticator")
        [[stored]] = cursor.fetchall()

    assert [text.startswith(encryption.PREFIX) for text in (waiting, stored)] == [True, True]
    assert key not in waiting + stored
    assert Authenticator.objects.get().key == key


def test_with_a_lost_encryption_key_pages_stay_open_and_backup_codes_are_asked_for(
    viewer: Client, people: People, settings: Settings
) -> None:
    backup = set_up(viewer)[0]
    settings.ENCRYPTION_KEYS = ["an entirely other key, long and random: 4c1d"]
    other = Client(headers={"Accept-Language": "en"})
    other.post("/login/", {"username": factories.address("bob"), **PASSWORD})

    assert viewer.get("/t/jansen/").status_code == 200
    assert "Enter a backup code" in pages.text(other.post(STEP, {"code": "123456"}))
    assert step_with(backup, people.viewer) == 302


def test_key_that_is_set_up_is_never_shown_again(viewer: Client) -> None:
    set_up(viewer)

    assert viewer.get(ENROL).headers["Location"] == STATE


# --- The step ---------------------------------------------------------------------------------------------------------


def test_login_asks_for_the_code_and_then_opens_what_was_wanted(
    viewer_with: Callable[[], tuple[Client, str]],
) -> None:
    browser, key = viewer_with()
    led = browser.get("/t/jansen/runs/").headers["Location"]

    answer = browser.post(led, {"code": code_of(key), "next": "/t/jansen/runs/"})

    assert led == f"{STEP}?next=/t/jansen/runs/"
    assert answer.headers["Location"] == "/t/jansen/runs/"
    assert browser.get("/t/jansen/runs/").status_code == 200


def test_code_with_a_space_is_taken(viewer_with: Callable[[], tuple[Client, str]]) -> None:
    browser, key = viewer_with()
    code = code_of(key)

    assert browser.post(STEP, {"code": f"{code[:3]} {code[3:]}"}).status_code == 302


def test_wrong_code_opens_nothing(viewer_with: Callable[[], tuple[Client, str]]) -> None:
    browser, key = viewer_with()

    answer = browser.post(STEP, {"code": wrong(code_of(key))})

    assert answer.status_code == 422
    assert browser.get("/t/jansen/").headers["Location"].startswith(STEP)


def test_after_a_wrong_code_even_the_right_one_waits(viewer_with: Callable[[], tuple[Client, str]]) -> None:
    browser, key = viewer_with()
    Authenticator.objects.update(throttling_failure_count=5, throttling_failure_timestamp=timezone.now())

    answer = browser.post(STEP, {"code": code_of(key)})

    assert re.search(r"Wait 1[56] seconds", pages.text(answer))


def test_code_opens_one_browser_only(viewer_with: Callable[[], tuple[Client, str]]) -> None:
    browser, key = viewer_with()
    code = code_of(key)
    browser.post(STEP, {"code": code})
    thief = Client()
    thief.post("/login/", {"username": factories.address("bob"), **PASSWORD})

    assert thief.post(STEP, {"code": code}).status_code == 422


def test_code_that_set_it_up_opens_no_other_browser(viewer: Client) -> None:
    begin(viewer)
    code = code_of(key_shown(viewer))
    viewer.post(ENROL, {"code": code})
    thief = Client()
    thief.post("/login/", {"username": factories.address("bob"), **PASSWORD})

    assert thief.post(STEP, {"code": code}).status_code == 422


def test_step_does_not_lead_to_another_site(viewer_with: Callable[[], tuple[Client, str]]) -> None:
    browser, key = viewer_with()

    answer = browser.post(STEP, {"code": code_of(key), "next": "https://evil.example/"})

    assert answer.headers["Location"] == "/"


def test_part_that_refreshes_itself_takes_the_page_to_the_step(
    viewer_with: Callable[[], tuple[Client, str]],
) -> None:
    browser, _key = viewer_with()

    answer = browser.get("/t/jansen/live/export/", headers={"HX-Request": "true"})

    assert answer["HX-Redirect"] == STEP


def test_other_browsers_are_asked_when_it_is_set_up(viewer: Client, people: People) -> None:
    other = Client()
    other.force_login(people.viewer)
    before = other.get("/t/jansen/").status_code

    set_up(viewer)

    assert before == 200
    assert other.get("/t/jansen/").headers["Location"].startswith(STEP)


def test_device_of_somebody_else_does_not_count(viewer_with: Callable[[], tuple[Client, str]], people: People) -> None:
    browser, _key = viewer_with()
    foreign = Authenticator.objects.create(user=people.owner, confirmed=True)

    assert browser.post(STEP, {"code": code_of(foreign.key)}).status_code == 422


# --- Backup codes -----------------------------------------------------------------------------------------------------


def step_with(code: str, user: User) -> int:
    browser = Client()
    browser.post("/login/", {"username": user.email, **PASSWORD})
    # Each test enters codes faster than people do.
    StaticDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    return browser.post(STEP, {"code": code}).status_code


def test_backup_code_lets_in_once(viewer: Client, people: People) -> None:
    code = set_up(viewer)[0]

    assert [step_with(code, people.viewer), step_with(code, people.viewer)] == [302, 422]


def test_backup_code_is_taken_without_its_dash_and_in_capitals(viewer: Client, people: People) -> None:
    code = set_up(viewer)[0]

    assert step_with(code.replace("-", "").upper(), people.viewer) == 302


def test_backup_codes_are_not_stored_as_they_are(viewer: Client) -> None:
    shown = [code.replace("-", "") for code in set_up(viewer)]

    stored = set(StaticToken.objects.values_list("token", flat=True))

    assert len(stored) == two_step_codes.BACKUP_CODES
    assert stored.isdisjoint(shown)


def test_new_backup_codes_make_the_old_ones_void(viewer: Client, people: People) -> None:
    old = set_up(viewer)[0]

    answer = viewer.post(reverse("two_step_codes"), PASSWORD)

    new = re.findall(r"<code>([a-z2-7]{4}-[a-z2-7]{4})</code>", answer.content.decode())
    assert len(new) == two_step_codes.BACKUP_CODES
    assert [step_with(old, people.viewer), step_with(new[0], people.viewer)] == [422, 302]


def test_number_of_backup_codes_left_is_shown(viewer: Client, people: People) -> None:
    step_with(set_up(viewer)[0], people.viewer)

    assert "9 backup codes are left" in pages.text(viewer.get(STATE))


# --- Removal ----------------------------------------------------------------------------------------------------------


def test_password_takes_it_away_with_its_backup_codes(viewer: Client) -> None:
    set_up(viewer)

    viewer.post(reverse("two_step_remove"), PASSWORD)

    assert not Authenticator.objects.exists()
    assert not StaticDevice.objects.exists()
    assert viewer.get("/t/jansen/").status_code == 200


@pytest.mark.parametrize("name", ["two_step_remove", "two_step_codes"])
def test_wrong_password_changes_nothing(viewer: Client, name: str) -> None:
    set_up(viewer)
    before = set(StaticToken.objects.values_list("token", flat=True))

    answer = viewer.post(reverse(name), {"password": "guess"})

    assert answer.status_code == 422
    assert "The password is incorrect." in pages.text(answer)
    assert set(StaticToken.objects.values_list("token", flat=True)) == before
    assert Authenticator.objects.exists()


def test_password_cannot_be_guessed_at_leisure_behind_an_open_browser(viewer: Client) -> None:
    set_up(viewer)
    for _number in range(10):
        viewer.post(reverse("two_step_remove"), {"password": "guess"})

    answer = viewer.post(reverse("two_step_remove"), PASSWORD)

    assert "Too many wrong passwords." in pages.text(answer)
    assert Authenticator.objects.exists()


def test_who_takes_it_away_where_it_is_asked_is_led_to_set_it_up(viewer: Client, tenant: Tenant) -> None:
    set_up(viewer)
    Tenant.objects.filter(pk=tenant.pk).update(requires_second_step=True)
    inside = viewer.get("/t/jansen/").status_code

    viewer.post(reverse("two_step_remove"), PASSWORD)

    assert inside == 200
    assert viewer.get("/t/jansen/").headers["Location"].startswith(ENROL)


def test_operator_switches_it_off_for_who_lost_the_telephone(client: Client, people: People) -> None:
    Authenticator.objects.create(user=people.viewer, confirmed=True)
    client.force_login(people.operator)

    client.post(
        reverse("admin:kingsync_user_changelist"),
        {"action": "switch_second_step_off", "_selected_action": [str(people.viewer.pk)]},
    )

    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("address", ["/admin/kingsync/authenticator/", "/admin/otp_static/staticdevice/"])
def test_admin_has_no_page_with_keys(client: Client, people: People, address: str) -> None:
    client.force_login(people.operator)

    assert client.get(address).status_code == 404


def test_code_of_the_next_half_minute_is_taken_but_not_one_of_an_hour_ago(
    viewer_with: Callable[[], tuple[Client, str]],
) -> None:
    browser, key = viewer_with()

    old = browser.post(STEP, {"code": code_of(key, later=-120)}).status_code
    Authenticator.objects.update(throttling_failure_timestamp=timezone.now() - datetime.timedelta(minutes=1))
    new = browser.post(STEP, {"code": code_of(key, later=1)}).status_code

    assert (old, new) == (422, 302)
