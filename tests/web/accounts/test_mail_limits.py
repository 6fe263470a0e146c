"""Pages that send e-mails to typed addresses do so a limited number of times, and say when there is room again."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core import mail
from django.test import Client

from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.web.accounts import throttle, tries
from tests import factories
from tests.web import pages
from tests.web.conftest import People

NOON = datetime.datetime(2026, 11, 2, 11, 0, tzinfo=datetime.UTC)  # 12:00 in the Netherlands
INVITE = "/t/jansen/people/invite/"


@pytest.fixture
def owner(english: Client, people: People) -> Client:
    english.force_login(people.owner)
    return english


def use_up(limit: throttle.Limit, *, but: int = 0) -> None:
    for _number in range(limit.most - but):
        throttle.record_try(limit)


def invited(browser: Client, name: str) -> str:
    return pages.text(browser.post(INVITE, {"email": f"{name}@jansen.example", "role": "viewer"}, follow=True))


def test_invitations_have_a_limit_an_hour_and_a_day(owner: Client, tenant: Tenant) -> None:
    hourly, daily = tries.of_invitation(tenant)
    with time_machine.travel(NOON, tick=False) as clock:
        use_up(daily, but=1)
        use_up(hourly, but=1)
        texts = [invited(owner, "one"), invited(owner, "two")]
        clock.shift(datetime.timedelta(hours=2))
        texts.append(invited(owner, "three"))

    assert "is on its way to one@jansen.example" in texts[0]
    assert "Try again after 3 Nov 2026 12:00." in texts[1]
    assert "too many invitations" in texts[2]
    assert len(mail.outbox) == 1


def test_invitations_go_on_after_an_hour(owner: Client, tenant: Tenant) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        use_up(tries.of_invitation(tenant)[0])
        refused = invited(owner, "one")
        clock.shift(datetime.timedelta(minutes=61))
        taken = invited(owner, "one")

    assert "Try again after today 13:00." in refused
    assert "is on its way" in taken


def test_sending_again_counts_too(owner: Client, tenant: Tenant) -> None:
    invited(owner, "one")
    use_up(tries.of_invitation(tenant)[0], but=1)
    number = tenant.invitations.get().pk

    text = pages.text(owner.post(f"/t/jansen/people/invitations/{number}/again/", follow=True))

    assert "too many invitations" in text
    assert len(mail.outbox) == 1


def test_invitations_of_another_company_have_their_own_limit(owner: Client, tenant: Tenant) -> None:
    use_up(tries.of_invitation(factories.tenant())[0])

    assert "is on its way" in invited(owner, "one")


@pytest.mark.parametrize("name", ["bob", "nobody"])
def test_password_reset_says_when_to_try_again_with_and_without_an_account(people: People, name: str) -> None:
    with time_machine.travel(NOON, tick=False):
        use_up(tries.of_reset(None, factories.address(name))[0])
        answer = Client(headers={"Accept-Language": "en"}).post("/login/password/", {"email": factories.address(name)})

    assert "Check your inbox, or try again after today 12:15." in pages.text(answer)
    assert not mail.outbox


def test_links_to_a_new_address_are_limited(viewer: Client, people: People) -> None:
    viewer.post("/account/confirm/", {"password": factories.PASSWORD})
    sent = [
        viewer.post("/account/email/", {"email-email": f"bob{number}@elders.example"}).status_code
        for number in range(tries.NEW_ADDRESSES_AN_HOUR + 1)
    ]

    assert sent == [302] * tries.NEW_ADDRESSES_AN_HOUR + [422]
    assert len(mail.outbox) == tries.NEW_ADDRESSES_AN_HOUR
    assert User.objects.get(pk=people.viewer.pk).email == factories.address("bob")
