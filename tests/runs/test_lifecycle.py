"""Runs: one at a time, claimed, taken over, ended in the right state."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import time_machine
from django.conf import settings as deployment
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import NoTenantScopeError, Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.rules.outcomes import reason
from kingsync.runs import lease, lifecycle, schedule
from kingsync.runs.keeping import leases
from tests import factories


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    made = factories.tenant()
    factories.settings(made, schedule_enabled=True)
    with tenants.scope(made):
        yield made


def request(kind: RunKind = RunKind.EXPORT) -> lifecycle.Requested:
    return lifecycle.request(kind=kind, trigger=SyncRun.Trigger.BUTTON)


@contextmanager
def another_worker(tenant: Tenant, kind: int = 0x6B02) -> Iterator[None]:
    """Hold the worker's lock on a separate connection, as another process would."""
    params = connection.get_connection_params()
    with psycopg.connect(
        host=params["host"],
        port=params["port"],
        user=params["user"],
        password=params["password"],
        dbname=params["dbname"],
    ) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [kind, tenant.pk])
        yield


def test_a_second_request_joins_the_run_that_is_going_on(tenant: Tenant) -> None:
    first, second = request(), request()

    assert (first.already_running, second.already_running) == (False, True)
    assert second.run.pk == first.run.pk


def test_an_import_does_not_stand_in_the_way_of_an_export(tenant: Tenant) -> None:
    request(RunKind.IMPORT)

    assert not request(RunKind.EXPORT).already_running


def test_the_database_refuses_a_second_open_run(tenant: Tenant) -> None:
    request()

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.run(tenant, status=RunStatus.RUNNING)


def test_a_claimed_run_is_not_given_to_another_worker(tenant: Tenant) -> None:
    run = request().run

    with another_worker(tenant), lifecycle.claimed(run.pk, slice_seconds=1) as claim:
        assert claim is None


def test_a_run_whose_worker_is_dead_is_taken_over_at_once(tenant: Tenant) -> None:
    run = request().run
    with another_worker(tenant):
        SyncRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, attempt=1)

    with lifecycle.claimed(run.pk, slice_seconds=1) as claim:
        assert claim is not None
        assert claim.attempt == 2


def test_a_worker_that_woke_up_too_late_stops(tenant: Tenant) -> None:
    run = request().run
    with lifecycle.claimed(run.pk, slice_seconds=1) as late:
        assert late is not None
        SyncRun.objects.filter(pk=run.pk).update(attempt=late.attempt + 1)

        with pytest.raises(lease.LostClaimError):
            late.heartbeat()


def test_a_cancelled_run_stops_between_two_records(tenant: Tenant) -> None:
    run = request().run
    with lifecycle.claimed(run.pk, slice_seconds=1) as claim:
        assert claim is not None
        lifecycle.request_cancel(run)

        with pytest.raises(lifecycle.CancelRequestedError):
            claim.heartbeat()


@pytest.mark.parametrize(
    ("outcome", "needs_attention", "status"),
    [
        ("created", False, RunStatus.SUCCEEDED),
        ("skipped", False, RunStatus.SUCCEEDED),
        ("created", True, RunStatus.PARTLY),
        ("rejected", False, RunStatus.SUCCEEDED),
        ("rejected", True, RunStatus.PARTLY),
        ("uncertain", True, RunStatus.PARTLY),
        ("failed", False, RunStatus.PARTLY),
    ],
)
def test_the_state_of_a_run_follows_from_its_counts(
    tenant: Tenant, outcome: str, needs_attention: bool, status: RunStatus
) -> None:
    run = request().run
    with lifecycle.claimed(run.pk, slice_seconds=1) as claim:
        assert claim is not None
        claim.count("read")
        claim.count(outcome, needs_attention=needs_attention)
        lifecycle.finish(claim)

    run.refresh_from_db()
    assert run.status == status


def test_what_a_failed_run_did_not_reach_counts_as_failed(tenant: Tenant) -> None:
    run = request().run
    with lifecycle.claimed(run.pk, slice_seconds=1) as claim:
        assert claim is not None
        claim.count("read", 5)
        claim.count("created", 2)
        lifecycle.finish(claim, error=reason("system.unreachable"))

    run.refresh_from_db()
    assert (run.status, run.failed_count) == (RunStatus.FAILED, 3)


def test_only_dead_runs_are_ended_as_interrupted(tenant: Tenant) -> None:
    run = request().run
    SyncRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING)

    with another_worker(tenant):
        lifecycle.interrupt_dead(RunKind.EXPORT)
    alive = SyncRun.objects.get(pk=run.pk).status
    lifecycle.interrupt_dead(RunKind.EXPORT)

    assert (alive, SyncRun.objects.get(pk=run.pk).status) == (RunStatus.RUNNING, RunStatus.FAILED)


def test_a_run_whose_message_was_lost_is_found_after_a_minute(tenant: Tenant) -> None:
    run = request().run

    assert lifecycle.silent_runs() == []
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=2), tick=False):
        assert lifecycle.silent_runs() == [run]


def test_a_query_outside_a_tenant_scope_is_refused(tenant: Tenant) -> None:
    token = tenants._current.set(None)
    try:
        with pytest.raises(NoTenantScopeError):
            WorkOrder.objects.count()
    finally:
        tenants._current.reset(token)


def test_a_tenant_sees_its_own_rows_only(tenant: Tenant) -> None:
    other = factories.tenant()
    factories.work_order(tenant)
    factories.work_order(other)

    assert WorkOrder.objects.count() == 1
    with tenants.scope(other):
        assert WorkOrder.objects.get().tenant == other


def test_runs_become_due_by_their_interval(tenant: Tenant) -> None:
    for system in ("king", "outsmart"):
        factories.connection(tenant, system)  # type: ignore[arg-type]
    now = timezone.now()

    assert schedule.due_kinds(now=now) == []
    assert schedule.due_kinds(now=now + datetime.timedelta(minutes=16)) == [RunKind.IMPORT, RunKind.EXPORT]


def test_nothing_is_due_while_a_connection_is_paused(tenant: Tenant) -> None:
    factories.connection(tenant, "outsmart")  # type: ignore[arg-type]
    king = factories.connection(tenant, "king")  # type: ignore[arg-type]
    king.pause({"code": "system.authentication", "params": {}})

    assert schedule.due_kinds(now=timezone.now() + datetime.timedelta(days=1)) == []


def test_time_limits_are_in_their_order() -> None:
    assert 3 * leases.BEAT_SECONDS < deployment.RUN_LEASE_SECONDS
    assert (
        deployment.RUN_SLICE_SECONDS
        < deployment.CELERY_TASK_SOFT_TIME_LIMIT
        < deployment.CELERY_TASK_TIME_LIMIT
        < deployment.BROKER_VISIBILITY_SECONDS
    )
