"""Every count of the start page is a link to exactly the work orders that it counts."""

from __future__ import annotations

import datetime
import re

import pytest
from django.test import Client
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.notifications import digest
from tests import factories
from tests.web.pages import html

START = "/t/jansen/"
COUNT = re.compile(r'<a href="(/t/jansen/work-orders/\?[^"]+)">(?:<strong>)?(\d+)\b')
PERSON = 5


@pytest.fixture
def company(tenant: Tenant) -> Tenant:
    """Create work orders in all states, of some several, exported on several days."""
    reasons = [{"code": "unknown_article", "params": {"article": "BUIS / 15 & meer"}}]
    for number, state in enumerate(LedgerState, start=1):
        for _ in range(1 + number % 3):
            stops = {"reasons": reasons} if state in (LedgerState.REJECTED, LedgerState.HELD) else {}
            factories.work_order(tenant, state=state, **stops)
    for days in (0, 0, 1, 40):
        at = timezone.now() - datetime.timedelta(days=days)
        factories.work_order(tenant, state=LedgerState.DONE, exported_at=at)
    factories.work_order(factories.tenant(), state=LedgerState.REJECTED)
    return tenant


def rows(browser: Client, address: str) -> int:
    """Return how many work orders the list shows at an address."""
    return html(browser.get(address.replace("&amp;", "&"))).count('type="checkbox" name="row"')


def test_each_count_shows_as_many_rows_as_it_says(editor: Client, company: Tenant) -> None:
    found = COUNT.findall(html(editor.get(START)))

    assert {address.partition("?")[2].partition("=")[0] for address, _ in found} == {"state", "exported", "cause"}
    assert len(found) >= 5 + PERSON + 3 + 1
    assert {address: int(count) for address, count in found} == {address: rows(editor, address) for address, _ in found}


def test_counts_of_list_alert_and_mail_are_those_of_the_tile(editor: Client, company: Tenant) -> None:
    page = editor.get(START)
    person = page.context["dashboard"].figures.person
    with tenants.scope(company):
        mail = digest.current_state(company, None)

    assert f"{person} work orders need attention." in html(page)
    assert editor.get(f"{START}work-orders/").context["counts"].person == person
    assert mail.order_count == person


def test_list_says_what_a_count_narrowed_it_to(editor: Client, company: Tenant) -> None:
    page = html(editor.get(f"{START}work-orders/?cause=unknown_article:GONE"))

    assert "Only the work orders that one cause stops." in page
    assert "No work orders found." in page
