"""What a login opens, and what closes it: sessions, closed accounts, links with a signature."""

from __future__ import annotations

import datetime
import re

import time_machine
from django.core import mail, signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kingsync.models.users import User
from kingsync.web.accounts import account, known_devices
from tests import factories
from tests.web.conftest import People
from tests.web.test_roles import give_device

NEW = "brandwerende klok 7"


def _log_in(browser: Client, user: User, password: str = factories.PASSWORD) -> int:
    return browser.post("/login/", {"username": user.email, "password": password}).status_code


def _session(browser: Client) -> str:
    return str(browser.cookies["sessionid"].value)


def test_a_login_gets_a_session_of_its_own(people: People) -> None:
    browser, other = Client(), Client()
    browser.session.save()
    browser.get("/login/")
    before = _session(browser)

    assert (_log_in(browser, people.owner), _log_in(other, people.owner)) == (302, 302)
    assert len({before, _session(browser), _session(other)}) == 3
    assert len(_session(browser)) >= 32


def test_a_closed_account_is_outside_at_once(client: Client, people: People) -> None:
    client.force_login(people.editor)
    assert client.get("/t/jansen/").status_code == 200

    User.objects.filter(pk=people.editor.pk).update(is_active=False)

    assert client.get("/t/jansen/").status_code == 302


def test_a_new_password_does_not_get_around_the_second_step(people: People) -> None:
    give_device(people.owner)
    browser = Client()
    browser.post("/login/password/", {"email": people.owner.email})
    [link] = re.findall(r"http://127\.0\.0\.1:8000(/login/password/\S+)", str(mail.outbox[-1].body))
    form = browser.get(link, follow=True).redirect_chain[-1][0]

    browser.post(form, {"new_password1": NEW, "new_password2": NEW})

    assert browser.get("/t/jansen/")["Location"].startswith("/login/?next=")
    assert _log_in(browser, people.owner, NEW) == 302
    assert browser.get("/t/jansen/")["Location"].startswith(reverse("second_step"))


def test_a_signed_link_runs_out_and_serves_one_purpose(client: Client, people: People) -> None:
    client.force_login(people.owner)
    content = {"user": people.owner.pk, "old": people.owner.email, "new": "new@jansen.example"}
    link, other = (signing.dumps(content, salt=salt) for salt in (account.SALT, known_devices.SALT))

    answers = [client.get(reverse("email_confirm", args=[sealed])).status_code for sealed in (link, other)]
    with time_machine.travel(timezone.now() + datetime.timedelta(hours=25)):
        client.force_login(people.owner)
        late = client.get(reverse("email_confirm", args=[link])).status_code

    assert (answers, late) == ([200, 404], 404)
