"""The pages of statements: what they show, who signs, and what they tell of later changes."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.statements.signed import SignedStatement
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from tests import factories
from tests.statements import months
from tests.statements.months import signed, worked
from tests.web.conftest import People
from tests.web.pages import html, text

PAGE = "/t/jansen/statements/2025-10/"
SEEN = re.compile(r'name="seen" value="(\w+)"')


@pytest.fixture
def owner(english: Client, people: People) -> Client:
    english.force_login(people.owner)
    return english


def seen(browser: Client) -> str:
    found = SEEN.search(html(browser.get(PAGE)))
    assert found
    return found[1]


def test_every_work_order_of_a_month_is_in_one_state(owner: Client, tenant: Tenant) -> None:
    months.every_state(tenant)

    shown = html(owner.get(PAGE))

    of_month = "/t/jansen/work-orders/?since=2025-10-01&until=2025-10-31"
    assert {(f"{of_month}&state={state.value}", 1) for state in LedgerState} <= set(counted(shown))
    assert "October 2025: 11 work orders, 3 in King, 7 open, 1 excluded, € 300.00" in text(owner.get(PAGE))


COUNTED = re.compile(r'<a (?:class="warn" )?href="(/t/jansen/work-orders/\?[^"]+)">(\d+)</a>')


def counted(page: str) -> list[tuple[str, int]]:
    """Return the (address, number) of each number of work orders that is a link."""
    return [(address.replace("&amp;", "&"), int(number)) for address, number in COUNTED.findall(page)]


@pytest.mark.parametrize("page", ["statements/{}/", "statements/", "figures/?by=month"])
def test_every_number_of_work_orders_leads_to_as_many(owner: Client, tenant: Tenant, page: str) -> None:
    last_month = timezone.localdate().replace(day=1) - datetime.timedelta(days=1)
    for number, state in enumerate(LedgerState, start=1):
        worked(tenant, f"{last_month:%Y-%m}-{number:02}", state)

    links = counted(html(owner.get(f"/t/jansen/{page.format(last_month.strftime('%Y-%m'))}")))

    assert {number for _, number in links} >= {1, 11}
    for address, number in set(links):
        rows = re.findall(r'href="/t/jansen/work-orders/\d+/', html(owner.get(address)))
        assert len(set(rows)) == number, address


def test_a_statement_of_a_day_counts_that_day_only(owner: Client, tenant: Tenant) -> None:
    worked(tenant, "2025-10-07")
    worked(tenant, "2025-10-08")

    page = text(owner.get("/t/jansen/statements/2025-10-07/"))

    assert "Statement of 7 October 2025" in page
    assert "1 work order, 1 in King" in page
    assert "Signature" not in page


@pytest.mark.parametrize("period", ["2025-13", "x", "2025-10-32"])
def test_a_period_that_does_not_exist_is_not_found(owner: Client, period: str) -> None:
    assert owner.get(f"/t/jansen/statements/{period}/").status_code == 404


def test_the_month_that_is_entered_is_shown(owner: Client) -> None:
    found = owner.get("/t/jansen/statements/find/", {"month": "2025-10"})
    wrong = owner.get("/t/jansen/statements/find/", {"month": "october"}, follow=True)

    assert found.headers["Location"] == PAGE
    assert "Enter a month as year and month, such as 2026-11." in text(wrong)


def test_agreement_says_what_is_only_in_outsmart(owner: Client, tenant: Tenant) -> None:
    factories.run(
        tenant,
        cursor={"asked_at": "2025-11-01T10:00:00+00:00", "listed": 3, "unseen": 1, "named": ["7777"], "newest": 0},
    )

    page = text(owner.get(PAGE))

    assert "OutSmart Last asked 1 November 2025 11:00: 3 work orders were ready for King, of all dates." in page
    assert "1 of them is not in kingsync yet. OutSmart numbers: 7777" in page


def test_agreement_says_what_was_read_back_from_king(owner: Client, tenant: Tenant) -> None:
    at = datetime.datetime(2025, 10, 9, 8, tzinfo=datetime.UTC)
    worked(tenant, king_checked_at=at, notices=[{"code": "king_header_changed", "params": {}}])
    worked(tenant, king_checked_at=at, notices=[{"code": "delivered_in_king", "params": {}}], king_closed_at=at)
    worked(tenant)

    page = text(owner.get(PAGE))

    assert "2 of 3 work orders with a King order were read back from King." in page
    assert "1 of them is on an order that King has closed." in page
    assert "1 of them differs in King." in page
    assert "the last one 9 October 2025 10:00" in page


def test_an_owner_signs_a_month(owner: Client, tenant: Tenant, people: People) -> None:
    worked(tenant)

    page = owner.post(f"{PAGE}sign/", {"seen": seen(owner), "remark": "All checked"}, follow=True)

    assert "October 2025 has been signed." in text(page)
    shown = text(page)
    assert "All checked" in shown
    assert people.owner.email in shown
    assert "as signed" in shown
    with tenants.scope(tenant):
        statement = SignedStatement.objects.get()
    assert statement.digest in shown
    assert "signed" in text(owner.get("/t/jansen/statements/"))


def test_open_work_orders_are_named_and_must_be_accepted(owner: Client, tenant: Tenant) -> None:
    worked(tenant, state=LedgerState.REJECTED, order_number="WB-OPEN", reasons=[{"code": "internal", "params": {}}])
    page = text(owner.get(PAGE))
    assert "WB-OPEN" in page
    assert "I accept that 1 work order of this month is open." in page

    refused = owner.post(f"{PAGE}sign/", {"seen": seen(owner)}, follow=True)
    assert "Not signed: tick that you accept" in text(refused)

    done = owner.post(f"{PAGE}sign/", {"seen": seen(owner), "accepted": "on"}, follow=True)
    assert "Open when it was signed" in text(done)
    assert "WB-OPEN" in text(done)


def test_what_changed_while_the_page_was_open_is_not_signed(owner: Client, tenant: Tenant) -> None:
    worked(tenant)
    mark = seen(owner)
    worked(tenant)

    page = owner.post(f"{PAGE}sign/", {"seen": mark, "accepted": "on"}, follow=True)

    assert "Not signed: work orders of this month changed in the meantime." in text(page)


def test_a_remark_that_is_too_long_is_refused(owner: Client, tenant: Tenant) -> None:
    page = owner.post(f"{PAGE}sign/", {"seen": seen(owner), "remark": "x" * 501}, follow=True)

    assert "at most 500 characters" in text(page)
    with tenants.scope(tenant):
        assert not SignedStatement.objects.exists()


def test_this_month_is_signed_as_preliminary_only(owner: Client, tenant: Tenant) -> None:
    this_month = f"/t/jansen/statements/{timezone.localdate():%Y-%m}/"
    mark = SEEN.search(html(owner.get(this_month)))
    assert mark

    page = owner.post(f"{this_month}sign/", {"seen": mark[1], "accepted": "on"}, follow=True)

    assert "Preliminary: the month was not over when this was signed." in text(page)


def test_members_who_may_not_sign_are_told_who_may(viewer: Client, tenant: Tenant) -> None:
    page = html(viewer.get(PAGE))

    assert "An owner can sign this month." in page
    assert "sign/" not in page


def test_what_changed_after_signing_is_told_on_both_pages(owner: Client, tenant: Tenant, people: People) -> None:
    row = worked(tenant)
    statement = signed(tenant, people.owner)
    WorkOrder.across_tenants.filter(pk=row.pk).update(state=LedgerState.CHANGED, amount=Decimal("7.50"))
    worked(tenant, order_number="WB-LATE")

    for address in (PAGE, f"/t/jansen/signed-statements/{statement.pk}/"):
        page = text(owner.get(address))
        assert "1 new work order, 1 work order in another state." in page
        assert "WB-LATE" in page
        assert "done, € 100.00" in page
        assert "changed afterwards, € 7.50" in page
    assert "2 work orders of October 2025 changed since the month was signed." in text(owner.get("/t/jansen/"))
    assert "changed since" in text(owner.get("/t/jansen/statements/"))

    owner.post(f"{PAGE}sign/", {"seen": seen(owner), "accepted": "on"})

    assert "changed since the month was signed" not in text(owner.get("/t/jansen/"))
    older = text(owner.get(f"/t/jansen/signed-statements/{statement.pk}/"))
    assert "This month was signed again later." in older


def test_a_statement_of_another_company_is_not_found(owner: Client, people: People) -> None:
    elsewhere = Tenant.objects.get(slug="elsewhere")
    statement = signed(elsewhere, people.stranger)

    for ending in ("", "xlsx/", "pdf/"):
        assert owner.get(f"/t/jansen/signed-statements/{statement.pk}/{ending}").status_code == 404


def test_a_large_month_takes_as_many_queries_as_a_small_one(owner: Client, tenant: Tenant, people: People) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            owner.get(PAGE)
        return len(captured)

    worked(tenant)
    signed(tenant, people.owner)
    queries()
    few = queries()
    for number in range(60):
        worked(tenant, f"2025-10-{number % 30 + 1:02}", LedgerState.values[number % len(LedgerState)])

    assert queries() <= few + 3
