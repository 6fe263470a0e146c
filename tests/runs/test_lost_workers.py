"""Which worker gets a run that lost others: one that it shares with no run, when it may be what ends them."""

from __future__ import annotations

import pytest

from kingsync import tasks
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import processes
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("status", "lost", "queue"),
    [
        (RunStatus.QUEUED, 0, "exports"),
        (RunStatus.RUNNING, 0, "exports"),  # it loses one just now
        (RunStatus.QUEUED, 1, "exports"),
        (RunStatus.RUNNING, 1, "imports"),
        (RunStatus.QUEUED, 2, "imports"),
        (RunStatus.RUNNING, 4, "imports"),
    ],
)
def test_an_export_that_lost_two_workers_continues_in_a_process_for_itself(
    sent: list[str], status: RunStatus, lost: int, queue: str
) -> None:
    run = factories.run(factories.tenant(), RunKind.EXPORT, status, lost_workers=lost)

    tasks._send_all([run])

    assert sent == [queue]


def test_an_import_stays_where_it_is(sent: list[str]) -> None:
    tasks._send_all([factories.run(factories.tenant(), RunKind.IMPORT, RunStatus.RUNNING, lost_workers=3)])

    assert sent == ["imports"]
    assert SyncRun.across_tenants.get().is_unsent is False


@pytest.mark.parametrize("values", [{"lost_workers": 2}, {"is_large": True}])
def test_a_late_message_of_the_shared_queue_does_not_bring_it_back_there(
    tenant: Tenant, stocked: None, monkeypatch: pytest.MonkeyPatch, values: dict[str, object]
) -> None:
    run = factories.run(tenant, RunKind.EXPORT, RunStatus.QUEUED, **values)

    with monkeypatch.context() as thread:
        thread.setattr(processes, "_is_shared", True)
        tasks.run_sync(run_id=run.pk, tenant_id=tenant.pk)
        left = SyncRun.objects.get()
    tasks.run_sync(run_id=run.pk, tenant_id=tenant.pk)

    assert (left.status, left.attempt) == (RunStatus.QUEUED, run.attempt)
    assert SyncRun.objects.get().status == RunStatus.SUCCEEDED
