"""Old runs and log entries are purged; what the business needs stays."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.utils import timezone

from kingsync import tasks
from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import ManualAction, WorkOrder
from kingsync.runs import retention, schedule
from tests import factories

NOW = timezone.now()


def days_ago(days: float) -> datetime.datetime:
    return NOW - datetime.timedelta(days=days)


def ended(tenant: Tenant, days: float, kind: RunKind = RunKind.EXPORT, **fields: Any) -> SyncRun:
    """Create a run that ended this many days ago, with one entry of that time."""
    run = factories.run(tenant, kind, **({"started_at": days_ago(days), "finished_at": days_ago(days)} | fields))
    factories.log_entry(run, at=days_ago(days))
    return run


def newest_of(tenant: Tenant) -> list[SyncRun]:
    """Create a run of each kind that ended today, so that those created before are not the newest."""
    return [ended(tenant, 0, kind) for kind in RunKind]


def kept_runs() -> set[int]:
    return set(SyncRun.objects.values_list("pk", flat=True))


def test_old_runs_go_with_their_entries(tenant: Tenant) -> None:
    old = [ended(tenant, 91), ended(tenant, 400)]
    young = [ended(tenant, 89), ended(tenant, 0)]

    retention.purge_old(now=NOW)

    assert kept_runs() == {run.pk for run in young}
    assert not LogEntry.objects.filter(run__in=[run.pk for run in old]).exists()
    assert LogEntry.objects.count() == 2


def test_each_tenant_has_its_own_number_of_days(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(log_days=7)
    other = factories.tenant()
    theirs = [ended(other, 8), *newest_of(other)]
    mine = ended(tenant, 8)
    newest_of(tenant)

    tasks.purge_old()

    assert mine.pk not in kept_runs()
    assert SyncRun.across_tenants.filter(tenant=other).count() == len(theirs)


def test_open_run_is_kept_however_old(tenant: Tenant) -> None:
    old = ended(tenant, 200, RunKind.IMPORT, status=RunStatus.RUNNING, finished_at=None)
    newest_of(tenant)

    retention.purge_old(now=NOW)

    assert old.pk in kept_runs()


def test_newest_finished_run_of_each_kind_is_kept_without_its_old_entries(tenant: Tenant) -> None:
    ended(tenant, 300)
    last = [ended(tenant, 200), ended(tenant, 250, RunKind.IMPORT)]

    retention.purge_old(now=NOW)

    assert kept_runs() == {run.pk for run in last}
    assert not LogEntry.objects.exists()


def test_the_run_by_which_the_next_is_due_survives_a_newer_trial(tenant: Tenant) -> None:
    factories.settings(tenant)
    real = ended(tenant, 200)
    ended(tenant, 150, options={"dry_run": True})

    retention.purge_old(now=NOW)

    assert schedule.last_run(RunKind.EXPORT) == real


def test_ledger_and_decisions_stay(tenant: Tenant) -> None:
    old = ended(tenant, 100)
    newest_of(tenant)
    row = factories.work_order(tenant, last_run=old)
    ManualAction(work_order=row, kind=ManualAction.Kind.RETRY, state_before="held").save()

    retention.purge_old(now=NOW)

    assert old.pk not in kept_runs()
    assert WorkOrder.objects.get().last_run is None
    assert ManualAction.objects.count() == 1


def test_many_rows_go_in_batches(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ENTRIES_AT_ONCE", 2)
    monkeypatch.setattr(retention, "RUNS_AT_ONCE", 2)
    for _ in range(5):
        ended(tenant, 100)
    newest = newest_of(tenant)

    retention.purge_old(now=NOW)

    assert kept_runs() == {run.pk for run in newest}
    assert LogEntry.objects.filter(run__finished_at__lt=NOW - datetime.timedelta(days=90)).count() == 0


def test_a_second_time_finds_nothing(tenant: Tenant) -> None:
    ended(tenant, 100)
    newest_of(tenant)
    retention.purge_old(now=NOW)

    before = kept_runs()
    retention.purge_old(now=NOW)

    assert kept_runs() == before
