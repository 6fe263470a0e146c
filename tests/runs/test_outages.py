"""Trouble of our own does not end a run: it stays open, and is continued when the trouble is over."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError, connection
from django.utils import timezone
from psycopg import errors as states

from kingsync import tasks, worker
from kingsync.database import sessions
from kingsync.exports import export_run
from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState
from kingsync.runs import lifecycle, outages, run_log
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario
from tests.management.test_commands import command

pytestmark = pytest.mark.django_db(transaction=True)


def raised(error: type[DatabaseError | InterfaceError], cause: BaseException) -> BaseException:
    found = error("from Django")
    found.__cause__ = cause
    return found


@pytest.mark.parametrize(
    ("error", "is_passing"),
    [
        (raised(OperationalError, states.DiskFull()), True),
        (raised(OperationalError, states.TooManyConnections()), True),
        (raised(OperationalError, states.AdminShutdown()), True),
        (raised(OperationalError, states.CannotConnectNow()), True),
        (raised(OperationalError, psycopg.OperationalError("server closed the connection")), True),
        (raised(InterfaceError, psycopg.InterfaceError("connection already closed")), True),
        (raised(DatabaseError, states.ReadOnlySqlTransaction()), True),
        (raised(OperationalError, states.QueryCanceled()), False),
        (raised(OperationalError, states.StatementTooComplex()), False),
        (raised(ProgrammingError, states.UndefinedColumn()), False),
        (ValueError("a bug"), False),
    ],
    ids=lambda value: type(value.__cause__ or value).__name__ if isinstance(value, BaseException) else "",
)
def test_trouble_that_passes_is_told_from_bugs(error: BaseException, is_passing: bool) -> None:
    assert outages.is_passing(error) == is_passing


def requested() -> SyncRun:
    """Request an export by the button; the schedule is off."""
    return lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run


def work_on(run: SyncRun) -> SyncRun:
    worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)
    run.refresh_from_db()
    return run


@contextmanager
def failing(table: str, sqlstate: str) -> Iterator[None]:
    """Let every insert into a table fail as PostgreSQL lets it fail in such a state."""
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fail_for_test() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE 'could not extend file' USING ERRCODE = '{sqlstate}'; END $$;"
            f" CREATE TRIGGER fail_for_test BEFORE INSERT ON {table} EXECUTE FUNCTION fail_for_test()"
        )
    try:
        yield
    finally:
        with sessions.as_owner(), connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION fail_for_test CASCADE")


@pytest.mark.parametrize("pause_seconds", [0.0, 3600.0])
@pytest.mark.parametrize("table", ["kingsync_workorder", "kingsync_orderline", "kingsync_logentry"])
def test_a_full_disk_leaves_the_run_open_and_it_is_taken_up_with_the_schedule_off(
    stocked: None,
    tenant: Tenant,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    pause_seconds: float,
) -> None:
    monkeypatch.setattr(run_log, "PAUSE_SECONDS", pause_seconds)
    numbers = [scenario.work_order(outsmart) for _ in range(2)]
    run = requested()

    with failing(table, "53100"):
        while_full = work_on(run).status
    a_minute_ago = timezone.now() - datetime.timedelta(seconds=61)
    SyncRun.objects.update(heartbeat_at=a_minute_ago, queued_at=a_minute_ago)
    found_by_the_clock = lifecycle.silent_runs()
    work_on(run)

    assert while_full in SyncRun.OPEN
    assert found_by_the_clock == [run]
    assert (run.status, run.counts()["created"], run.counts()["failed"]) == (RunStatus.SUCCEEDED, 2, 0)
    assert sorted(order["ExternOrderNummer"] for order in scenario.orders(king)) == [f"OS-{each}" for each in numbers]
    assert scenario.is_clean(king)


def test_a_command_says_that_its_run_stopped_halfway(stocked: None, outsmart: OutSmartSandbox, tenant: Tenant) -> None:
    scenario.work_order(outsmart)

    with failing("kingsync_workorder", "53100"):
        code, out = command("sync", tenant.slug, "export", "--json")

    answer = json.loads(out)
    assert (code, answer["state"]) == (2, "failed")
    assert "database" in answer["error"]


def test_another_error_of_the_database_ends_the_run_as_before(
    stocked: None, tenant: Tenant, outsmart: OutSmartSandbox
) -> None:
    scenario.work_order(outsmart)

    with failing("kingsync_workorder", "54001"):
        run = work_on(requested())

    assert (run.status, run.error["code"]) == (RunStatus.FAILED, "internal")


def lose_the_worker(run: SyncRun) -> None:
    """Claim the run as a worker does that is killed at once."""
    with lifecycle.claimed(run.pk, slice_seconds=1) as claim:
        assert claim is not None


def test_a_run_that_loses_one_worker_after_the_other_ends_and_says_so(
    stocked: None, tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.work_order(outsmart)
    run = requested()
    for _ in range(1 + lifecycle.LOST_WORKERS_AT_MOST):
        lose_the_worker(run)

    work_on(run)

    assert (run.status, run.error) == (RunStatus.FAILED, {"code": "workers_lost", "params": {"count": "5"}})
    assert [entry.code for entry in LogEntry.objects.filter(run=run)] == ["workers_lost"]
    assert scenario.orders(king) == []


def test_a_finished_slice_forgives_the_workers_that_were_lost_before(
    stocked: None, tenant: Tenant, outsmart: OutSmartSandbox
) -> None:
    numbers = [scenario.work_order(outsmart) for _ in range(2)]
    run = requested()
    for _ in range(lifecycle.LOST_WORKERS_AT_MOST):
        lose_the_worker(run)

    worker.work_slice(run.pk, slice_seconds=0)
    run.refresh_from_db()
    after_a_slice = run.status, run.lost_workers
    lose_the_worker(run)
    work_on(run)

    assert after_a_slice == (RunStatus.QUEUED, 0)
    assert run.status == RunStatus.SUCCEEDED
    assert [scenario.ledger(number).state for number in numbers] == [LedgerState.DONE] * 2


def test_a_run_without_memory_is_left_to_another_worker(
    stocked: None, tenant: Tenant, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario.work_order(outsmart)
    run = requested()

    def has_no_memory(*_arguments: object) -> bool:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(export_run, "run", has_no_memory)
        without_memory = work_on(run).status
    found_by_the_clock = lifecycle.silent_runs()
    tasks.sweep()
    work_on(run)

    assert (without_memory, found_by_the_clock) == (RunStatus.RUNNING, [run])
    assert (run.status, run.lost_workers) == (RunStatus.SUCCEEDED, 1)
