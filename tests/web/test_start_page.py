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

from kingsync.models.connections import Connection, System
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from tests import factories
from tests.web.conftest import People
from tests.web.pages import text

START = "/t/jansen/"
LIVE = "/t/jansen/live/export/"
EXPORT = "/t/jansen/start/export/"
HTMX = {"HX-Request": "true"}


def test_buttons_read_as_agreed(editor: Client) -> None:
    page = editor.get(START).content.decode()

    assert re.findall(r'<button class="primary"[^>]*>([^<]*)<', page) == ["Import", "Export workorders"]


def test_buttons_read_as_agreed_in_dutch(client: Client, people: People) -> None:
    client.cookies["django_language"] = "nl"
    client.force_login(people.editor)

    page = client.get(START).content.decode()

    assert re.findall(r'<button class="primary"[^>]*>([^<]*)<', page) == ["Importeren", "Werkbonnen exporteren"]


def test_viewer_has_no_buttons(viewer: Client) -> None:
    assert "/start/" not in viewer.get(START).content.decode()


def test_button_starts_a_run_in_the_name_of_the_person(editor: Client, tenant: Tenant, people: People) -> None:
    answer = editor.post(EXPORT, headers=HTMX)

    run = SyncRun.across_tenants.get(tenant=tenant)
    assert (run.kind, run.trigger, run.requested_by) == (RunKind.EXPORT, SyncRun.Trigger.BUTTON, people.editor)
    assert "waiting to begin" in text(answer)


def test_second_press_joins_the_run_that_is_going_on(editor: Client, tenant: Tenant) -> None:
    began = datetime.datetime(2026, 11, 20, 10, 2, tzinfo=timezone.get_default_timezone())
    factories.run(tenant, status=RunStatus.RUNNING, started_at=began, progress_done=40, progress_total=120)

    answer = editor.post(EXPORT, headers=HTMX)

    assert "A run was going on already; this is the one." in text(answer)
    assert "running since 10:02, started by the schedule, 40 of 120" in text(answer)
    assert SyncRun.across_tenants.filter(tenant=tenant).count() == 1


def test_button_works_without_scripts(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant, status=RunStatus.RUNNING)

    answer = editor.post(EXPORT, follow=True)

    assert answer.redirect_chain == [(START, 302)]
    assert "A run was going on already; this is the one." in text(answer)


def test_unknown_kind_of_run_is_not_found(editor: Client) -> None:
    assert editor.post("/t/jansen/start/everything/").status_code == 404


def test_live_part_asks_for_itself_while_a_run_is_open(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant, status=RunStatus.RUNNING, progress_done=40, progress_total=120, read_count=40)

    answer = editor.get(LIVE, headers=HTMX)

    assert 'hx-trigger="every 1s"' in answer.content.decode()
    assert '<progress aria-label="Progress" max="120" value="40">' in answer.content.decode()
    assert "HX-Trigger" not in answer


def test_live_part_stops_asking_when_the_run_has_ended(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant, status=RunStatus.PARTLY, read_count=3, created_count=2, rejected_count=1)

    answer = editor.get(LIVE, headers=HTMX)

    assert "every 1s" not in answer.content.decode()
    assert answer["HX-Trigger"] == "run-ended"
    assert "Not everything went well. 3 read, 2 created, 1 rejected." in text(answer)
    assert "/t/jansen/work-orders/?state=person" in answer.content.decode()


def test_failed_run_says_why_in_one_sentence(editor: Client, tenant: Tenant) -> None:
    why = {"code": "system.unreachable", "params": {"system": "King"}}
    factories.run(tenant, status=RunStatus.FAILED, error=why)

    page = text(editor.get(START))

    assert "King could not be reached. Check the address and whether the system is running." in page


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"schedule_enabled": False}, "Not on the schedule."),
        ({"schedule_enabled": True, "export_minutes": 15}, "Next run: today"),
        ({"schedule_enabled": True, "export_orders": False}, "Not on the schedule."),
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
    reason: dict[str, object] = {
        "code": "system.authentication",
        "params": {"system": "King", "operation": "Order_Toevoegen"},
    }
    Connection.across_tenants.get(tenant=tenant, system=System.KING).pause(reason)

    page = text(editor.get(START))

    assert "The connection with King is paused. King refused our credentials at Order_Toevoegen." in page


def test_schedule_waits_for_a_paused_connection(editor: Client, tenant: Tenant) -> None:
    SyncSettings.across_tenants.filter(tenant=tenant).update(schedule_enabled=True)
    Connection.across_tenants.get(tenant=tenant, system=System.KING).pause({})

    assert "The schedule waits until both connections work." in text(editor.get(LIVE))


def test_new_tenant_is_led_to_its_connections(english: Client, db: None) -> None:
    factories.tenant(slug="new")
    english.force_login(factories.operator())

    page = text(english.get("/t/new/"))

    assert "There is no connection with OutSmart yet." in page
    assert "There is no connection with King yet." in page


def test_work_orders_that_need_a_person_are_counted_by_cause(editor: Client, tenant: Tenant) -> None:
    for state in [LedgerState.REJECTED, LedgerState.REJECTED, LedgerState.HELD, LedgerState.DONE]:
        factories.work_order(tenant, state=state)

    page = text(editor.get(START))

    assert "3 need a person 2 rejected, 1 held" in page
    assert "1 done" in page


def test_numbers_of_another_tenant_do_not_count(editor: Client) -> None:
    factories.work_order(factories.tenant(), state=LedgerState.REJECTED)

    assert "0 need a person" in text(editor.get(START))


@pytest.fixture
def busy(tenant: Tenant) -> Callable[[int], None]:
    def make(number: int) -> None:
        for _ in range(number):
            run = factories.run(tenant, requested_by=factories.user(), trigger=SyncRun.Trigger.BUTTON)
            factories.log_entry(run)
            factories.work_order(tenant, last_run=run)

    return make


@pytest.mark.parametrize(
    ("address", "queries"),
    [(START, 10), (LIVE, 6), ("/t/jansen/runs/", 5), ("/t/jansen/work-orders/", 6), ("/t/jansen/settings/", 11)],
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
        editor.get(address)
