"""Pages that follow a background call to OutSmart or King: with scripts in place, without them on a separate page."""

from __future__ import annotations

import datetime
import re

import pytest
from django.test import Client
from django.utils import timezone

from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import Connection, System
from kingsync.models.tenants import Role, Tenant
from kingsync.runs import background_calls
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text
from tests.web.settings.settings_entries import ADDRESS, entries

HTMX = {"HX-Request": "true"}


@pytest.fixture
def going_on(tenant: Tenant, people: People) -> BackgroundCall:
    return factories.background_call(tenant, by=people.editor, state="running", result={})


def address(call: BackgroundCall) -> str:
    return f"/t/jansen/calls/{call.pk}/"


def test_call_that_goes_on_is_asked_for_again_with_scripts_and_without(
    editor: Client, going_on: BackgroundCall
) -> None:
    page, part = html(editor.get(address(going_on))), html(editor.get(address(going_on), headers=HTMX))

    asks = f'hx-get="{address(going_on)}" hx-trigger="every 1s"'
    assert all(asks in each and "King is being tested…" in each for each in (page, part))
    assert '<noscript><meta http-equiv="refresh"' in page
    assert f'<a href="{address(going_on)}">Refresh</a>' in page
    assert "<html" not in part


def test_answer_takes_the_place_of_what_waited(editor: Client, tenant: Tenant, people: People) -> None:
    over = factories.background_call(tenant, by=people.editor)

    part, page = html(editor.get(address(over), headers=HTMX)), html(editor.get(address(over)))

    assert all("King answered. The connection works." in each for each in (part, page))
    assert ("hx-get" in part, "<html" in part) == (False, False)
    assert 'href="/t/jansen/settings/"' in page


def test_call_of_a_killed_server_says_so(editor: Client, going_on: BackgroundCall) -> None:
    BackgroundCall.across_tenants.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))

    assert "This was interrupted before it finished. Try again." in text(editor.get(address(going_on)))


def test_button_works_without_scripts(editor: Client, tenant: Tenant) -> None:
    Connection.across_tenants.filter(system=System.KING).update(base_url="http://127.0.0.1:9")
    page = html(editor.get(ADDRESS))
    [button] = re.findall(r'<button type="submit" formnovalidate formaction="([^"]+/test/king/)"', page)

    answer = editor.post(button, entries(editor) | {"king-base_url": ""}, follow=True)
    tried = editor.post(button, entries(editor), follow=True)

    assert "Not tested yet." in text(answer)
    assert "King could not be reached." in text(tried)
    assert "<html" in html(tried)


def test_enter_in_a_field_saves_and_tests_nothing(editor: Client) -> None:
    form = html(editor.get(ADDRESS)).split('id="settings"')[1]

    first = re.search(r"<button[^>]*>", form)

    assert first is not None
    assert 'type="submit"' in first[0]
    assert "formaction" not in first[0]


def test_colleague_does_not_see_what_one_asked(
    english: Client, going_on: BackgroundCall, tenant: Tenant, people: People
) -> None:
    for person in (people.owner, people.stranger, people.operator, factories.member(tenant, Role.EDITOR)):
        english.force_login(person)
        assert english.get(address(going_on)).status_code == 404


def test_who_lost_the_role_does_not_see_the_answer_any_more(
    editor: Client, going_on: BackgroundCall, tenant: Tenant, people: People
) -> None:
    tenant.memberships.filter(user=people.editor).update(role=Role.VIEWER)

    assert editor.get(address(going_on)).status_code == 403


def test_too_many_tests_are_refused_with_a_sentence(editor: Client, tenant: Tenant, people: People) -> None:
    for _ in range(background_calls.TESTS_PER_PERSON):
        factories.background_call(tenant, by=people.editor)

    part = editor.post(f"{ADDRESS}test/king/", entries(editor), headers=HTMX)

    assert "Too many connection tests in a short time." in text(part)


def test_too_many_calls_at_once_are_refused_at_every_button(editor: Client, tenant: Tenant, people: People) -> None:
    for number in range(background_calls.OPEN_PER_TENANT):
        factories.background_call(tenant, by=people.owner, state="queued", key=str(number), result={})
    row = factories.work_order(tenant, state="held")

    told = [
        text(editor.post(f"{ADDRESS}test/king/", entries(editor), headers=HTMX)),
        text(editor.post(f"{ADDRESS}choices/", entries(editor), headers=HTMX)),
        text(editor.post(f"/t/jansen/work-orders/{row.pk}/decide/", {"kind": "link", "number": "5"}, follow=True)),
        text(editor.post(f"/t/jansen/work-orders/{row.pk}/decide/", {"kind": "reset", "sure": "1"}, follow=True)),
    ]

    assert ["Other calls to OutSmart or King are in progress." in each for each in told] == [True] * 4


@pytest.mark.parametrize("number", ["5" * 51, "5" * 60])
def test_number_that_cannot_be_one_is_told(editor: Client, tenant: Tenant, number: str) -> None:
    row = factories.work_order(tenant, state="held")

    answer = editor.post(f"/t/jansen/work-orders/{row.pk}/decide/", {"kind": "link", "number": number}, follow=True)

    assert answer.status_code == 200
