"""Guessing is slow, and only delays the one who guesses."""

from __future__ import annotations

import datetime
import time
from contextlib import suppress

import pytest
from django.core import mail
from django.test import Client, RequestFactory
from django.utils import timezone
from django_otp.oath import TOTP

from kingsync.models.accounts.login_tries import LoginTry
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.tenants import Role, Tenant
from kingsync.web.accounts import known_devices, throttle, tries
from kingsync.web.accounts.throttle import TooManyTriesError
from tests import factories
from tests.web import pages
from tests.web.accounts.test_password_reset import link_of_mail
from tests.web.conftest import People

OFFICE, HOME = "192.0.2.1", "198.51.100.7"
STEP = "/login/second-step/"
SOME_MORE = tries.OF_ACCOUNT + 5


def browser(address: str) -> Client:
    return Client(REMOTE_ADDR=address, headers={"Accept-Language": "en"})


def log_in(visitor: Client, name: str, password: str = factories.PASSWORD) -> bool:
    sent = {"username": factories.address(name), "password": password}
    return visitor.post("/login/", sent).status_code == 302


def at_home(name: str) -> Client:
    """Return a browser in which the account was logged in before, and is logged out now."""
    known = browser(HOME)
    assert log_in(known, name)
    known.post("/logout/")
    return known


def guesses(addresses: list[str], names: list[str]) -> int:
    """Try one password for each pair; return how many were checked."""
    looked_at = 0
    for address, name in zip(addresses, names, strict=True):
        answer = browser(address).post("/login/", {"username": factories.address(name), "password": "Welkom2026!"})
        looked_at += "Too many wrong passwords" not in pages.text(answer)
    return looked_at


def strangers_guessed(name: str) -> None:
    """Count as many wrong passwords of an account as there may be, and one more, each from an address of its own."""
    for address in many(tries.OF_ACCOUNT + 1):
        request = RequestFactory(REMOTE_ADDR=address).post("/login/")
        with suppress(TooManyTriesError):
            throttle.record_try(*tries.of_password(request, factories.address(name)))


def many(number: int) -> list[str]:
    return [f"10.{place // 250}.{place % 250}.1" for place in range(number)]


# --- One account ------------------------------------------------------------------------------------------------------


def test_many_addresses_guess_at_one_account_slowly_and_its_owner_gets_in(people: People) -> None:
    known = at_home("bob")

    looked_at = guesses(many(SOME_MORE), ["bob"] * SOME_MORE)

    assert looked_at == tries.OF_ACCOUNT
    assert not log_in(browser("203.0.113.5"), "bob")
    assert log_in(known, "bob")


def test_the_owner_gets_in_while_somebody_guesses_at_the_same_address(people: People) -> None:
    known = at_home("bob")

    looked_at = guesses([HOME] * 15, ["bob"] * 15)

    assert looked_at == tries.OF_ONE
    assert log_in(known, "bob")


def test_a_known_browser_may_not_guess_for_ever_either(people: People) -> None:
    known = at_home("bob")
    for _number in range(tries.OF_ONE):
        log_in(known, "bob", "guess")

    assert not log_in(known, "bob")
    assert log_in(browser(OFFICE), "bob")


def test_a_browser_is_known_for_its_own_account_only(people: People) -> None:
    thief = at_home("eddy")
    strangers_guessed("bob")

    own = thief.cookies[known_devices._cookies(people.editor)[0]].value
    thief.cookies[known_devices._cookies(people.viewer)[0]] = own

    assert not log_in(thief, "bob")


def test_a_made_up_cookie_is_none(people: People) -> None:
    known = at_home("bob")
    cookie = next(name for name in known.cookies if name.startswith("known_"))
    strangers_guessed("bob")
    known.cookies[cookie] = known.cookies[cookie].value[:-1] + "x"

    assert not log_in(known, "bob")


def test_an_owner_on_a_new_browser_gets_in_by_mail_while_strangers_guess(people: People) -> None:
    strangers_guessed("bob")
    new = browser("203.0.113.5")

    before = log_in(new, "bob")
    new.post("/login/password/", {"email": "bob@jansen.example"})
    form = new.get(link_of_mail("login/password"), follow=True).redirect_chain[-1][0]
    new.post(form, {"new_password1": "paard batterij nietje", "new_password2": "paard batterij nietje"})

    assert not before
    assert log_in(new, "bob", "paard batterij nietje")


def test_strangers_guessing_do_not_keep_who_is_inside_from_confirming(viewer: Client, people: People) -> None:
    strangers_guessed("bob")

    answer = viewer.post("/account/email/", {"email-email": "b@example.com", "email-password": factories.PASSWORD})

    assert answer.status_code == 302
    assert mail.outbox[0].to == ["b@example.com"]


def test_the_old_password_is_not_guessed_at_leisure_in_an_open_browser(viewer: Client) -> None:
    def change(old: str) -> str:
        sent = {"old_password": old, "new_password1": "paard batterij nietje", "new_password2": "paard batterij nietje"}
        return pages.text(viewer.post("/account/password/", sent))

    told = [change("guess") for _number in range(tries.OF_ONE + 1)]

    assert "The password is incorrect." in told[0]
    assert "Too many wrong passwords." in told[-1]
    assert "Too many wrong passwords." in change(factories.PASSWORD)


