"""A large ledger: its numbers are kept and never wrong after a decision, and a search reads no more than it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kingsync.exports.overview import ledger_counts
from kingsync.manual_actions import actions
from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.web.shared import paging
from kingsync.web.start import dashboard
from kingsync.web.work_orders import list_search
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text

LEDGER = "/t/jansen/work-orders/"


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Count each ledger as a large one, and few rows as many."""
    monkeypatch.setattr(ledger_counts, "COUNTED_EACH_TIME", 1)
    monkeypatch.setattr(list_search, "NEWEST", 10)
    monkeypatch.setattr(list_search, "COUNTED", 8)
    monkeypatch.setattr(paging, "PAGE_SIZE", 4)
    yield
    cache.clear()


def statements(browser: Client, address: str = LEDGER, **query: str) -> list[str]:
    """Return what a page asks of the ledger."""
    with CaptureQueriesContext(connection) as asked:
        browser.get(address, query)
    return [each["sql"] for each in asked.captured_queries if "_workorder" in each["sql"]]


def test_no_work_order_is_read_for_the_numbers_of_the_list(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, state="done", amount=Decimal("10.50"))
    factories.work_order(tenant, state="held", amount=Decimal("2.00"))

    asked = [*statements(editor), *statements(editor, state="held"), *statements(editor, since="2020-01-01")]

    assert not [each for each in asked if "COUNT(" in each or "SUM(" in each]
    assert "Sum of these 2 work orders: € 12.50" in text(editor.get(LEDGER))
    assert "Amount of this 1 work order: € 2.00" in text(editor.get(LEDGER, {"state": "held"}))


def test_the_sum_of_another_filter_is_kept_for_a_while_until_somebody_decides(
    editor: Client, tenant: Tenant, people: People
) -> None:
    row = factories.work_order(tenant, state="held", amount=Decimal(2))
    editor.get(LEDGER, {"king": "no"})
    factories.work_order(tenant, state="done", amount=Decimal(1), king_order_number=None)

    kept = text(editor.get(LEDGER, {"king": "no"}))
    with tenants.scope(tenant):
        actions.exclude(work_orders=[row.pk], by=people.editor, reason="double")

    assert "Amount of this 1 work order: € 2.00" in kept
    assert "Sum of these 2 work orders: € 3.00" in text(editor.get(LEDGER, {"king": "no"}))


def test_a_decision_shows_at_once_also_where_another_process_counted(
    editor: Client, tenant: Tenant, people: People
) -> None:
    row = factories.work_order(tenant, state="held")
    factories.work_order(tenant, state="done")
    before = text(editor.get(LEDGER))

    with tenants.scope(tenant):
        actions.exclude(work_orders=[row.pk], by=people.editor, reason="double")

    assert "All 2 Need attention 1 Held 1 Done 1" in before
    assert "All 2 Need attention 0 Done 1 Excluded 1" in text(editor.get(LEDGER))


def test_title_counts_anew_what_needs_attention(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, state="done")
    before = html(editor.get(LEDGER))
    factories.work_order(tenant, state="held")

    assert "<title>Work orders" in before
    assert "<title>(1) Work orders" in html(editor.get(LEDGER))


def test_what_is_open_is_counted_by_the_columns_of_its_own_index_alone(tenant: Tenant) -> None:
    """Any other column would have each row read."""
    (index,) = (each for each in WorkOrder._meta.indexes if each.name == "work_orders_open")
    with tenants.scope(tenant), CaptureQueriesContext(connection) as asked:
        ledger_counts.by_state(ledger_counts.OPEN)

    columns = set(re.findall(r'"kingsync_workorder"\."(\w+)"', asked.captured_queries[-1]["sql"]))
    assert columns == {"tenant_id", "administration_id", "state"}
    assert {name.removesuffix("_id") for name in columns} == set(index.fields)
    assert index.condition == ~Q(state__in=sorted(set(LedgerState.values) - set(ledger_counts.OPEN)))


# --- The search -----------------------------------------------------------------------------------------------------


def made(tenant: Tenant, *names: str) -> None:
    for name in names:
        factories.work_order(tenant, customer_name=name, amount=Decimal(1))


def numbers(browser: Client, **query: str) -> list[str]:
    """Return all pages of a list."""
    found, before = [], ""
    while True:
        page = browser.get(LEDGER, query | ({"before": before} if before else {})).context["page"]
        found += [row.order_number for row in page.rows]
        if page.older is None:
            return found
        before = str(page.older)


