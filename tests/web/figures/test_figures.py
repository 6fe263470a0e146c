"""The page of figures: months and weeks whose numbers are links to exactly what they count."""

from __future__ import annotations

import datetime
import itertools
import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.statements import figures as periods
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text

PAGE = "/t/jansen/figures/"
NOW = datetime.datetime(2026, 11, 20, 15, tzinfo=timezone.get_default_timezone())
NUMBER = re.compile(r'data-label="[^"]+"><a (?:class="warn" )?href="([^"]+)">(\d+)</a>')
BAR = re.compile(r'<a href="([^"]+)" aria-label="[^"]*: (\d+) (?:in King|open)">')


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def page(client: Client, people: People) -> Client:
    client.force_login(people.viewer)
    client.cookies["django_language"] = "en"
    return client


def worked(tenant: Tenant, *dates: str, state: str = LedgerState.DONE, **fields: object) -> None:
    for date in dates:
        factories.work_order(tenant, state=state, work_date=date, **fields)


def a_full_year(tenant: Tenant) -> None:
    for number, state in enumerate(LedgerState):
        worked(tenant, "2026-11-02", "2026-11-20", f"2026-{number % 9 + 1:02}-15", state=state)
    worked(tenant, "2024-01-01")


def test_a_month_is_one_sentence(page: Client, tenant: Tenant) -> None:
    worked(tenant, "2026-11-01", "2026-11-30", amount=Decimal("617.50"))
    worked(tenant, "2026-11-03", state=LedgerState.REJECTED, amount=Decimal(100))
    worked(tenant, "2026-11-03", state=LedgerState.EXCLUDED)
    worked(tenant, "2026-10-31")

    assert "November 2026: 4 work orders, 2 in King, 1 open, 1 excluded, € 1,235.00" in text(page.get(PAGE))


@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_every_number_is_a_link_to_as_many_work_orders(page: Client, tenant: Tenant, by: str) -> None:
    a_full_year(tenant)

    shown = html(page.get(PAGE, {"by": by}))
    links = NUMBER.findall(shown) + BAR.findall(shown)

    assert len(links) > 20
    for address, number in links:
        rows = re.findall(r'href="/t/jansen/work-orders/\d+/', html(page.get(address.replace("&amp;", "&"))))
        assert len(set(rows)) == int(number), address


def test_what_is_in_king_open_and_excluded_is_everything(tenant: Tenant) -> None:
    a_full_year(tenant)

    with tenants.scope(tenant):
        found = periods.figures(now=NOW)

    assert sum(month.total for month in found.months) == 3 * len(LedgerState)
    assert (found.months[-1].total, found.months[-1].in_king, found.months[-1].excluded) == (2 * len(LedgerState), 6, 2)
    assert found.months[-1].open == 2 * len(LedgerState) - 8


def test_weeks_and_months_have_no_gaps_also_over_new_year(tenant: Tenant) -> None:
    with tenants.scope(tenant):
        found = periods.figures(now=NOW.replace(year=2027, month=1, day=3))

    for shown in (found.weeks, found.months):
        assert all(
            earlier.last + datetime.timedelta(days=1) == later.first for earlier, later in itertools.pairwise(shown)
        )
    assert (found.months[0].first, found.months[-1].last) == (datetime.date(2026, 1, 1), datetime.date(2027, 1, 31))
    assert (found.weeks[-1].first, len(found.weeks)) == (datetime.date(2026, 12, 28), 13)


def test_a_sum_with_unknown_prices_says_so_and_undated_work_orders_are_named(page: Client, tenant: Tenant) -> None:
    worked(tenant, "2026-11-02", amount=Decimal(10))
    worked(tenant, "2026-11-02", amount=None)
    factories.work_order(tenant, work_date=None)

    shown = text(page.get(PAGE))

    assert "at least € 10.00" in shown
    assert "1 work order has no date and is not included." in shown


def test_causes_are_bars_with_their_numbers(page: Client, tenant: Tenant) -> None:
    why = [{"code": "no_article_number", "params": {}}]
    for _ in range(2):
        worked(tenant, "2026-11-02", state=LedgerState.REJECTED, reasons=why)

    shown = text(page.get(PAGE))

    assert "What stops work orders now" in shown
    [(address, count)] = re.findall(r'<li><a href="([^"]+)">.*?<strong>(\d+)</strong>', html(page.get(PAGE)), re.DOTALL)
    assert len(set(re.findall(r'href="/t/jansen/work-orders/\d+/', html(page.get(address))))) == int(count) == 2


def test_a_new_company_sees_no_empty_table(page: Client) -> None:
    assert "No work orders with a date in the last thirteen months." in text(page.get(PAGE))


def test_figures_are_of_now_and_no_work_order_is_read_for_them(page: Client, tenant: Tenant) -> None:
    worked(tenant, "2026-11-02")
    page.get(PAGE)
    worked(tenant, "2026-11-03")

    with CaptureQueriesContext(connection) as asked:
        shown = text(page.get(PAGE))

    assert "November 2026: 2 work orders," in shown
    assert not [each for each in asked.captured_queries if '"kingsync_workorder"."work_date" >=' in each["sql"]]


def test_strangers_do_not_learn_of_it(client: Client, people: People) -> None:
    client.force_login(people.stranger)

    assert client.get(PAGE).status_code == 404
