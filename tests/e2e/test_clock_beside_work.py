"""The clock keeps its times whatever the workers do: real workers, a real clock, a slow King."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from kingsync import probe, tasks
from kingsync.models import tenants
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, patience, programs, scenario
from tests.conftest import connect

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

EXPORTING_TENANTS = 4
# Far less than what the exports still have to do, which is a quarter of an hour.
STARTS_WITHIN = datetime.timedelta(seconds=patience.SECONDS)


@pytest.fixture
def exporting(king: KingSandbox, outsmart: OutSmartSandbox, tenant: Tenant) -> list[Tenant]:
    """Return tenants with more to export than the workers finish while the test looks."""
    scenario.stock(king)
    for _ in range(200):
        scenario.work_order(outsmart)
    king.faults.latency_seconds = 0.3
    made = [factories.tenant(slug=f"drukte-{number}") for number in range(EXPORTING_TENANTS)]
    for each in made:
        connect(each, king, outsmart)
        factories.settings(each)
    return made


@pytest.fixture
def all_busy(exporting: list[Tenant], worker: Callable[..., programs.Program]) -> list[Tenant]:
    """Request the exports of the same tenants, which fill the export worker beside the import worker."""
    worker("exports")
    worker("imports")
    for each in exporting:
        button = SyncRun.Trigger.BUTTON
        # So many at once ask first, and then what is asked is only a preview.
        tasks.request_run(tenant=each, kind=RunKind.EXPORT, trigger=button, options={SyncRun.CONFIRMED: True})
    return exporting


@pytest.fixture
def beat() -> Iterator[Callable[[], programs.Program]]:
    with programs.clocks() as start:
        yield start


def test_lost_message_is_sent_again_and_due_import_starts_in_time_beside_exports_that_fill_their_workers(
    tenant: Tenant,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    all_busy: list[Tenant],
    beat: Callable[[], programs.Program],
) -> None:
    connect(idle := factories.tenant(slug="rustig"), king, outsmart)
    factories.settings(idle)
    lost = factories.run(idle, RunKind.IMPORT, RunStatus.QUEUED, options={"kinds": ["warehouses"]})
    SyncRun.across_tenants.filter(pk=lost.pk).update(queued_at=timezone.now() - datetime.timedelta(minutes=5))

    beat()
    busy = SyncRun.across_tenants.filter(kind=RunKind.EXPORT, status=RunStatus.RUNNING)
    programs.wait_for(lambda: probe.clock_is_well() and busy.exists())
    # The worker that took its message is up, too: the import that becomes due must not wait for its start.
    programs.wait_for(lambda: _ended(lost))

    assert lost.status == RunStatus.SUCCEEDED
    factories.settings(tenant, schedule_enabled=True, import_minutes=1, export_orders=False)
    due_at = timezone.now()
    SettingsVersion.objects.update(saved_at=due_at - datetime.timedelta(minutes=1))
    found = SyncRun.objects.filter(kind=RunKind.IMPORT, trigger=SyncRun.Trigger.SCHEDULE, started_at__isnull=False)
    programs.wait_for(found.exists)

    assert found.earliest("id").started_at - due_at < STARTS_WITHIN  # type: ignore[operator]
    # The exports were not done before; between two slices none of them is running.
    exports = SyncRun.across_tenants.filter(kind=RunKind.EXPORT).values_list("status", flat=True)
    assert set(exports) & set(SyncRun.OPEN), list(exports)


def _ended(run: SyncRun) -> bool:
    with tenants.scope(run.tenant_id):
        run.refresh_from_db()
    return run.status in SyncRun.FINAL


def test_clock_works_on_while_the_broker_is_away(tenant: Tenant, beat: Callable[..., programs.Program]) -> None:
    factories.settings(tenant, schedule_enabled=True)
    SettingsVersion.objects.update(saved_at=timezone.now() - datetime.timedelta(days=1))

    beat(REDIS_URL="redis://127.0.0.1:1/0")
    waiting = SyncRun.objects.filter(is_unsent=True)
    programs.wait_for(lambda: waiting.count() == len(RunKind))
    SyncSettings.objects.update(schedule_enabled=False)

    assert {run.status for run in waiting} == {RunStatus.QUEUED}
