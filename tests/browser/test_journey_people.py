"""How users join: by an invitation, with their own password, with a code if the owner requires it.

And how members learn that e-mails to them do not arrive.
"""

from __future__ import annotations

import datetime
import re
from base64 import b32decode
from collections.abc import Callable

import pytest
from django.core import mail
from django.utils import timezone
from django_otp.oath import hotp, totp
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from kingsync.models import tenants
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.connections import System
from kingsync.models.sync_settings import MailMode, SyncSettings
from kingsync.models.tenants import Role, Tenant
from kingsync.notifications import notify
from tests import factories
from tests.browser.journeys import Person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMAIL, PASSWORD = "nina@jansen.example", "paard batterij nietje"


@pytest.fixture
def tenant(transactional_db: None, settings: Settings, live_server: LiveServer) -> Tenant:
    settings.SITE_URL = live_server.url
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(made)
    for system in System:
        factories.connection(made, system)
    return made


def code_now(key: str) -> str:
    """Return the code of an authenticator application with this key."""
    return f"{totp(b32decode(key.replace(' ', ''))):06}"


def next_code(key: str) -> str:
    """Return the code of half a minute after the last accepted one: none is accepted twice."""
    return f"{hotp(b32decode(key.replace(' ', '')), Authenticator.objects.get().last_t + 1):06}"


def link_of_mail() -> str:
    [found] = set(re.findall(r"https?://\S+/invitation/\S+", str(mail.outbox[-1].body)))
    return str(found)


def test_who_is_invited_sets_a_password_and_a_second_step_and_comes_back_with_a_code(
    windows: Callable[..., Page], live_server: LiveServer, tenant: Tenant
) -> None:
    factories.member(tenant, Role.OWNER, name="alice")
    alice = Person(windows(), live_server.url)
    alice.logs_in("alice", wanted="/t/jansen/people/")
    alice.page.get_by_label("E-mail address").fill(EMAIL)
    alice.page.get_by_label("Role", exact=True).select_option("editor")
    alice.button("Send invitation").click()
    expect(alice.page.get_by_role("row").filter(has_text=EMAIL)).to_be_visible()

    nina = Person(windows(language="nl"), live_server.url, "nl")
    nina.page.goto(link_of_mail())
    nina.page.get_by_label(nina.reads("Your name")).fill("Nina Nieuw")
    nina.page.get_by_label(nina.reads("Choose a password")).fill(PASSWORD)
    nina.page.get_by_label(nina.reads("Repeat the password")).fill(PASSWORD)
    nina.button("Accept invitation").click()
    nina.sees("Welcome to %(tenant)s!", tenant=tenant.name)
    expect(nina.button("Export workorders")).to_be_visible()

    alice.page.get_by_label(alice.reads("two-step verification for everyone")).check()
    alice.button("Save").click()
    nina.goes_to("Work orders")
    nina.sees("%(name)s requires this: its pages open once it is done.", name=tenant.name)
    key = nina.page.locator("code").inner_text()
    nina.page.get_by_label(nina.reads("Code")).fill(code_now(key))
    nina.button("Turn on").click()
    nina.sees("Two-step verification is on.")
    nina.link("I have saved them: continue").click()
    expect(nina.page.get_by_role("heading", name=nina.reads("Work orders"), exact=True)).to_be_visible()

    nina.button("Log out").click()
    nina.page.goto(f"{live_server.url}/t/jansen/")
    nina.page.get_by_label(nina.reads("E-mail address")).fill(EMAIL)
    nina.page.get_by_label(nina.reads("Password")).fill(PASSWORD)
    nina.page.keyboard.press("Enter")
    expect(nina.page.get_by_role("heading", name=nina.reads("Two-step verification"))).to_be_visible()
    nina.page.get_by_label(nina.reads("Code")).fill(next_code(key))
    nina.button("Continue").click()

    expect(nina.page.get_by_role("heading", name=tenant.name)).to_be_visible()


def test_people_hear_on_the_start_page_that_mails_do_not_arrive_and_no_more_when_they_do(
    windows: Callable[..., Page], live_server: LiveServer, tenant: Tenant, settings: Settings
) -> None:
    factories.member(tenant, Role.EDITOR, name="eddy")
    SyncSettings.across_tenants.filter(tenant=tenant).update(
        notification_mode=MailMode.EACH, notification_emails=["oud@jansen.example"]
    )
    reasons = [{"code": "nothing_to_invoice", "params": {}}]
    factories.work_order(tenant, state="held", reasons=reasons, changed_at=timezone.now() - notify.SETTLED)
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", 9
    mails_are_sent(tenant)

    eddy = Person(windows(), live_server.url)
    eddy.logs_in("eddy")
    told = eddy.page.get_by_text("The e-mail notification could not be sent to oud@jansen.example")
    expect(told).to_be_visible()
    eddy.link("Check the e-mail addresses").click()
    expect(told).to_be_visible()
    eddy.sees("Response of the mail server")
    eddy.page.get_by_label("e-mail addresses", exact=False).last.fill("nieuw@jansen.example")
    eddy.button("Save").click()
    eddy.sees("Saved.")
    settings.EMAIL_BACKEND = working
    mails_are_sent(tenant, later=notify.RETRY_AFTER)
    eddy.goes_to("Start")

    expect(eddy.region("OutSmart → King")).to_be_visible()
    expect(told).to_be_hidden()
    assert mail.outbox[-1].to == ["nieuw@jansen.example"]


def mails_are_sent(tenant: Tenant, later: datetime.timedelta = datetime.timedelta()) -> None:
    """Send due e-mails as the clock does."""
    with tenants.scope(tenant):
        notify.send_due(now=timezone.now() + later)
