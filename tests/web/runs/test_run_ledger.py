"""The page of a run: its work orders by outcome, live, and what it did not reach."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web.shared import paging
from tests import factories
from tests.web.pages import html, text

RUNS = "/t/jansen/runs/"


@pytest.fixture
def run(tenant: Tenant) -> SyncRun:
    """Make an export that created two orders and had one refused, which is done meanwhile."""
    for number, state in ((1, "done"), (2, "done"), (3, "done")):
        factories.work_order(tenant, outsmart_id=f"700{number}", order_number=f"2025.{number}", state=state)
    outcomes = ["created 7001", "rejected 7003", "created 7002"]
    return factories.run(tenant, outcomes=outcomes, read_count=3, created_count=2, rejected_count=1)


def shown(client: Client, run: SyncRun, **asked: Any) -> list[str]:
    ledger = client.get(f"{RUNS}{run.pk}/", asked).context["ledger"]
    return [f"{ended.outcome} {ended.work_order}" for ended in ledger.rows]


def test_each_count_leads_to_exactly_its_work_orders(editor: Client, run: SyncRun) -> None:
    page = html(editor.get(f"{RUNS}{run.pk}/"))

    for name, outcome in (("read", "all"), ("created", "created"), ("rejected", "rejected")):
        assert f'<dd data-count="{name}"><a href="?outcome={outcome}#head-orders">' in page
    assert shown(editor, run, outcome="created") == ["created 2025.2", "created 2025.1"]
    assert shown(editor, run, outcome="rejected") == ["rejected 2025.3"]
    assert len(shown(editor, run, outcome="all")) == 3


def test_work_order_shows_what_the_run_made_of_it_and_how_it_is_now(editor: Client, run: SyncRun) -> None:
    page = text(editor.get(f"{RUNS}{run.pk}/", {"outcome": "rejected"}))

    assert "rejected 2025.3 De Boer done" in page


def test_work_order_that_the_ledger_does_not_have_is_named_by_its_number(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, outcomes=["skipped 99"], read_count=1, skipped_count=1)

    assert "OutSmart 99" in text(editor.get(f"{RUNS}{run.pk}/"))


def test_long_list_of_a_count_is_paged(editor: Client, tenant: Tenant) -> None:
    count = paging.PAGE_SIZE + 3
    run = factories.run(tenant, outcomes=[f"skipped {number}" for number in range(count)], skipped_count=count)

    first = editor.get(f"{RUNS}{run.pk}/", {"outcome": "skipped"}).context["ledger"]
    second = editor.get(f"{RUNS}{run.pk}/", {"outcome": "skipped", "after": first.next_after}).context["ledger"]

    numbers = [int(ended.outsmart_id) for ended in (*first.rows, *second.rows)]
    assert numbers == list(range(count))[::-1]
    assert second.next_after is None


@pytest.mark.parametrize("after", ["x", "-1", "²", "9" * 40])
def test_nonsense_in_the_address_shows_the_first_page(editor: Client, run: SyncRun, after: str) -> None:
    assert len(shown(editor, run, after=after, outcome="bogus")) == 3


def test_count_that_a_killed_worker_took_along_says_so(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, outcomes=["created 1"], read_count=3, created_count=3)

    page = text(editor.get(f"{RUNS}{run.pk}/", {"outcome": "created"}))

    assert "2 more were counted by a worker that was stopped before it could save which ones." in page


def test_open_export_shows_what_is_being_sent_and_the_last_ones(
    editor: Client, tenant: Tenant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    run = factories.run(tenant, status=RunStatus.RUNNING, outcomes=[f"created {n}" for n in range(7000, 7030)])
    for number in range(7000, 7030):
        factories.work_order(tenant, outsmart_id=str(number), state="done")
    factories.work_order(tenant, order_number="2025.9", state="sending", changed_at=timezone.now())

    with django_assert_max_num_queries(13):
        answer = editor.get(f"{RUNS}{run.pk}/", headers={"HX-Request": "true"})

    assert "being sent 2025.9" in text(answer)
    ids = [ended.outsmart_id for ended in answer.context["ledger"].rows]
    assert ids == [str(number) for number in range(7029, 7021, -1)]


def test_each_number_of_the_result_leads_to_as_many_work_orders(editor: Client, tenant: Tenant) -> None:
    outcomes = ["created 1", "rejected 2", "new_problem 2", "rejected 3", "still_waiting 3", "skipped 4"]
    counts: dict[str, Any] = {"read_count": 4, "created_count": 1, "rejected_count": 2, "skipped_count": 1}
    factories.run(tenant, outcomes=outcomes, attention_count=2, new_problems_count=1, **counts)

    for page in (RUNS, f"{RUNS}{SyncRun.across_tenants.get().pk}/", "/t/jansen/"):
        links = sentence_links(html(editor.get(page)))
        assert len(links) == 6, page
        for address, number in links:
            answer = editor.get(address)
            assert len(answer.context["ledger"].rows) == number, address
            assert answer.context["ledger"].missing == 0


def sentence_links(page: str) -> set[tuple[str, int]]:
    """Return the (address, number) of each number in the result of a run."""
    found = re.findall(r'<a href="(/t/jansen/runs/\d+/\?outcome=\w+)#head-orders">(\d+) ', page)
    return {(address, int(number)) for address, number in found}


def test_each_number_of_an_import_leads_to_as_many_records(editor: Client, tenant: Tenant) -> None:
    factories.record_link(tenant, kind="product", king_id="A1", name="Buis")
    outcomes = ["created product A1", "updated customer 10", "updated product A2", "rejected product "]
    counts: dict[str, Any] = {
        "read_count": 9,
        "created_count": 1,
        "updated_count": 2,
        "rejected_count": 1,
        "unchanged_count": 5,
    }
    by_kind = {"products": {"read": 8, "created": 1, "updated": 1, "rejected": 1}, "customers": {"updated": 1}}
    fields = counts | {"counts_by_kind": by_kind, "attention_count": 1, "new_problems_count": 1}
    run = factories.run(tenant, RunKind.IMPORT, outcomes=[*outcomes, "new_problem product "], **fields)

    page = html(editor.get(f"{RUNS}{run.pk}/"))

    links = sentence_links(page)
    links |= {(f"{RUNS}{run.pk}/{each.replace('&amp;', '&')}", int(number)) for each, number in dd_links(page)}
    assert {number for _, number in links} == {1, 2}
    assert len(links) == 4 + 4
    for address, number in links:
        assert len(editor.get(address).context["records"].rows) == number, address
    assert "Product A1 Buis" in text(editor.get(f"{RUNS}{run.pk}/?outcome=created"))


def dd_links(page: str) -> list[tuple[str, str]]:
    """Return the (address, number) of each linked number in the facts and in the table by kind."""
    return re.findall(r'<a href="(\?outcome=[^"#]+)#head-orders">(\d+)<span class="sr">', page)


def test_of_a_large_import_the_page_says_how_many_are_not_listed(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, RunKind.IMPORT, outcomes=["created product A1"], read_count=9, created_count=9)

    page = editor.get(f"{RUNS}{run.pk}/?outcome=created")

    assert "8 more are not listed: of each outcome a run keeps the first 1000 records." in text(page)
    assert not dd_links(html(page))


def test_number_that_is_kept_elsewhere_leads_there_or_says_that_it_is_not_kept(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, RunKind.IMPORT, rejected_count=1, created_count=1, read_count=2)
    factories.log_entry(run, event="record.rejected", level="error")

    answer = editor.get(f"{RUNS}{run.pk}/?outcome=rejected")

    assert answer["Location"] == f"/t/jansen/log/?run_number={run.number}&event=record&level=error"
    assert "has not kept which records" in text(editor.get(f"{RUNS}{run.pk}/?outcome=created"))


def test_imports_and_previews_have_no_ledger(editor: Client, tenant: Tenant) -> None:
    runs = [factories.run(tenant, RunKind.IMPORT), factories.run(tenant, options={"dry_run": True})]

    assert [editor.get(f"{RUNS}{run.pk}/").context["ledger"] for run in runs] == [None, None]


@pytest.mark.parametrize(("logged", "is_link"), [(2, True), (1, False)])
def test_count_of_an_import_leads_to_its_log_lines_if_each_has_one(
    editor: Client, tenant: Tenant, logged: int, is_link: bool
) -> None:
    run = factories.run(tenant, RunKind.IMPORT, rejected_count=2, read_count=2)
    for _ in range(logged):
        factories.log_entry(run, event="record.rejected", level="error")
    factories.log_entry(run, event="record.differs", level="warning")

    page = html(editor.get(f"{RUNS}{run.pk}/"))

    address = f"/t/jansen/log/?run_number={run.number}&amp;event=record&amp;level=error"
    assert (f'<dd data-count="rejected"><a href="{address}">' in page) is is_link
    if is_link:
        assert len(editor.get(address.replace("&amp;", "&")).context["page"].rows) == logged


def test_count_of_an_import_leads_to_the_records_while_these_are_as_many(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, RunKind.IMPORT, rejected_count=2, skipped_count=1, created_count=1, read_count=4)
    for number, state in enumerate(["rejected", "rejected", "skipped", "linked"]):
        factories.record_link(tenant, king_id=str(number), state=state)

    def links() -> list[tuple[str, str]]:
        page = html(editor.get(f"{RUNS}{run.pk}/"))
        return re.findall(r'<dd data-count="(\w+)"><a href="([^"]+)">', page)

    addresses = {name: f"/t/jansen/records/?state={name}" for name in ("skipped", "rejected")}
    assert dict(links()) == addresses
    assert [len(editor.get(address).context["page"].rows) for address in addresses.values()] == [1, 2]
    factories.record_link(tenant, king_id="9", state="skipped")
    assert [name for name, _ in links()] == ["rejected"]
    factories.run(tenant, RunKind.IMPORT)
    assert links() == []


# --- What was not reached ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"progress_total": 20, "read_count": 8},
            "12 work orders were not reached: they go along with the next export.",
        ),
        ({"progress_total": 9, "read_count": 8}, "1 work order was not reached: it goes along with the next export."),
        ({}, "The work orders had not been read yet: they go along with the next export."),
        ({"options": {"work_orders": ["1", "2"]}, "read_count": 1}, "1 selected work order was not reached."),
    ],
)
@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED])
def test_stopped_export_says_what_it_did_not_reach(
    editor: Client, tenant: Tenant, fields: dict[str, Any], said: str, status: RunStatus
) -> None:
    run = factories.run(tenant, status=status, **fields)

    assert said in text(editor.get(f"{RUNS}{run.pk}/"))
    assert said in text(editor.get(RUNS))


@pytest.mark.parametrize(
    ("progress_kind", "said"),
    [
        ("products", "Stopped in the middle of products. Not reached: orders."),
        ("customers", "Not reached: products, orders."),
    ],
)
def test_stopped_import_names_the_kinds_that_it_did_not_finish(
    editor: Client, tenant: Tenant, progress_kind: str, said: str
) -> None:
    left = {"kinds_left": ["products", "orders"], "progress_kind": progress_kind}
    run = factories.run(tenant, RunKind.IMPORT, RunStatus.FAILED, **left)

    assert said in text(editor.get(f"{RUNS}{run.pk}/"))
    assert said in text(editor.get(RUNS))


@pytest.mark.parametrize(
    "fields",
    [
        {"status": RunStatus.SUCCEEDED, "progress_total": 20, "read_count": 8},
        {"status": RunStatus.FAILED, "progress_total": 8, "read_count": 8},
        {"status": RunStatus.FAILED, "kind": RunKind.IMPORT},
        {"status": RunStatus.CANCELLED, "options": {"dry_run": True}},
    ],
)
def test_run_that_reached_all_or_sends_nothing_does_not_speak_of_it(
    editor: Client, tenant: Tenant, fields: dict[str, Any]
) -> None:
    run = factories.run(tenant, **fields)

    assert "not reached" not in text(editor.get(f"{RUNS}{run.pk}/"))
    assert "not been read" not in text(editor.get(f"{RUNS}{run.pk}/"))
