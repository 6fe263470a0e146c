"""The start page: connections, counts, the two buttons and the live part."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from kingsync.exports.overview import causes
from kingsync.models.connections import Connection, System
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text

START = "/t/jansen/"
LIVE = "/t/jansen/live/export/"
EXPORT = "/t/jansen/start/export/"
HTMX = {"HX-Request": "true"}


def reason(code: str, **params: str) -> dict[str, object]:
    return {"code": code, "params": params}


def local(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=timezone.get_default_timezone())  # type: ignore[misc,arg-type]


def test_buttons_read_as_agreed(editor: Client) -> None:
    page = editor.get(START).content.decode()

    assert re.findall(r'<button class="primary"[^>]*>([^<]*)<', page) == ["Import", "Export workorders"]


def test_buttons_read_as_agreed_in_dutch(client: Client, people: People) -> None:
    client.cookies["django_language"] = "nl"
    client.force_login(people.editor)

    page = client.get(START).content.decode()

    assert re.findall(r'<button class="primary"[^>]*>([^<]*)<', page) == ["Importeren", "Werkbonnen exporteren"]


def test_viewer_has_no_buttons(viewer: Client) -> None:
    assert "/t/jansen/start/" not in viewer.get(START).content.decode()


def test_button_starts_a_run_in_the_name_of_the_person(editor: Client, tenant: Tenant, people: People) -> None:
    answer = editor.post(EXPORT, headers=HTMX)

    run = SyncRun.across_tenants.get(tenant=tenant)
    assert (run.kind, run.trigger, run.requested_by) == (RunKind.EXPORT, SyncRun.Trigger.BUTTON, people.editor)
    assert "queued" in text(answer)


@pytest.mark.parametrize(
    ("kind", "chosen", "options"),
    [
        ("import", {}, {}),
        ("import", {"kinds": "", "full": ""}, {}),
        ("import", {"kinds": "products"}, {"kinds": ["products"]}),
        ("import", {"kinds": ["products", "orders"], "full": "1"}, {"kinds": ["products", "orders"], "full": True}),
        ("import", {"dry_run": "1"}, {"dry_run": True}),
        ("export", {"dry_run": "1"}, {"dry_run": True}),
        ("export", {"kinds": "products", "full": "1"}, {}),
    ],
)
def test_what_was_chosen_beside_the_button_is_what_the_run_does(
    editor: Client, tenant: Tenant, kind: str, chosen: dict[str, Any], options: dict[str, Any]
) -> None:
    editor.post(f"/t/jansen/start/{kind}/", chosen)

    assert SyncRun.across_tenants.get(tenant=tenant).options == options


def test_import_of_a_kind_that_there_is_not_is_not_found(editor: Client, tenant: Tenant) -> None:
    answer = editor.post("/t/jansen/start/import/", {"kinds": ["products", "secrets"]})

    assert answer.status_code == 404
    assert not SyncRun.across_tenants.filter(tenant=tenant).exists()


@pytest.mark.parametrize(
    ("going_on", "wished", "told"),
    [
        ({"dry_run": True}, {}, "A preview is in progress, which writes nothing."),
        ({"work_orders": ["1"]}, {}, "A partial run is in progress: 1 selected work order."),
        ({}, {"dry_run": "1"}, "Another run is in progress."),
    ],
)
def test_wish_that_a_joined_run_does_not_do_is_told_until_it_is_over(
    editor: Client, tenant: Tenant, going_on: dict[str, Any], wished: dict[str, str], told: str
) -> None:
    run = factories.run(tenant, status=RunStatus.RUNNING, options=going_on)

    answer = editor.post(EXPORT, wished, headers=HTMX)
    [asks_again] = re.findall(r'hx-get="(/t/jansen/live/export/\?joined=[^"]+)"', html(answer).replace("&amp;", "&"))
    a_second_later = editor.get(asks_again, headers=HTMX)
    SyncRun.across_tenants.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED, finished_at=timezone.now())
    when_over = editor.get(asks_again, headers=HTMX)

    wait = "Your request is not part of it; press the button again when it has finished."
    assert f"{told} {wait}" in text(answer)
    assert f"{told} {wait}" in text(a_second_later)
    assert "Your request has not started yet: press the button again." in text(when_over)


def test_wish_is_forgotten_when_a_later_run_is_going_on(editor: Client, tenant: Tenant) -> None:
    earlier = factories.run(tenant)
    factories.run(tenant, status=RunStatus.RUNNING)

    for query in (f"?joined={earlier.pk}&other=1", "?joined=x", f"?joined={'9' * 30}"):
        assert "press the button again" not in text(editor.get(f"/t/jansen/live/export/{query}"))


def test_all_of_it_does_a_part_that_was_asked_for_as_well_only_if_it_is_the_same(
    editor: Client, tenant: Tenant
) -> None:
    factories.run(tenant, RunKind.IMPORT, RunStatus.RUNNING, options={"full": True})

    everything = editor.post("/t/jansen/start/import/", {}, headers=HTMX)
    a_part = editor.post("/t/jansen/start/import/", {"kinds": "products"}, headers=HTMX)

    assert "A run was already in progress; this is the one." in text(everything)
    assert "press the button again" in text(a_part)


def test_second_press_joins_the_run_that_is_going_on(editor: Client, tenant: Tenant) -> None:
    began = datetime.datetime(2026, 11, 20, 10, 2, tzinfo=timezone.get_default_timezone())
    factories.run(tenant, status=RunStatus.RUNNING, started_at=began, progress_done=40, progress_total=120)

    answer = editor.post(EXPORT, headers=HTMX)

    assert "A run was already in progress; this is the one." in text(answer)
    assert "running since 10:02, started by the schedule, 40 of 120" in text(answer)
    assert SyncRun.across_tenants.filter(tenant=tenant).count() == 1


def test_button_works_without_scripts(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant, status=RunStatus.RUNNING)

    answer = editor.post(EXPORT, follow=True)

    assert answer.redirect_chain == [(START, 302)]
    assert "A run was already in progress; this is the one." in text(answer)


def test_unknown_kind_of_run_is_not_found(editor: Client) -> None:
    assert editor.post("/t/jansen/start/everything/").status_code == 404


def test_live_part_asks_for_itself_while_a_run_is_open(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant, status=RunStatus.RUNNING, progress_done=40, progress_total=120, read_count=40)

    answer = editor.get(LIVE, headers=HTMX)

    assert 'hx-trigger="moved"' in answer.content.decode()
    assert '<progress aria-label="Progress" max="120" value="40">' in answer.content.decode()
    assert "HX-Trigger" not in answer


def test_import_says_about_how_many_and_how_long(editor: Client, tenant: Tenant) -> None:
    began = timezone.now() - datetime.timedelta(seconds=60)
    progress = {"progress_kind": "products", "progress_done": 600, "progress_total": 2400, "progress_began_at": began}
    factories.run(tenant, RunKind.IMPORT, RunStatus.RUNNING, started_at=began, **progress)

    page = text(editor.get("/t/jansen/live/import/", headers=HTMX))

    assert "products: 600 of about 2400" in page
    assert "10 per second, about 3 minutes left." in page


def test_import_that_found_more_than_the_last_one_has_no_end_in_sight(editor: Client, tenant: Tenant) -> None:
    began = timezone.now() - datetime.timedelta(seconds=60)
    progress = {"progress_kind": "products", "progress_done": 30, "progress_total": 20, "progress_began_at": began}
    factories.run(tenant, RunKind.IMPORT, RunStatus.RUNNING, started_at=began, **progress)

    answer = editor.get("/t/jansen/live/import/", headers=HTMX)

    assert "products: 30" in text(answer)
    assert "30 per minute." in text(answer)
    assert '<progress aria-label="Progress"></progress>' in answer.content.decode()


def test_trial_is_called_one_and_leads_to_what_would_happen(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, options={"dry_run": True}, read_count=2, created_count=2)

    answer = editor.get(LIVE, headers=HTMX)

    assert "succeeded preview This is what would happen: 2 read, 2 would be created." in text(answer)
    assert f'<a href="/t/jansen/runs/{run.pk}/">Expected result</a>' in answer.content.decode()


def test_trial_speaks_in_the_conditional_in_dutch(client: Client, tenant: Tenant, people: People) -> None:
    client.cookies["django_language"] = "nl"
    client.force_login(people.editor)
    factories.run(tenant, options={"dry_run": True}, read_count=3, created_count=1, rejected_count=2)

    page = text(client.get(LIVE, headers=HTMX))

    assert "3 gelezen, 1 zou worden aangemaakt, 2 zouden worden geweigerd." in page


def test_live_part_stops_asking_when_the_run_has_ended(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant, status=RunStatus.PARTLY, read_count=3, created_count=2, rejected_count=1)

    answer = editor.get(LIVE, headers=HTMX)

    assert "data-moves" not in answer.content.decode()
    assert "Not everything went well. 3 read , 2 created , 1 rejected ." in text(answer)
    for part in ("overview", "alerts", "first-steps"):  # in the same answer, so that no number is of before
        assert f'<div id="{part}" hx-swap-oob="true">' in answer.content.decode()
    assert "/t/jansen/work-orders/?state=person" in answer.content.decode()


def test_failed_run_says_why_in_one_sentence(editor: Client, tenant: Tenant) -> None:
    why = {"code": "system.unreachable", "params": {"system": "King"}}
    factories.run(tenant, status=RunStatus.FAILED, error=why)

    page = text(editor.get(START))

    assert "King could not be reached. Check the address and whether the system is running." in page


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"schedule_enabled": False}, "Automatic export is off."),
        ({"schedule_enabled": True, "export_minutes": 15}, "Next run: "),
        ({"schedule_enabled": True, "export_orders": False}, "Automatic export is off."),
    ],
)
def test_next_run_follows_the_schedule(english: Client, db: None, columns: dict[str, Any], words: str) -> None:
    tenant = factories.tenant(slug="planned")
    factories.settings(tenant, **columns)
    for system in System:
        factories.connection(tenant, system)
    english.force_login(factories.operator())

    assert words in text(english.get("/t/planned/live/export/"))


def test_paused_connection_stands_on_top_with_its_reason(editor: Client, tenant: Tenant) -> None:
    why = reason("system.authentication", system="King", operation="Order_Toevoegen")
    Connection.across_tenants.get(tenant=tenant, system=System.KING).pause(why)

    page = text(editor.get(START))

    assert "The connection with King is paused. King refused our credentials for Order_Toevoegen." in page


def test_schedule_waits_for_a_paused_connection(editor: Client, tenant: Tenant) -> None:
    SyncSettings.across_tenants.filter(tenant=tenant).update(schedule_enabled=True)
    Connection.across_tenants.get(tenant=tenant, system=System.KING).pause({})

    assert "The schedule waits until both connections work." in text(editor.get(LIVE))


def test_work_orders_are_counted_by_what_becomes_of_them(editor: Client, tenant: Tenant) -> None:
    states = ["waiting", "waiting", "sending", "unconfirmed", "interim", "rejected", "rejected", "held", "done"]
    for state in states:
        factories.work_order(tenant, state=state)

    page = text(editor.get(START))

    assert "3 need attention 2 rejected , 1 held" in page
    assert "2 waiting" in page
    assert "3 being sent 1 being sent , 1 interim , 1 not reported yet" in page


def test_work_orders_of_today_and_of_this_month_are_counted(
    editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = local(2026, 11, 20, 15)
    monkeypatch.setattr(timezone, "now", lambda: now)
    for at in (
        local(2026, 11, 20, 0, 1),
        local(2026, 11, 20, 14),
        local(2026, 11, 19, 23, 59),
        local(2026, 10, 31, 23),
    ):
        factories.work_order(tenant, state=LedgerState.DONE, exported_at=at)

    page = text(editor.get(START))

    assert "2 in King today" in page
    assert "3 in King this month" in page


def test_causes_stand_under_the_numbers_with_how_many_they_stop(editor: Client, tenant: Tenant) -> None:
    for _ in range(3):
        factories.work_order(tenant, state="rejected", reasons=[reason("unknown_article", article="BUIS")])
    factories.work_order(tenant, state="held", reasons=[reason("nothing_to_invoice")], order_number="WB-77")

    page = text(editor.get(START))

    assert "3 × King does not know article BUIS." in page
    assert "1 × Nothing to invoice: the work order has no materials and no hours. WB-77" in page


def test_causes_of_very_many_are_those_of_the_newest(
    editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(causes, "OF_NEWEST", 1)
    factories.work_order(tenant, state="held", reasons=[reason("nothing_to_invoice")])
    factories.work_order(tenant, state="rejected", reasons=[reason("unknown_article", article="BUIS")])

    page = text(editor.get(START))

    assert "1 × King does not know article BUIS." in page
    assert "1 × Nothing to invoice" not in page
    assert "Counted over the newest of them." in page


def test_numbers_of_another_tenant_do_not_count(editor: Client) -> None:
    factories.work_order(factories.tenant(), state=LedgerState.REJECTED)

    assert "0 need attention" in text(editor.get(START))


@pytest.fixture
def busy(tenant: Tenant) -> Callable[[int], None]:
    def make(number: int) -> None:
        for _ in range(number):
            run = factories.run(tenant, requested_by=factories.user(), trigger=SyncRun.Trigger.BUTTON)
            factories.log_entry(run)
            factories.work_order(tenant, last_run=run, state="held", reasons=[reason("nothing_to_invoice")])
            factories.work_order(tenant, last_run=run, exported_at=timezone.now())

    return make


@pytest.mark.parametrize(
    ("address", "queries"), [(START, 26), (LIVE, 29), ("/t/jansen/runs/", 6), ("/t/jansen/log/", 8)]
)
def test_number_of_queries_does_not_grow_with_the_rows(
    editor: Client,
    busy: Callable[[int], None],
    django_assert_num_queries: DjangoAssertNumQueries,
    address: str,
    queries: int,
) -> None:
    busy(8)

    with django_assert_num_queries(queries):
        answer = editor.get(address)

    assert answer.status_code == 200