# --- One address ------------------------------------------------------------------------------------------------------


def test_eleven_wrong_names_lock_out_nobody_behind_the_address(people: People) -> None:
    guesses([OFFICE] * 11, [f"user{number}" for number in range(11)])

    assert log_in(browser(OFFICE), "bob")


def test_one_password_for_many_names_from_one_address_is_slow(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "OF_ADDRESS", tries.OF_ACCOUNT + 1)  # less to try; still reached by no other limit
    known = at_home("bob")
    number = tries.OF_ADDRESS + 5

    looked_at = guesses([HOME] * number, [f"user{place}" for place in range(number)])

    assert looked_at == tries.OF_ADDRESS
    assert not log_in(browser(HOME), "eddy")
    assert log_in(browser(OFFICE), "eddy")
    assert log_in(known, "bob")


def test_an_office_of_thirty_works_on_while_one_of_them_mistypes(tenant: Tenant) -> None:
    names = [factories.member(tenant, Role.EDITOR, name=f"collega{number}").name for number in range(30)]
    guesses([OFFICE] * 12, [names[0]] * 12)

    mistyped = [log_in(browser(OFFICE), name, "guess") for name in names[1:] for _twice in range(2)]
    came_in = [log_in(browser(OFFICE), name) for name in names[1:]]

    assert not any(mistyped)
    assert all(came_in)
    assert not log_in(browser(OFFICE), names[0])


def test_all_addresses_of_one_network_count_as_one(people: People) -> None:
    looked_at = guesses([f"2001:db8:1:2::{number}" for number in range(1, 16)], ["bob"] * 15)

    assert looked_at == tries.OF_ONE


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:50123", "192.0.2.1"),
        ("2001:db8::17", "2001:db8::/64"),
        ("[2001:db8::17]:50123", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_an_address_is_counted_without_its_port(told: str, counted: str) -> None:
    assert throttle._network(told) == counted


def test_a_wait_is_over_after_a_quarter_of_an_hour(people: People) -> None:
    guesses([OFFICE] * 12, ["bob"] * 12)
    LoginTry.objects.update(at=timezone.now() - datetime.timedelta(minutes=16))

    assert log_in(browser(OFFICE), "bob")


def test_mails_asked_for_from_one_address_are_limited(people: People) -> None:
    for number in range(tries.MAILS_OF_ADDRESS + 3):
        factories.user(f"u{number}")
        browser(OFFICE).post("/login/password/", {"email": f"u{number}@jansen.example"})

    assert len(mail.outbox) == tries.MAILS_OF_ADDRESS


# --- The second step --------------------------------------------------------------------------------------------------


def code_of(key: str) -> str:
    generator = TOTP(bytes.fromhex(key))
    generator.time = time.time()
    return f"{generator.token():06}"


@pytest.fixture
def with_step(people: People) -> Authenticator:
    device = Authenticator(user=people.viewer)
    device.save()
    return device


def wrong(visitor: Client, key: str) -> str:
    return pages.text(visitor.post(STEP, {"code": f"{(int(code_of(key)) + 1) % 1_000_000:06}"}))


def test_codes_are_not_guessed_at_leisure_by_who_knows_the_password(with_step: Authenticator) -> None:
    looked_at = 0
    for address in many(SOME_MORE):
        thief = browser(address)
        log_in(thief, "bob")
        # Each waits as long as required.
        Authenticator.objects.update(throttling_failure_timestamp=None)
        looked_at += "The code is incorrect" in wrong(thief, with_step.key)

    assert looked_at == tries.OF_ACCOUNT


def test_wrong_codes_make_strangers_wait_longer_and_longer(with_step: Authenticator) -> None:
    thief = browser(OFFICE)
    log_in(thief, "bob")

    told = [wrong(thief, with_step.key) for _number in range(3)]

    assert "The code is incorrect" in told[0]
    assert "Wait 1 seconds" in told[1]


def test_the_owner_passes_while_who_knows_the_password_guesses_codes(with_step: Authenticator) -> None:
    owner = browser(HOME)
    log_in(owner, "bob")
    owner.post(STEP, {"code": code_of(with_step.key)})
    owner.post("/logout/")
    Authenticator.objects.update(throttling_failure_count=12, throttling_failure_timestamp=timezone.now(), last_t=-1)

    log_in(owner, "bob")
    mistyped = wrong(owner, with_step.key)
    counted = Authenticator.objects.get().throttling_failure_count
    passed = owner.post(STEP, {"code": code_of(with_step.key)})

    assert "The code is incorrect" in mistyped
    assert counted == 12
    assert passed.status_code == 302


def test_a_browser_is_not_known_before_the_second_step_is_done(with_step: Authenticator) -> None:
    thief = browser(OFFICE)

    log_in(thief, "bob")

    assert not [name for name in thief.cookies if name.startswith("known_")]
