"""The runs of a tenant and their log."""

from __future__ import annotations

from django.test import Client

from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web import paging
from tests import factories
from tests.web.conftest import People
from tests.web.pages import text

RUNS = "/t/jansen/runs/"


def test_runs_stand_newest_first_with_who_started_them(editor: Client, tenant: Tenant, people: People) -> None:
    factories.run(tenant, RunKind.IMPORT)
    factories.run(tenant, RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON, requested_by=people.owner)

    page = text(editor.get(RUNS))

    assert page.index("started by alice") < page.index("started by the schedule")


def test_runs_of_one_kind_only(editor: Client, tenant: Tenant) -> None:
    wanted = factories.run(tenant, RunKind.IMPORT)
    factories.run(tenant, RunKind.EXPORT)

    rows = editor.get(RUNS, {"kind": "import"}).context["page"].rows

    assert [row.pk for row in rows] == [wanted.pk]


def test_long_list_is_paged_by_key(editor: Client, tenant: Tenant) -> None:
    made = [factories.run(tenant).pk for _ in range(paging.PAGE_SIZE + 2)]

    first = editor.get(RUNS).context["page"]
    second = editor.get(RUNS, {"before": first.older}).context["page"]

    assert [row.pk for row in [*first.rows, *second.rows]] == made[::-1]
    assert second.older is None


def test_nonsense_as_a_page_is_the_first_page(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant)

    answers = [editor.get(RUNS, {"before": before}) for before in ("x", "-1", "9" * 40, "²")]

    assert [len(answer.context["page"].rows) for answer in answers] == [1, 1, 1, 1]


def test_run_shows_its_counts_and_its_log_as_sentences(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, status=RunStatus.PARTLY, read_count=7, rejected_count=1)
    factories.log_entry(run, code="unknown_debtor", params={"debtor": "1234"}, level=LogEntry.Level.WARNING)

    answer = editor.get(f"{RUNS}{run.pk}/")

    assert '<dd data-count="read">7</dd>' in answer.content.decode()
    assert "King does not know customer 1234." in text(answer)


def test_log_can_be_narrowed_to_errors(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant)
    factories.log_entry(run, event="order.created")
    factories.log_entry(run, event="order.failed", level=LogEntry.Level.ERROR)

    page = editor.get(f"{RUNS}{run.pk}/", {"level": "error"}).context["page"]

    assert [entry.event for entry in page.rows] == ["order.failed"]


def test_open_run_refreshes_only_its_part(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, status=RunStatus.RUNNING)

    whole = editor.get(f"{RUNS}{run.pk}/").content.decode()
    part = editor.get(f"{RUNS}{run.pk}/", headers={"HX-Request": "true"}).content.decode()

    assert 'hx-trigger="every 1s"' in whole
    assert part.startswith('<div id="run"')


def test_stop_asks_a_working_run_to_end(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, status=RunStatus.RUNNING)

    page = text(editor.post(f"{RUNS}{run.pk}/cancel/", follow=True))

    run.refresh_from_db()
    assert run.cancel_requested
    assert "Stopping after this record…" in page
