"""What the clock does takes as many statements with thirty idle tenants as with three."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kingsync import tasks
from kingsync.exports.verification import runs as verification_run
from kingsync.models import ledger_counts, tenants
from kingsync.models.connections import System
from kingsync.models.notifications import ReportedWorkOrder
from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.notifications import due_tenants, silence
from kingsync.runs import lease, lifecycle, retention
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now()
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def _a_clock_that_just_began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "mail_watch", due_tenants.Watch())


def company() -> Tenant:
    """Make a tenant that works: connected, its newest runs ended well, an exported work order that was checked."""
    made = factories.tenant()
    mails = {"notification_mode": "each", "notification_emails": ["office@company.example"]}
    factories.settings(made, schedule_enabled=True, **mails)
    for system in System:
        factories.connection(made, system)
    for kind in RunKind:
        factories.run(made, kind)
    checked = {"verified_at": NOW, "king_checked_at": NOW, "exported_at": NOW}
    factories.work_order(made, state=LedgerState.DONE, king_order_number="1", **checked)
    SettingsVersion.across_tenants.filter(tenant=made).update(saved_at=NOW - 10 * DAY)
    return made


def statements_of(task: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        task()
    return len(captured)


@pytest.mark.parametrize(
    "task", [tasks.sweep, tasks.send_notifications, tasks.watch_silence, tasks.verify_exported, tasks.purge_old]
)
def test_idle_tenants_cost_no_statements(task: Callable[[], object]) -> None:
    for _ in range(3):
        company()
    task()
    few = statements_of(task)

    for _ in range(27):
        company()
    task()

    assert statements_of(task) == few


# --- Who is found -----------------------------------------------------------------------------------------------------


def log_of_years_ago(tenant: Tenant) -> None:
    factories.log_entry(factories.run(tenant), run=None, at=NOW - 1000 * DAY)  # of verification


def run_of_years_ago(tenant: Tenant) -> None:
    factories.run(tenant, finished_at=NOW - 1000 * DAY)


def old_examples(tenant: Tenant) -> None:
    factories.run(tenant, finished_at=NOW - 40 * DAY, dry_run_examples={"products": {}})


def old_payload(tenant: Tenant) -> None:
    factories.log_entry(factories.run(tenant), at=NOW)
    factories.log_entry(factories.run(tenant), at=NOW - 40 * DAY, has_payload=True)


def another_work_order(tenant: Tenant) -> None:
    factories.work_order(tenant)  # its count is to be added up


@pytest.mark.parametrize("kept", [log_of_years_ago, run_of_years_ago, old_examples, old_payload, another_work_order])
def test_retention_finds_who_kept_something_long_enough(kept: Callable[[Tenant], None]) -> None:
    others, found = company(), company()
    for each in (others, found):
        with tenants.scope(each):
            ledger_counts.merge()
    with tenants.scope(found):
        kept(found)

    assert retention.tenants_with_old(now=NOW) == {found.pk}


def test_verification_finds_who_has_something_to_check_in_its_present_administration() -> None:
    company()
    in_outsmart, in_king, former = company(), company(), company()
    checked = {"verified_at": NOW, "king_checked_at": NOW, "exported_at": NOW - DAY, "state": LedgerState.DONE}
    factories.work_order(in_outsmart, **(checked | {"verified_at": NOW - 2 * DAY}))
    factories.work_order(in_king, **(checked | {"king_checked_at": None, "king_order_number": "2"}))
    with tenants.scope(former):
        elsewhere = former.administrations.create(name="OLD", key="old")
    factories.work_order(former, **(checked | {"verified_at": None}), administration=elsewhere)

    assert verification_run.tenants_due() == {in_outsmart.pk, in_king.pk}


def failing(tenant: Tenant) -> None:
    factories.run(tenant, RunKind.EXPORT, RunStatus.FAILED)


def standing_still(tenant: Tenant) -> None:
    past = NOW - 7 * HOUR
    SyncRun.objects.filter(kind=RunKind.IMPORT).update(queued_at=past, started_at=past, finished_at=past)


def never_run(tenant: Tenant) -> None:
    SyncRun.objects.all().delete()


@pytest.mark.parametrize("trouble", [failing, standing_still, never_run])
def test_the_watch_for_silence_finds_who_may_be_silent(trouble: Callable[[Tenant], None]) -> None:
    company()
    found, without_licence = company(), company()
    for tenant in (found, without_licence):
        with tenants.scope(tenant):
            trouble(tenant)
    Tenant.objects.filter(pk=without_licence.pk).update(is_licensed=False)

    assert silence.doubtful(now=NOW) == {found.pk}


# --- E-mails after each problem ---------------------------------------------------------------------------------------


def stopped_work_order(tenant: Tenant) -> None:
    factories.work_order(tenant, state=LedgerState.REJECTED, changed_at=NOW)


def failed_run(tenant: Tenant) -> None:
    factories.run(tenant, status=RunStatus.FAILED, finished_at=NOW)


def finding(tenant: Tenant) -> None:
    factories.log_entry(factories.run(tenant), level=LogEntry.Level.WARNING, event="order.gone_in_king")


def tripped(tenant: Tenant) -> None:
    factories.trip(tenant)


def licence_ended(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(is_licensed=False, licence_changed_at=timezone.now())


def settings_saved(tenant: Tenant) -> None:
    SettingsVersion.objects.update(saved_at=NOW)


def solved(tenant: Tenant) -> None:
    row = factories.work_order(tenant, state=LedgerState.DONE, changed_at=NOW - DAY)
    ReportedWorkOrder.objects.create(tenant=tenant, work_order=row, fingerprint="1")


@pytest.mark.parametrize(
    "event", [stopped_work_order, failed_run, finding, tripped, licence_ended, settings_saved, solved]
)
def test_mails_are_considered_for_whom_something_happened(event: Callable[[Tenant], None]) -> None:
    company()
    found = company()
    watch = due_tenants.Watch()
    later = NOW + HOUR
    for tenant_id in watch.look(now=later):
        watch.done(tenant_id)
    at_rest = watch.look(now=later)
    with tenants.scope(found):
        event(found)
    watch._looked_until = NOW

    assert (at_rest, watch.look(now=later)) == ([], [found.pk])


def test_a_clock_that_starts_considers_nobody_to_whom_nothing_happened() -> None:
    company()

    assert due_tenants.Watch().look(now=NOW + HOUR) == []


def test_a_mail_that_is_still_to_come_is_considered_until_it_was_sent() -> None:
    tenant = company()
    with tenants.scope(tenant):
        failed_run(tenant)
        going_on = factories.run(tenant, RunKind.IMPORT, RunStatus.RUNNING)
        SyncRun.objects.exclude(pk=going_on.pk).update(finished_at=NOW - HOUR)
    tasks.send_notifications()
    while_going_on = list(mail.outbox)
    with tenants.scope(tenant):
        SyncRun.objects.filter(pk=going_on.pk).update(status=RunStatus.SUCCEEDED, finished_at=NOW - HOUR)

    tasks.send_notifications()

    assert (while_going_on, [each.to for each in mail.outbox]) == ([], [["office@company.example"]])


def test_a_clock_that_was_set_back_reads_everything_again() -> None:
    tenant = company()
    watch = due_tenants.Watch()
    with tenants.scope(tenant):
        factories.work_order(tenant, state=LedgerState.REJECTED, changed_at=NOW - DAY)
    for tenant_id in watch.look(now=NOW):
        watch.done(tenant_id)

    assert (watch.look(now=NOW), watch.look(now=NOW - HOUR)) == ([], [tenant.pk])


# --- The sweeper ------------------------------------------------------------------------------------------------------


def test_the_sweeper_finds_silent_runs_of_all_tenants_and_no_others() -> None:
    waiting_long, running, worked_on, fresh = (company() for _ in range(4))
    lost = factories.run(waiting_long, RunKind.EXPORT, RunStatus.QUEUED)
    killed = factories.run(running, RunKind.IMPORT, RunStatus.RUNNING)
    alive = factories.run(worked_on, RunKind.IMPORT, RunStatus.RUNNING)
    factories.run(fresh, RunKind.EXPORT, RunStatus.QUEUED)
    SyncRun.across_tenants.filter(pk=lost.pk).update(queued_at=NOW - HOUR)

    with tenants.scope(worked_on), lease.worker_lock(worked_on.pk, RunKind.IMPORT):
        found = lifecycle.silent_runs()

    assert found == [lost, killed]
    assert alive not in found
