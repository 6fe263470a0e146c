"""The runs of a tenant and their log."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web.shared import paging
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text

RUNS = "/t/jansen/runs/"
MARCH = datetime.datetime(2025, 3, 1, 12, 30, tzinfo=datetime.UTC)


def keys(answer: Any) -> list[int]:
    """Return the runs on a page of the list, folded or not."""
    return [run.pk for line in answer.context["page"].rows for run in line.runs]


def test_runs_stand_newest_first_with_who_started_them(editor: Client, tenant: Tenant, people: People) -> None:
    factories.run(tenant, RunKind.IMPORT)
    factories.run(tenant, RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON, requested_by=people.owner)

    page = text(editor.get(RUNS))

    assert page.index("started by alice") < page.index("started by the schedule")


def test_runs_of_one_kind_only(editor: Client, tenant: Tenant) -> None:
    wanted = factories.run(tenant, RunKind.IMPORT)
    factories.run(tenant, RunKind.EXPORT)

    assert keys(editor.get(RUNS, {"kind": "import"})) == [wanted.pk]


def test_long_list_is_paged_by_key(editor: Client, tenant: Tenant) -> None:
    made = [factories.run(tenant, created_count=1).pk for _ in range(paging.PAGE_SIZE + 2)]

    first = editor.get(RUNS)
    second = editor.get(RUNS, {"before": first.context["page"].older})

    assert keys(first) + keys(second) == made[::-1]
    assert second.context["page"].older is None


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

    assert 'hx-trigger="moved"' in whole
    assert part.startswith('<div id="run"')


def test_stop_asks_a_working_run_to_end(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, status=RunStatus.RUNNING)

    page = text(editor.post(f"{RUNS}{run.pk}/cancel/", follow=True))

    run.refresh_from_db()
    assert run.cancel_requested
    assert "Stopping after the current record…" in page


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ({"kind": RunKind.IMPORT}, {"kind": "import"}),
        ({"status": RunStatus.PARTLY}, {"state": "partly"}),
        ({"trigger": SyncRun.Trigger.COMMAND}, {"trigger": "command"}),
        ({"started_at": MARCH}, {"until": "2025-03-01T13:30"}),
        ({"started_at": MARCH, "kind": RunKind.IMPORT}, {"since": "2025-03-01T13:30", "kind": "import"}),
    ],
)
def test_runs_are_narrowed_by_what_is_asked(
    editor: Client, tenant: Tenant, wanted: dict[str, Any], asked: dict[str, str]
) -> None:
    run = factories.run(tenant, **wanted)
    factories.run(tenant)

    assert keys(editor.get(RUNS, asked)) == [run.pk]


def test_filters_that_find_nothing_say_so(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant)

    assert "No runs found." in text(editor.get(RUNS, {"kind": "import"}))


def test_before_the_first_run_the_page_says_what_will_come(editor: Client, tenant: Tenant) -> None:
    assert "There are no runs yet. Every import and export is listed here" in text(editor.get(RUNS))


def test_list_says_how_long_runs_are_kept(editor: Client, tenant: Tenant) -> None:
    assert "Runs and log are kept for 90 days." in text(editor.get(RUNS))


def test_import_counts_by_kind(editor: Client, tenant: Tenant) -> None:
    by_kind = {"products": {"read": 7, "created": 2, "unchanged": 5}, "customers": {"read": 1, "rejected": 1}}
    run = factories.run(tenant, RunKind.IMPORT, counts_by_kind=by_kind)

    page = text(editor.get(f"{RUNS}{run.pk}/"))

    assert "Products 7 2 5 0" in page
    assert "Customers 1 0 0 1" in page


def test_run_leads_to_the_version_of_the_settings_that_it_used(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, settings_version=1)

    assert 'href="/t/jansen/settings/versions/#version-1"' in html(editor.get(f"{RUNS}{run.pk}/"))


def test_run_says_what_was_asked_for(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, RunKind.IMPORT, options={"kinds": ["products"], "full": True})

    page = text(editor.get(f"{RUNS}{run.pk}/"))

    assert "Products; everything, not only changes" in page


def test_trial_of_an_import_shows_changes_field_by_field(editor: Client, tenant: Tenant) -> None:
    samples = {
        "products": {
            "rejected": [{"king_id": "9", "name": "", "reason": {"code": "no_quantity", "params": {}}}],
            "updated": [
                {"king_id": "BUIS", "name": "Buis", "changes": {"name": ["Pijp", "Buis"], "price": [None, "6.40"]}}
            ],
        }
    }
    counts = {"products": {"updated": 12, "rejected": 1}}
    run = factories.run(
        tenant, RunKind.IMPORT, options={"dry_run": True}, dry_run_examples=samples, counts_by_kind=counts
    )

    answer = editor.get(f"{RUNS}{run.pk}/")

    assert "Products : 12 would be updated (1 shown) BUIS Buis" in text(answer)
    assert "<del>Pijp</del></td><td><ins>Buis</ins>" in html(answer)
    assert "<td>–</td><td><ins>6.40</ins>" in html(answer)
    assert "9 The quantity is empty." in text(answer)
    assert text(answer).index("12 would be updated") < text(answer).index("1 would be rejected")


def tried(tenant: Tenant) -> SyncRun:
    reasons = [{"code": "nothing_to_invoice", "params": {}}]
    line = {"kind": "material", "source": "Buis", "reference": "1", "action": "new", "article": "BUIS", "quantity": "2"}
    entries = [
        {"outsmart_id": "7002", "order_number": "2025.2", "action": "created", "reasons": [], "lines": [line]},
        {"outsmart_id": "7001", "order_number": "2025.1", "action": "skipped", "reasons": reasons},
        {"action": "failed", "reasons": reasons},
    ]
    options = {"dry_run": True}
    return factories.run(tenant, options=options, dry_run_examples={"work_orders": entries}, read_count=30)


def test_trial_of_an_export_shows_its_work_orders(editor: Client, tenant: Tenant) -> None:
    page = text(editor.get(f"{RUNS}{tried(tenant).pk}/"))

    assert "2 shown" in page
    assert "2025.2 A new King order would be created." in page
    assert "BUIS × 2" in page
    assert "2025.1 Nothing would be sent: the work order would be held." in page
    assert "Nothing to invoice" in page


def test_only_what_would_be_sent_can_be_exported_from_a_trial(editor: Client, tenant: Tenant) -> None:
    run = tried(tenant)

    assert text(editor.get(f"{RUNS}{run.pk}/")).count("Export this work order now") == 1

    factories.work_order(tenant, outsmart_id="7002", state="done")
    assert "Export this work order now" not in text(editor.get(f"{RUNS}{run.pk}/"))


def test_one_work_order_is_exported_from_a_trial(editor: Client, tenant: Tenant) -> None:
    trial = tried(tenant)

    answer = editor.post(f"{RUNS}{trial.pk}/export/", {"outsmart_id": "7002"})

    assert answer.headers["Location"] == f"/t/{tenant.slug}/"
    run = SyncRun.across_tenants.get(tenant=tenant, status=RunStatus.QUEUED)
    assert (run.kind, run.options) == (RunKind.EXPORT, {"work_orders": ["7002"]})


def test_work_order_that_a_trial_did_not_show_is_not_exported_from_it(editor: Client, tenant: Tenant) -> None:
    trial = tried(tenant)

    assert editor.post(f"{RUNS}{trial.pk}/export/", {"outsmart_id": "9"}).status_code == 404


def test_export_from_a_trial_waits_for_the_export_that_is_going_on(editor: Client, tenant: Tenant) -> None:
    trial = tried(tenant)
    factories.run(tenant, RunKind.EXPORT, RunStatus.RUNNING)

    answer = editor.post(f"{RUNS}{trial.pk}/export/", {"outsmart_id": "7002"}, follow=True)

    assert "An export is in progress. Try again when it has finished." in text(answer)


def test_records_of_a_real_run_are_no_examples(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, dry_run_examples={"work_orders": []})

    assert "Expected result" not in text(editor.get(f"{RUNS}{run.pk}/"))


def test_old_run_says_that_its_log_was_thrown_away(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, finished_at=timezone.now() - datetime.timedelta(days=91))

    assert "The log of this run has been deleted: it is kept for 90 days." in text(editor.get(f"{RUNS}{run.pk}/"))


def test_the_icon_is_found_at_its_old_address(client: Client) -> None:
    answer = client.get("/favicon.ico")

    assert answer.headers["Location"] == "/static/shared/mark.svg"
