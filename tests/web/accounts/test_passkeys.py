"""Passkeys as the second step: adding, using and removing them, and every answer that proves nothing."""

from __future__ import annotations

import html
import json
import re
import time
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from kingsync.accounts import passkeys
from kingsync.models.accounts.passkeys import Passkey
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.web.accounts import recent_password, two_step_codes
from tests import factories
from tests.web import pages
from tests.web.accounts.soft_passkey import ORIGIN, SITE, SoftPasskey
from tests.web.conftest import People

ADD, STEP, PASSKEY_STEP = "/account/two-step/passkeys/new/", "/login/second-step/", "/login/second-step/passkey/"
PASSWORD = {"password": factories.PASSWORD}


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.SITE_URL = ORIGIN


def options_of(browser: Client, address: str) -> dict[str, Any]:
    """Return the options on a page, for the browser's call."""
    [found] = re.findall(r'data-options="([^"]+)"', browser.get(address).content.decode())
    return dict(json.loads(html.unescape(found)))


def add(browser: Client, device: SoftPasskey, *, name: str = "Key ring", **wrong: Any) -> Any:
    enter_password(browser)
    return browser.post(ADD, {"name": name, "answer": device.create(options_of(browser, ADD), **wrong)})


def enter_password(browser: Client) -> None:
    session = browser.session
    session[recent_password.KEY] = time.time()
    session.save()


def browser_of(name: str) -> Client:
    """Return a browser that has passed the password."""
    made = Client(headers={"Accept-Language": "en"})
    made.force_login(User.objects.get(email=factories.address(name)))
    return made


def use(browser: Client, answer: str) -> int:
    return browser.post(PASSKEY_STEP, {"answer": answer, "next": "/t/jansen/runs/"}).status_code


@pytest.fixture
def device(viewer: Client) -> SoftPasskey:
    """Give the viewer a passkey."""
    made = SoftPasskey()
    assert add(viewer, made).status_code == 200
    return made


# --- Adding -----------------------------------------------------------------------------------------------------------


def test_first_passkey_turns_it_on_and_shows_backup_codes(viewer: Client, people: People) -> None:
    answer = add(viewer, SoftPasskey())

    assert answer.content.count(b"<li><code>") == two_step_codes.BACKUP_CODES
    assert [row.name for row in passkeys.of(people.viewer)] == ["Key ring"]
    assert viewer.get("/t/jansen/").status_code == 200


def test_second_passkey_leaves_the_backup_codes(viewer: Client, device: SoftPasskey) -> None:
    answer = add(viewer, SoftPasskey(), name="Phone")

    text = pages.text(viewer.get("/account/two-step/"))
    assert answer.headers["Location"] == "/account/two-step/"
    assert "10 backup codes are left" in text
    assert re.findall(r"Passkey (\S+ ?\S*) added", text) == ["Key ring", "Phone"]


def test_adding_asks_for_the_password_first(viewer: Client) -> None:
    assert viewer.get(ADD).headers["Location"].startswith("/account/confirm/")


def test_options_name_no_person_and_exclude_what_is_there(viewer: Client, device: SoftPasskey) -> None:
    options = options_of(viewer, ADD)

    assert options["rp"] == {"name": "kingsync", "id": SITE}
    assert [each["id"] for each in options["excludeCredentials"]] == [Passkey.objects.get().credential_id]
    assert options["attestation"] == "none"


@pytest.mark.parametrize("wrong", [{"origin": "https://kingsync.example.evil"}, {"challenge": "AAAAAAAAAAAAAAAA"}])
def test_passkey_for_another_site_or_challenge_is_not_added(viewer: Client, wrong: dict[str, str]) -> None:
    answer = add(viewer, SoftPasskey(), **wrong)

    assert answer.status_code == 422
    assert "The passkey could not be added." in pages.text(answer)
    assert not Passkey.objects.exists()


def test_same_passkey_is_not_added_twice(viewer: Client, device: SoftPasskey) -> None:
    text = pages.text(add(viewer, device))

    assert "already has a passkey" in text
    assert Passkey.objects.count() == 1


NONSENSE = ["", "{}", "[]", "null", "[" * 16_000, '{"id": 1}', '{"id": "\\u0000", "rawId": "\\ud800"}', "{" * 99]


@pytest.mark.parametrize("answer", NONSENSE)
def test_nonsense_is_no_passkey(viewer: Client, device: SoftPasskey, answer: str) -> None:
    enter_password(viewer)
    viewer.get(ADD)
    other = browser_of("bob")
    other.get(STEP)

    assert viewer.post(ADD, {"name": "x", "answer": answer}).status_code == 422
    assert other.post(PASSKEY_STEP, {"answer": answer}).status_code == 422


def test_address_of_numbers_says_why_there_are_none(viewer: Client, settings: Settings) -> None:
    settings.SITE_URL = "http://127.0.0.1:8000"
    enter_password(viewer)

    assert "Open kingsync by its name." in pages.text(viewer.get(ADD))


# --- Using ------------------------------------------------------------------------------------------------------------


