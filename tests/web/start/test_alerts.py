"""A tenant in trouble shows an alert at the top, with the one thing to do."""

from __future__ import annotations

import datetime
import re

import pytest
from django.test import Client
from django.utils import timezone

from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.connections import Connection, System
from kingsync.models.restores import RestoreWatch
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.web.shared.template_tags import when
from tests import factories
from tests.web.pages import html, text

START = "/t/jansen/"
_begun = timezone.now()


@pytest.fixture(autouse=True)
def _times_of_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count from when a test begins: a minute may end between what it stores and what it expects to be told."""
    monkeypatch.setattr(f"{__name__}._begun", timezone.now())


def alerts(browser: Client) -> str:
    found = re.search(r'<div id="alerts">(.*?)</div>', html(browser.get(START)))
    assert found
    return found[1]


def told(browser: Client) -> str:
    """Return the alerts at the top, without their tags; "" when all is well."""
    return re.sub(r"<[^>]+>", "", alerts(browser)).strip()


def link(browser: Client) -> str:
    """Return where the first alert leads."""
    return re.findall(r'</span> <a href="([^"]*)"', alerts(browser))[0]  # type: ignore[no-any-return]


def ago(minutes: float) -> datetime.datetime:
    return _begun - datetime.timedelta(minutes=minutes)


def take_king_away(tenant: Tenant) -> None:
    factories.run(tenant)
    Connection.across_tenants.filter(tenant=tenant, system=System.KING).delete()


def pause_outsmart(tenant: Tenant) -> None:
    why: dict[str, object] = {
        "code": "system.authentication",
        "params": {"system": "OutSmart", "operation": "GetWorkorders"},
    }
    Connection.across_tenants.get(tenant=tenant, system=System.OUTSMART).pause(why)


def trip_the_change_limit(tenant: Tenant) -> ChangeLimitTrip:
    trip = ChangeLimitTrip(tenant=tenant, kind="products", known_count=1000, changed_count=900, deactivated_count=0)
    trip.save()
    return trip


def stop_work_orders(tenant: Tenant) -> None:
    reasons = [{"code": "unknown_article", "params": {"article": "BUIS"}}]
    for _ in range(2):
        factories.work_order(tenant, state="rejected", reasons=reasons)
    factories.work_order(tenant, state="held", reasons=[{"code": "nothing_to_invoice", "params": {}}])


def fail(tenant: Tenant, kind: RunKind, minutes: float, **fields: object) -> SyncRun:
    error = {"code": "system.unreachable", "params": {"system": "King"}}
    run = factories.run(tenant, kind, RunStatus.FAILED, **({"error": error} | fields))
    SyncRun.across_tenants.filter(pk=run.pk).update(queued_at=ago(minutes))
    return run


def fall_silent(tenant: Tenant) -> None:
    for hours in (7, 6):
        fail(tenant, RunKind.EXPORT, hours * 60)


def test_a_tenant_that_is_well_is_told_nothing(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant, RunKind.IMPORT)
    factories.work_order(tenant, state="done")

    assert told(editor) == ""


def test_all_trouble_is_told_the_worst_first(editor: Client, tenant: Tenant) -> None:
    for begin in (stop_work_orders, trip_the_change_limit, take_king_away, pause_outsmart, fall_silent):
        begin(tenant)
    fail(tenant, RunKind.IMPORT, 30)

    titles = re.findall(r"<strong>(.*?)</strong>", alerts(editor))

    assert [re.split("[:;] ", each)[0] for each in titles] == [
        f"The export has been failing since {when(ago(7 * 60))}",
        f"The import failed {when(ago(30))}",
        "There is no connection with King yet.",
        "The connection with OutSmart is paused.",
        "The import of products stopped before writing anything:",
        "3 work orders need attention.",
    ]


def test_each_alert_has_one_thing_to_do(editor: Client, tenant: Tenant) -> None:
    for begin in (stop_work_orders, trip_the_change_limit, pause_outsmart, fall_silent):
        begin(tenant)

    told_apart = re.findall(r"<p class=\"notice.*?</p>", alerts(editor))

    assert [each.count("</span> <a ") for each in told_apart] == [1] * 4


def test_failing_export_says_since_when_how_often_and_when_it_is_tried_again(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant)
    for minutes in (33, 18, 3):
        newest = fail(tenant, RunKind.EXPORT, minutes)
    SyncSettings.across_tenants.filter(tenant=tenant).update(schedule_enabled=True, export_minutes=15)

    since, next_at = when(ago(33)), when(ago(-12))
    begin = f"The export has been failing since {since}: tried 3 times, next try {next_at}. King could not be reached."
    assert told(editor).startswith(begin)
    assert link(editor) == f"/t/jansen/runs/{newest.pk}/"


@pytest.mark.parametrize(
    ("schedule", "open_run", "words"),
    [
        ({"schedule_enabled": False}, None, "no next try: the schedule is off."),
        ({"schedule_enabled": True, "export_minutes": 2}, None, "next try within a minute."),
        ({"schedule_enabled": True}, RunStatus.RUNNING, "being tried again now."),
    ],
)
def test_next_try_is_what_will_really_happen(
    editor: Client, tenant: Tenant, schedule: dict[str, object], open_run: RunStatus | None, words: str
) -> None:
    fail(tenant, RunKind.EXPORT, 3)
    SyncSettings.across_tenants.filter(tenant=tenant).update(**schedule)
    if open_run:
        factories.run(tenant, status=open_run, lease_until=ago(-1))

    assert told(editor).startswith(f"The export failed {when(ago(3))}; {words}")


def test_try_that_does_not_come_is_overdue(editor: Client, tenant: Tenant) -> None:
    fail(tenant, RunKind.EXPORT, 40)
    SyncSettings.across_tenants.filter(tenant=tenant).update(schedule_enabled=True, export_minutes=15)

    page = text(editor.get(START))

    assert f"next try overdue since {when(ago(25))}." in page
    assert f"Next run: overdue since {when(ago(25))}." in page
    assert "The export has stalled" in page


def test_failure_that_paused_a_connection_is_told_once_and_leads_there(editor: Client, tenant: Tenant) -> None:
    SyncSettings.across_tenants.filter(tenant=tenant).update(schedule_enabled=True)
    pause_outsmart(tenant)
    why = Connection.across_tenants.get(tenant=tenant, system=System.OUTSMART).paused_reason
    fail(tenant, RunKind.EXPORT, 3, error=why)

    page = told(editor)

    assert "no next try before the connection works. OutSmart refused our credentials" in page
    assert page.count("OutSmart refused our credentials") == 1
    assert link(editor) == "/t/jansen/settings/#connection"


def test_a_part_that_went_well_does_not_end_the_failure_of_the_whole(editor: Client, tenant: Tenant) -> None:
    fail(tenant, RunKind.IMPORT, 20)
    factories.run(tenant, RunKind.IMPORT, options={"kinds": ["products"]})
    part = "The import failed"

    before = told(editor)
    factories.run(tenant, RunKind.IMPORT)

    assert before.startswith(part)
    assert told(editor) == ""


def test_what_is_switched_off_is_not_said_to_fail(editor: Client, tenant: Tenant) -> None:
    fail(tenant, RunKind.EXPORT, 20)
    SyncSettings.across_tenants.filter(tenant=tenant).update(export_orders=False)

    assert told(editor) == ""


def test_export_that_never_ends_is_silence_and_leads_to_it(editor: Client, tenant: Tenant) -> None:
    run = factories.run(tenant, status=RunStatus.RUNNING, lease_until=ago(-1))
    SyncRun.across_tenants.filter(pk=run.pk).update(queued_at=ago(7 * 60))

    assert told(editor).startswith(f"No export has succeeded since {when(ago(7 * 60))}.")
    assert link(editor) == f"/t/jansen/runs/{run.pk}/"


def test_missing_connection_leads_to_its_settings(editor: Client, tenant: Tenant) -> None:
    take_king_away(tenant)

    assert link(editor) == "/t/jansen/settings/#connection"


def test_paused_connection_says_why(editor: Client, tenant: Tenant) -> None:
    pause_outsmart(tenant)

    assert told(editor).startswith("The connection with OutSmart is paused. OutSmart refused our credentials")


def test_brake_leads_to_the_decision_and_is_told_once(editor: Client, tenant: Tenant) -> None:
    trip = trip_the_change_limit(tenant)

    assert link(editor) == f"/t/jansen/safety-limit/{trip.pk}/"
    assert text(editor.get(START)).count("of 1000 records, 900 would change and 0 would be deactivated.") == 1


def test_brakes_behind_a_weightier_trouble_stand_on_the_page(editor: Client, tenant: Tenant) -> None:
    trip_the_change_limit(tenant)
    pause_outsmart(tenant)

    assert "of 1000 records, 900 would change" in text(editor.get(START))


def test_decided_brake_is_no_trouble_any_more(editor: Client, tenant: Tenant) -> None:
    trip = trip_the_change_limit(tenant)
    ChangeLimitTrip.across_tenants.filter(pk=trip.pk).update(state=ChangeLimitTrip.State.REFUSED)

    assert told(editor) == ""


def test_work_orders_are_told_with_what_stops_most_of_them(editor: Client, tenant: Tenant) -> None:
    stop_work_orders(tenant)

    assert told(editor).startswith("3 work orders need attention. 2 of them: King does not know article BUIS.")
    assert link(editor) == "/t/jansen/work-orders/?state=person"


def test_how_many_of_them_is_a_link_to_exactly_those(editor: Client, tenant: Tenant) -> None:
    stop_work_orders(tenant)

    [(address, count)] = re.findall(r'<a href="([^"]*)">(\d+) of them</a>', alerts(editor))

    listed = html(editor.get(address.replace("&amp;", "&")))
    assert listed.count('type="checkbox" name="row"') == int(count) == 2


@pytest.mark.parametrize(
    ("status", "minutes_ago", "is_silent"),
    [
        (RunStatus.RUNNING, {"lease_until": 1}, True),
        (RunStatus.RUNNING, {"lease_until": -10, "heartbeat_at": 8}, False),
        (RunStatus.QUEUED, {"queued_at": 6}, True),
        (RunStatus.QUEUED, {"queued_at": 60, "heartbeat_at": 1}, False),
        (RunStatus.QUEUED, {"queued_at": 1}, False),
    ],
)
def test_open_run_that_nobody_works_on_is_told(
    editor: Client, tenant: Tenant, status: RunStatus, minutes_ago: dict[str, int], is_silent: bool
) -> None:
    run = factories.run(tenant, status=status)
    columns = {name: ago(minutes) for name, minutes in minutes_ago.items()}
    SyncRun.across_tenants.filter(pk=run.pk).update(**columns)

    assert ("The export has stalled" in told(editor)) is is_silent


@pytest.mark.parametrize(("minutes", "is_silent"), [(16, False), (25, True)])
def test_schedule_that_starts_nothing_is_told(editor: Client, tenant: Tenant, minutes: int, is_silent: bool) -> None:
    SyncSettings.across_tenants.filter(tenant=tenant).update(schedule_enabled=True)
    SettingsVersion.across_tenants.filter(tenant=tenant).update(saved_at=ago(minutes))

    assert ("The import has stalled" in told(editor)) is is_silent


def test_warning_goes_when_a_run_has_ended_without_a_reload(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant)

    part = html(editor.get("/t/jansen/live/export/", headers={"HX-Request": "true"}))

    assert '<div id="alerts" hx-swap-oob="true">' in part
    assert '<div id="first-steps" hx-swap-oob="true">' in part


def test_a_restored_database_is_told_for_a_day(viewer: Client, tenant: Tenant) -> None:
    run = factories.run(tenant)
    watch = RestoreWatch(tenant=tenant, administration="demo", noticed_at=ago(5), noticed_in=run)
    watch.found_count, watch.closed_count = 209, 3
    watch.save()

    assert "restored to an earlier state: King has 209 orders of ours" in told(viewer)
    assert link(viewer) == f"{START}runs/{run.pk}/"
    watch.noticed_at = ago(25 * 60)
    watch.save()
    assert told(viewer) == ""