def everything(tenant: Tenant, name: str, **also: str) -> list[str]:
    rows = WorkOrder.across_tenants.filter(tenant=tenant, customer_name=name, **also).order_by("-pk")
    return list(rows.values_list("order_number", flat=True))


LEDGERS = {
    "frequent": ["Smit", "Boer"] * 15,
    "rare": ["Smit"] * 2 + ["Boer"] * 25,
    "only among the oldest": ["Smit"] * 12 + ["Boer"] * 15,
    "only among the newest": ["Boer"] * 20 + ["Smit"] * 9,
    "in the middle": ["Boer"] * 12 + ["Smit"] * 7 + ["Boer"] * 12,
    "in few rows": ["Smit", "Boer", "Smit"],
}


@pytest.mark.parametrize("names", LEDGERS.values(), ids=LEDGERS)
@pytest.mark.parametrize("search", ["smit", "sm"])
def test_pages_have_every_work_order_once_wherever_it_stands(
    editor: Client, tenant: Tenant, names: list[str], search: str
) -> None:
    made(tenant, *names)
    factories.work_order(factories.tenant(), customer_name="Smit")

    assert numbers(editor, q=search) == everything(tenant, "Smit")


@pytest.mark.parametrize("names", LEDGERS.values(), ids=LEDGERS)
def test_up_to_a_bound_the_found_ones_are_counted_and_beyond_it_more_are_said(
    editor: Client, tenant: Tenant, names: list[str]
) -> None:
    made(tenant, *names)
    count = names.count("Smit")

    page = text(editor.get(LEDGER, {"q": "smit"}))

    told = re.search(r"Sum of these \d+ work orders: € \d+\.\d\d|More than \d+ work orders", page)
    assert told
    assert told[0] == (f"Sum of these {count} work orders: € {count}.00" if count <= 8 else "More than 8 work orders")


def test_other_filters_hold_in_a_search(editor: Client, tenant: Tenant) -> None:
    for number in range(30):
        state = "held" if number % 3 == 0 else "done"
        factories.work_order(tenant, customer_name="Smit" if number < 20 else "Boer", state=state)

    assert numbers(editor, q="smit", state="held") == everything(tenant, "Smit", state="held")
    assert numbers(editor, q="smit", sort="number") == sorted(everything(tenant, "Smit"))
    assert "Sum of these 7 work orders" in text(editor.get(LEDGER, {"q": "smit", "state": "held"}))


def test_no_action_on_all_is_offered_of_more_than_were_counted(editor: Client, tenant: Tenant) -> None:
    made(tenant, *["Smit"] * 9)

    assert editor.get(LEDGER, {"q": "smit"}).context["all_count"] == 0
    assert editor.get(LEDGER, {"q": "smit", "state": "waiting"}).context["all_count"] == 0
    assert editor.get(LEDGER).context["all_count"] == 9


def test_a_frequent_text_is_looked_for_in_the_newest_rows_and_no_others(editor: Client, tenant: Tenant) -> None:
    made(tenant, *["Smit"] * 30)

    asked = [each for each in statements(editor, q="smit") if "searched" in each]

    assert all("LIMIT" in each for each in asked)
    assert not any("MATERIALIZED" in each for each in asked)


def test_a_rare_text_is_looked_up_in_the_index_of_texts_once(editor: Client, tenant: Tenant) -> None:
    made(tenant, *["Smit"] * 2, *["Boer"] * 25)

    asked = [each for each in statements(editor, q="smit") if "searched" in each]

    assert sum("MATERIALIZED" in each for each in asked) == 1
    assert len(asked) == 2


# --- The start page --------------------------------------------------------------------------------------------------


def test_start_page_keeps_what_it_read_many_rows_for_until_somebody_decides(
    editor: Client, tenant: Tenant, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "MANY", 1)
    reasons = [{"code": "no_debtor", "params": {}}]
    rows = [factories.work_order(tenant, state="held", reasons=reasons, exported_at=timezone.now()) for _ in range(2)]

    asked = [statements(editor, "/t/jansen/"), statements(editor, "/t/jansen/")]
    with tenants.scope(tenant):
        actions.exclude(work_orders=[rows[0].pk], by=people.editor, reason="double")
    after = editor.get("/t/jansen/").context["dashboard"]

    read = [[each for each in found if "reasons" in each or "exported_at" in each] for found in asked]
    assert (len(read[0]) > 0, read[1]) == (True, [])
    assert (after.figures.person, [each.count for each in after.causes]) == (1, [1])
