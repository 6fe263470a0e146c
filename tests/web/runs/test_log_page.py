"""The log of a tenant across all runs, and its filters."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from kingsync.models.links import RecordLink
from kingsync.models.order_links import OrderLink
from kingsync.models.runs import LogEntry, RunKind, SyncRun
from kingsync.models.tenants import Administration, Tenant
from kingsync.web.shared import event_names, paging
from tests import factories
from tests.web.pages import html, text

LOG = "/t/jansen/log/"
CALL = {
    "system": "king",
    "operation": "Order_Toevoegen",
    "method": "POST",
    "query": {"Kenmerk": "<b>1</b>"},
    "body": '{"ExternOrderNummer": "OS-7001"}',
    "answer": '{"Melding": "Kredietlimiet"}',
    "status": 200,
    "seconds": 0.25,
    "attempt": 1,
    "reason": "rejected",
}


def found(browser: Client, **asked: str) -> list[int]:
    return [row.pk for row in browser.get(LOG, asked).context["page"].rows]


@pytest.fixture
def run(tenant: Tenant) -> SyncRun:
    return factories.run(tenant)


def test_entries_stand_newest_first_each_with_its_run(editor: Client, run: SyncRun) -> None:
    made = [factories.log_entry(run, code="unknown_debtor", params={"debtor": str(n)}).pk for n in (1, 2)]

    answer = editor.get(LOG)

    assert [row.pk for row in answer.context["page"].rows] == made[::-1]
    assert "King does not know customer 2." in text(answer)
    assert f'<a href="/t/jansen/runs/{run.pk}/">Export {run.number}</a>' in html(answer)


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ({"level": "error"}, {"level": "error"}),
        ({"record_kind": "product"}, {"record_kind": "product"}),
        ({"event": "order.rejected"}, {"event": "order.rejected"}),
        ({"event": "order.rejected"}, {"event": "order"}),
        ({"outsmart_id": "7001"}, {"number": "7001"}),
        ({"king_id": "20001"}, {"number": " 20001 "}),
        ({"at": datetime.datetime(2025, 3, 1, 12, 30, tzinfo=datetime.UTC)}, {"until": "2025-03-01T13:30"}),
    ],
)
def test_log_is_narrowed_by_what_is_asked(
    editor: Client, run: SyncRun, wanted: dict[str, Any], asked: dict[str, str]
) -> None:
    entry = factories.log_entry(run, **wanted)
    factories.log_entry(run, event="orders.other", outsmart_id="70011", king_id="200010")

    assert found(editor, **asked) == [entry.pk]


def test_log_is_narrowed_to_what_came_after_a_moment(editor: Client, run: SyncRun) -> None:
    factories.log_entry(run, at=timezone.now() - datetime.timedelta(days=2))
    young = factories.log_entry(run)
    since = timezone.localtime() - datetime.timedelta(days=1)

    assert found(editor, since=f"{since:%Y-%m-%dT%H:%M}") == [young.pk]


def test_log_is_narrowed_to_a_run(editor: Client, run: SyncRun, tenant: Tenant) -> None:
    entry = factories.log_entry(run)
    factories.log_entry(factories.run(tenant, RunKind.IMPORT))

    assert found(editor, run_number=str(run.number)) == [entry.pk]


@pytest.mark.parametrize("number", ["2025.100", "20001", "7001"])
def test_a_work_order_is_found_by_each_of_its_numbers(
    editor: Client, run: SyncRun, tenant: Tenant, number: str
) -> None:
    factories.work_order(tenant, outsmart_id="7001", order_number="2025.100", king_order_number="20001")
    entry = factories.log_entry(run, outsmart_id="7001")
    factories.log_entry(run, outsmart_id="7002")

    assert found(editor, number=number) == [entry.pk]


@pytest.mark.parametrize("kind", ["", "product"])
def test_number_of_a_former_king_order_finds_the_work_order(
    editor: Client, run: SyncRun, tenant: Tenant, kind: str
) -> None:
    row = factories.work_order(tenant, outsmart_id="7001", king_order_number="20002")
    OrderLink(tenant=tenant, work_order=row, king_order_number="20001", left_at=timezone.now()).save()
    entry = factories.log_entry(run, outsmart_id="7001", record_kind="work_order")

    assert found(editor, number="20001", record_kind=kind) == ([] if kind else [entry.pk])


def test_entries_name_their_work_order_or_record_and_lead_to_it(editor: Client, run: SyncRun, tenant: Tenant) -> None:
    row = factories.work_order(tenant, outsmart_id="7001", order_number="WB1", customer_name="De Boer")
    link = factories.record_link(tenant, kind="product", king_id="2001", name="Pomp")
    factories.log_entry(run, outsmart_id="7001", record_kind="work_order")
    factories.log_entry(run, king_id="2001", record_kind="product", event="record.rejected")

    page = html(editor.get(LOG))

    assert f'<a href="/t/jansen/work-orders/{row.pk}/"><b>Work order WB1</b></a> <span class="muted">De Boer' in page
    assert f'<a href="/t/jansen/records/{link.pk}/"><b>Product 2001</b></a> <span class="muted">Pomp</span>' in page
    assert "<p>The order was created in King.</p>" in page
    assert "<p>Record could not be sent</p>" in page
    assert "order.created</code>" not in page


def test_entry_names_the_work_order_of_the_administration_of_its_run(editor: Client, tenant: Tenant) -> None:
    former = Administration.objects.create(tenant=tenant, name="OUD", key="oud")
    before = factories.run(tenant, administration_id=former.pk)
    factories.work_order(tenant, outsmart_id="7001", order_number="NOW")
    factories.work_order(tenant, outsmart_id="7001", order_number="BEFORE", administration_id=former.pk)
    factories.log_entry(before, outsmart_id="7001")
    factories.log_entry(factories.run(tenant, RunKind.IMPORT), outsmart_id="7001")

    page = text(editor.get(LOG))

    assert page.index("Work order NOW") < page.index("Work order BEFORE")


def test_entries_of_unknown_work_orders_keep_their_number(editor: Client, run: SyncRun) -> None:
    factories.log_entry(run, outsmart_id="7001")

    assert "· OutSmart 7001" in text(editor.get(LOG))


def test_log_takes_as_many_queries_for_many_entries_as_for_one(
    editor: Client, run: SyncRun, tenant: Tenant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        factories.work_order(tenant, outsmart_id=f"{7000 + number}")
        factories.log_entry(run, outsmart_id=f"{7000 + number}")

    # the session, the person, the tenant with the role; kinds, keys, entries, work orders; what the title says is wrong
    with django_assert_max_num_queries(3 + 4 + 3):
        page = editor.get(LOG)

    assert [line for line in range(7000, 7020) if f"OutSmart {line}" in text(page)] == []  # each by its own number
    assert len(page.context["page"].rows) == 20


def test_records_that_were_left_out_are_shown_with_their_reason(editor: Client, tenant: Tenant) -> None:
    why = {"code": "unknown_debtor", "params": {"debtor": "12"}}
    factories.record_link(tenant, kind="product", king_id="2001", state=RecordLink.State.SKIPPED, reason=why)
    factories.record_link(tenant, kind="customer", king_id="2002", state=RecordLink.State.SKIPPED, reason=why)

    shown = text(editor.get(LOG, {"number": "2001"}))

    assert "Product 2001" in shown
    assert "King does not know customer 12." in shown
    assert "No results." not in shown
    assert "Customer 2002" not in text(editor.get(LOG, {"record_kind": "product"}))
    assert "Left out" not in text(editor.get(LOG))


def test_every_event_that_is_logged_has_a_name() -> None:
    sources = [
        path.read_text() for room in ("exports", "imports", "runs") for path in Path("kingsync", room).rglob("*.py")
    ]
    events = {
        event for source in sources for event in re.findall(r'"((?:order|record|import|restore)\.[a-z_]+)"', source)
    }

    assert len(events) > 20
    assert [event for event in sorted(events) if not event_names.name_of(event)] == []


def test_nothing_of_another_tenant_is_found(editor: Client, tenant: Tenant) -> None:
    other = factories.tenant()
    factories.work_order(other, outsmart_id="7001", order_number="2025.100")
    foreign = factories.run(other)
    factories.log_entry(foreign, outsmart_id="7001", king_id="1")

    assert [found(editor, **asked) for asked in ({}, {"number": "7001"}, {"run_number": str(foreign.number)})] == [
        [],
        [],
        [],
    ]


@pytest.mark.parametrize(
    "asked",
    [{"level": "loud"}, {"since": "yesterday"}, {"record_kind": "x"}, {"number": "x" * 300}],
)
def test_what_cannot_be_read_is_told_at_its_field_and_narrows_nothing(
    editor: Client, run: SyncRun, asked: dict[str, str]
) -> None:
    factories.log_entry(run)

    answer = editor.get(LOG, asked)

    assert len(answer.context["page"].rows) == 1
    assert 'class="errors"' in answer.content.decode()


def test_a_run_that_is_no_number_is_none(editor: Client, run: SyncRun) -> None:
    factories.log_entry(run)

    assert [found(editor, run_number=text) for text in ("x", "²", "-1", "9" * 18)] == [[]] * 4
    assert "No results." in text(editor.get(LOG, {"run_number": "x"}))


def test_filters_stay_when_paging(editor: Client, run: SyncRun) -> None:
    for _ in range(paging.PAGE_SIZE + 1):
        factories.log_entry(run, level=LogEntry.Level.ERROR)

    page = html(editor.get(LOG, {"level": "error"}))

    assert 'href="?level=error&amp;before=' in page
    assert '<option value="error" selected>' in page


def test_empty_log_says_what_will_come(editor: Client, tenant: Tenant) -> None:
    assert "Imports and exports log here what they did, record by record" in text(editor.get(LOG))


def test_the_call_behind_an_entry_can_be_opened(editor: Client, run: SyncRun) -> None:
    factories.log_entry(run, level=LogEntry.Level.ERROR, detail={"call": CALL})

    page = html(editor.get(LOG))

    assert '<details class="call">' in page
    assert "POST Order_Toevoegen" in page
    assert "HTTP 200 · 0.25 seconds, attempt 1" in page
    assert "OS-7001" in page
    assert "Kredietlimiet" in page


def test_what_was_sent_cannot_become_part_of_the_page(editor: Client, run: SyncRun) -> None:
    factories.log_entry(run, detail={"call": CALL | {"answer": "<script>alert(1)</script>"}})

    page = html(editor.get(LOG))

    assert "<script>alert" not in page
    assert "<b>1</b>" not in page


def test_entries_without_a_call_offer_none(editor: Client, run: SyncRun) -> None:
    factories.log_entry(run)

    assert '<details class="call">' not in html(editor.get(LOG))


@pytest.mark.parametrize("asked", ["key", "x", "9" * 18, "9" * 30])
def test_a_bookmark_with_the_key_of_a_run_leads_to_its_log_or_to_none(
    editor: Client, run: SyncRun, tenant: Tenant, asked: str
) -> None:
    entry = factories.log_entry(run)
    factories.log_entry(factories.run(tenant, RunKind.IMPORT))

    page = editor.get(LOG, {"run": run.pk if asked == "key" else asked, "level": entry.level}, follow=True)

    assert [each.pk for each in page.context["page"].rows] == ([entry.pk] if asked == "key" else [])
    assert page.request["QUERY_STRING"].startswith(f"level={entry.level}&run_number=")
