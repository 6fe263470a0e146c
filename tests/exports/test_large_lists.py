"""A list of OutSmart that is too large for a thread beside others goes on in a process of its own."""

from __future__ import annotations

import pytest
from urllib3 import BaseHTTPResponse

from integrations import errors
from integrations.calls import Operation
from integrations.transport import Transport
from kingsync import tasks, thread_worker, worker
from kingsync.database import lending
from kingsync.models.connections import Connection
from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import clients, processes
from kingsync.runs.keeping import leases
from kingsync.watch.tallies import keeper
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stocked")]
A_LIST = 1_000  # bytes: more than any other answer here


@pytest.fixture
def pressed(tenant: Tenant, outsmart: OutSmartSandbox, sent: list[str]) -> SyncRun:
    """Press the button of a company whose list is larger than `A_LIST`."""
    for _ in range(3):
        scenario.work_order(outsmart)
    return tasks.request_run(tenant=tenant, kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run


@pytest.fixture
def _little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_memory_bytes", A_LIST)


@pytest.mark.usefixtures("_little_memory")
def test_the_run_goes_on_where_it_has_the_memory(
    pressed: SyncRun, tenant: Tenant, king: KingSandbox, sent: list[str]
) -> None:
    tasks.run_sync(run_id=pressed.pk, tenant_id=tenant.pk)
    between = SyncRun.objects.get()
    before = scenario.orders(king)
    tasks.run_sync(run_id=pressed.pk, tenant_id=tenant.pk)

    run = SyncRun.objects.get()
    assert sent == ["exports", "imports"]
    assert (between.status, between.lost_workers, before) == (RunStatus.QUEUED, 0, [])
    assert (run.status, scenario.counts(run)) == (RunStatus.SUCCEEDED, {"read": 3, "created": 3})
    assert len(scenario.orders(king)) == 3


@pytest.mark.usefixtures("_little_memory")
def test_nobody_is_told_of_a_failure(pressed: SyncRun, tenant: Tenant) -> None:
    tasks.run_sync(run_id=pressed.pk, tenant_id=tenant.pk)

    assert not LogEntry.objects.exists()
    assert [each.last_attempt_problem for each in Connection.objects.all()] == [{}, {}]


@pytest.mark.usefixtures("_little_memory")
def test_a_run_that_was_put_aside_is_never_put_aside_again(pressed: SyncRun) -> None:
    SyncRun.objects.update(is_large=True)

    worker.work_slice(pressed.pk, slice_seconds=scenario.FOREVER)

    assert SyncRun.objects.get().status == RunStatus.SUCCEEDED


def test_an_answer_too_large_in_the_middle_of_a_work_order_makes_no_second_order(
    pressed: SyncRun, tenant: Tenant, king: KingSandbox, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, refused = Transport._body, list[str]()

    def once_too_large(transport: Transport, raw: BaseHTTPResponse, operation: Operation) -> bytes:
        if operation.name == "Orders_Opvragen" and not refused and scenario.orders(king):
            refused.append(operation.name)
            raise errors.TooLargeHereError
        return usual(transport, raw, operation)

    monkeypatch.setattr(Transport, "_body", once_too_large)
    tasks.run_sync(run_id=pressed.pk, tenant_id=tenant.pk)
    begun = scenario.orders(king)
    tasks.run_sync(run_id=pressed.pk, tenant_id=tenant.pk)

    run = SyncRun.objects.get()
    assert (refused, sent, len(begun)) == (["Orders_Opvragen"], ["exports", "imports"], 1)
    assert (run.status, run.counts()["created"]) == (RunStatus.SUCCEEDED, 3)
    assert len(scenario.orders(king)) == 3
    assert scenario.is_clean(king)


def test_a_worker_of_threads_has_the_limit_and_knows_that_it_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    # Put back after the test.
    monkeypatch.setattr(clients, "_memory_bytes", clients._memory_bytes)
    monkeypatch.setattr(processes, "_is_shared", False)
    monkeypatch.setattr(leases.of_this_process(), "on_hanging", None)
    monkeypatch.setattr(lending, "_lender", None)
    monkeypatch.setattr(keeper, "start", lambda: None)

    thread_worker.prepare()

    assert clients._memory_bytes == thread_worker.SHARED_ANSWER_BYTES
    assert processes.is_shared()
    assert lending.of_this_process() is not None
