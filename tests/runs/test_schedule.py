"""When the schedule starts the next run."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.sync_settings import SettingsVersion
from kingsync.models.tenants import Tenant
from kingsync.runs import schedule
from tests import factories

NOW = timezone.now()
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _saved_long_ago(tenant: Tenant) -> None:
    factories.settings(tenant, schedule_enabled=True, import_minutes=15, export_minutes=15)
    SettingsVersion.objects.update(saved_at=NOW - datetime.timedelta(days=30))


def queued(tenant: Tenant, ago: datetime.timedelta, **fields: object) -> None:
    run = factories.run(tenant, **fields)  # type: ignore[arg-type]
    SyncRun.objects.filter(pk=run.pk).update(queued_at=NOW - ago)


def test_next_run_is_due_one_interval_after_the_last_one_began(tenant: Tenant) -> None:
    queued(tenant, 10 * MINUTE)

    assert schedule.next_at(RunKind.EXPORT, minutes=15) == NOW + 5 * MINUTE
    assert schedule.due_kinds(now=NOW) == [RunKind.IMPORT]


def test_a_trial_does_not_put_the_next_run_off(tenant: Tenant) -> None:
    queued(tenant, 20 * MINUTE)
    queued(tenant, MINUTE, options={"dry_run": True})

    assert RunKind.EXPORT in schedule.due_kinds(now=NOW)


def test_one_work_order_sent_by_hand_does_not_put_the_next_run_off(tenant: Tenant) -> None:
    queued(tenant, 20 * MINUTE)
    queued(tenant, MINUTE, options={"work_orders": ["7001"]})

    assert RunKind.EXPORT in schedule.due_kinds(now=NOW)
