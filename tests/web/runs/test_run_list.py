"""Runs of the schedule that found nothing new share one line of the list."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web.runs import run_list
from kingsync.web.shared import paging
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text

RUNS = "/t/jansen/runs/"


def quiet(tenant: Tenant, count: int, **fields: Any) -> list[SyncRun]:
    return [factories.run(tenant, list(RunKind)[number % 2], **fields) for number in range(count)]


def sizes(client: Client, **asked: Any) -> list[int]:
    """Return how many runs each line of the list holds."""
    return [len(line.runs) for line in client.get(RUNS, asked).context["page"].rows]


def test_quiet_runs_in_a_row_are_one_line_that_can_be_opened(editor: Client, tenant: Tenant) -> None:
    runs = quiet(tenant, 14)

    answer = editor.get(RUNS)

    assert "14 runs, nothing new" in text(answer)
    for run in runs:
        assert f'<a href="{RUNS}{run.pk}/">{str(run).capitalize()}</a>' in html(answer)


@pytest.mark.parametrize(
    "fields",
    [
        {"created_count": 1},
        {"updated_count": 1},
        {"deactivated_count": 1},
        {"attention_count": 1, "new_problems_count": 1, "status": RunStatus.PARTLY},
        {"status": RunStatus.FAILED},
        {"status": RunStatus.CANCELLED},
        {"status": RunStatus.RUNNING},
        {"trigger": SyncRun.Trigger.BUTTON},
        {"options": {"dry_run": True}},
        {"attention_count": 2},
    ],
)
def test_run_with_news_stands_between_those_without(editor: Client, tenant: Tenant, fields: dict[str, Any]) -> None:
    quiet(tenant, 4)
    factories.run(tenant, **fields)
    quiet(tenant, 3)

    assert sizes(editor) == [3, 1, 4]


def test_runs_with_as_much_still_waiting_are_folded_and_say_so(editor: Client, tenant: Tenant) -> None:
    for _ in range(3):
        factories.run(tenant, RunKind.EXPORT, attention_count=2, rejected_count=2)
        factories.run(tenant, RunKind.IMPORT)

    page = text(editor.get(RUNS))

    assert "6 runs, nothing new" in page
    assert "Export 5: 2 still waiting" in page


def test_two_quiet_runs_are_not_folded(editor: Client, tenant: Tenant) -> None:
    quiet(tenant, 2)

    assert sizes(editor) == [1, 1]


@pytest.mark.parametrize("at_once", [2, 3, 8])
def test_pages_of_folded_runs_miss_none_and_repeat_none(
    editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(run_list, "RUNS_READ", 8)
    monkeypatch.setattr(run_list, "READ_AT_ONCE", at_once)
    monkeypatch.setattr(paging, "PAGE_SIZE", 2)
    for _ in range(3):
        quiet(tenant, 5)
        factories.run(tenant, created_count=1)
        factories.run(tenant, updated_count=1)

    shown, pages = list[int](), 0
    before: int | str | None = ""
    while before is not None:
        page = editor.get(RUNS, {"before": before}).context["page"]
        assert len(page.rows) <= 2
        shown += [run.number for line in page.rows for run in line.runs]
        before, pages = page.older, pages + 1

    assert shown == list(range(21, 0, -1))
    assert pages >= 4


def limits_of(browser: Client) -> list[str]:
    """Return how many runs each statement of the list asks for."""
    with CaptureQueriesContext(connection) as asked:
        browser.get(RUNS)
    about_runs = [each["sql"] for each in asked.captured_queries if "kingsync_syncrun" in each["sql"]]
    # The title asks for the newest run of each kind.
    return [each.rpartition("LIMIT ")[2] for each in about_runs if " UNION " not in each]


def test_a_page_of_quiet_runs_reads_parts_up_to_a_bound(
    editor: Client, tenant: Tenant, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_list, "RUNS_READ", 25)
    monkeypatch.setattr(run_list, "READ_AT_ONCE", 10)
    quiet(tenant, 30, requested_by=people.owner)

    assert limits_of(editor) == ["11", "11", "6"]


def test_a_page_reads_no_more_once_it_is_full(editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "READ_AT_ONCE", 10)
    monkeypatch.setattr(paging, "PAGE_SIZE", 5)
    for _each in range(30):
        factories.run(tenant, created_count=1)

    assert limits_of(editor) == ["11"]
