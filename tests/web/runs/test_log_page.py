"""The log of a tenant across all runs, and its filters."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kingsync.models.runs import LogEntry, RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web.shared import paging
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

    assert found(editor, run=str(run.number)) == [entry.pk]


@pytest.mark.parametrize("number", ["2025.100", "20001", "7001"])
def test_a_work_order_is_found_by_each_of_its_numbers(
    editor: Client, run: SyncRun, tenant: Tenant, number: str
) -> None:
    factories.work_order(tenant, outsmart_id="7001", order_number="2025.100", king_order_number="20001")
    entry = factories.log_entry(run, outsmart_id="7001")
    factories.log_entry(run, outsmart_id="7002")

    assert found(editor, number=number) == [entry.pk]


def test_nothing_of_another_tenant_is_found(editor: Client, tenant: Tenant) -> None:
    other = factories.tenant()
    factories.work_order(other, outsmart_id="7001", order_number="2025.100")
    foreign = factories.run(other)
    factories.log_entry(foreign, outsmart_id="7001", king_id="1")

    assert [found(editor, **asked) for asked in ({}, {"number": "7001"}, {"run": str(foreign.pk)})] == [[], [], []]


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

    assert [found(editor, run=text) for text in ("x", "²", "-1")] == [[], [], []]
    assert "No results." in text(editor.get(LOG, {"run": "x"}))


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