def test_login_asks_for_the_passkey_and_then_opens_what_was_wanted(device: SoftPasskey) -> None:
    browser = browser_of("bob")
    before = browser.get("/t/jansen/").headers["Location"]

    answer = browser.post(PASSKEY_STEP, {"answer": device.get(options_of(browser, STEP)), "next": "/t/jansen/runs/"})

    assert before.startswith(STEP)
    assert answer.headers["Location"] == "/t/jansen/runs/"
    assert browser.get("/t/jansen/runs/").status_code == 200
    assert Passkey.objects.get().sign_count == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://kingsync.example"},
        {"challenge": "AAAAAAAAAAAAAAAA"},
        {"site": "evil.example"},
    ],
)
def test_answer_for_another_site_or_challenge_opens_nothing(device: SoftPasskey, wrong: dict[str, str]) -> None:
    browser = browser_of("bob")

    status = use(browser, device.get(options_of(browser, STEP), **wrong))

    assert status == 422
    assert browser.get("/t/jansen/").headers["Location"].startswith(STEP)


def test_answer_is_taken_once(device: SoftPasskey) -> None:
    browser, thief = browser_of("bob"), browser_of("bob")
    answer = device.get(options_of(browser, STEP))
    options_of(thief, STEP)

    assert [use(browser, answer), use(thief, answer)] == [302, 422]


def test_challenge_is_taken_once(device: SoftPasskey) -> None:
    browser = browser_of("bob")
    options = options_of(browser, STEP)

    wrong = use(browser, device.get(options, origin="https://evil.example"))

    assert [wrong, use(browser, device.get(options))] == [422, 422]


@pytest.mark.parametrize("back_to", [0, 4])
def test_count_that_does_not_rise_shows_a_copy(device: SoftPasskey, back_to: int) -> None:
    device.count = 4
    browser, copy = browser_of("bob"), browser_of("bob")
    first = use(browser, device.get(options_of(browser, STEP)))
    device.count = back_to

    assert [first, use(copy, device.get(options_of(copy, STEP)))] == [302, 422]
    assert Passkey.objects.get().sign_count == 5


def test_passkey_of_somebody_else_does_not_count(device: SoftPasskey, people: People, viewer: Client) -> None:
    viewer.force_login(people.owner)
    foreign = SoftPasskey()
    add(viewer, foreign)
    browser = browser_of("bob")

    assert use(browser, foreign.get(options_of(browser, STEP))) == 422


def test_another_signature_opens_nothing(device: SoftPasskey) -> None:
    browser, forger = browser_of("bob"), SoftPasskey()
    forger.id = device.id

    assert use(browser, forger.get(options_of(browser, STEP))) == 422


def test_code_is_offered_beside_the_passkey(device: SoftPasskey, people: People) -> None:
    without = pages.text(browser_of("bob").get(STEP))
    Authenticator(user=people.viewer).save()
    text = pages.text(browser_of("bob").get(STEP))

    assert "Use a passkey" in without
    assert "Enter one of your backup codes." in without
    assert "enter the six digits" in text


# --- Removing ---------------------------------------------------------------------------------------------------------


def forget_password(browser: Client) -> None:
    session = browser.session
    session.pop(recent_password.KEY)
    session.save()


def test_removing_one_asks_for_the_password(viewer: Client, device: SoftPasskey) -> None:
    address = f"/account/two-step/passkeys/{Passkey.objects.get().pk}/remove/"
    forget_password(viewer)

    refused = viewer.post(address, {"password": "guess"}).status_code
    kept = Passkey.objects.count()
    viewer.post(address, PASSWORD)

    assert (refused, kept, Passkey.objects.count()) == (422, 1, 0)


def test_last_one_takes_the_backup_codes_away(viewer: Client, device: SoftPasskey, people: People) -> None:
    viewer.post(f"/account/two-step/passkeys/{Passkey.objects.get().pk}/remove/")

    assert two_step_codes.backup_codes_left(people.viewer) == 0
    assert browser_of("bob").get("/t/jansen/").status_code == 200


def test_passkey_of_somebody_else_is_not_removed(viewer: Client, device: SoftPasskey, people: People) -> None:
    number = Passkey.objects.get().pk
    viewer.force_login(people.owner)
    enter_password(viewer)

    viewer.post(f"/account/two-step/passkeys/{number}/remove/")

    assert Passkey.objects.filter(pk=number).exists()


def test_application_is_replaced_while_a_passkey_stays(viewer: Client, device: SoftPasskey, people: People) -> None:
    Authenticator(user=people.viewer).save()

    viewer.post("/account/two-step/app/remove/")

    assert not Authenticator.objects.exists()
    assert two_step_codes.backup_codes_left(people.viewer) == two_step_codes.BACKUP_CODES
    assert viewer.get("/account/two-step/set-up/").status_code == 200


def test_tenant_that_asks_for_two_steps_takes_a_passkey(viewer: Client, device: SoftPasskey, tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(requires_second_step=True)

    assert viewer.get("/t/jansen/").status_code == 200
