"""The whole way through Celery: a button, a message through Valkey, a separate worker, the page's row."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from django.db import connection

from kingsync import tasks
from kingsync.database import sessions
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, programs, scenario
from tests.holding import held

pytestmark = pytest.mark.django_db(transaction=True)


def press(tenant: Tenant, kind: RunKind) -> SyncRun:
    return tasks.request_run(tenant=tenant, kind=kind, trigger=SyncRun.Trigger.BUTTON).run


def ended(run: SyncRun) -> bool:
    run.refresh_from_db()
    return run.status in SyncRun.FINAL


def test_both_buttons_do_their_work_in_a_worker(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, worker: Callable[[], programs.Program]
) -> None:
    scenario.stock(king)
    factories.settings(tenant)
    number = scenario.work_order(outsmart)
    worker()

    load, export = press(tenant, RunKind.IMPORT), press(tenant, RunKind.EXPORT)
    programs.wait_for(lambda: ended(load) and ended(export))

    assert (load.status, export.status) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED)
    assert len(outsmart.store.rows("materials")) == 2
    assert [order["ExternOrderNummer"] for order in scenario.orders(king)] == [f"OS-{number}"]


def test_a_killed_worker_costs_nothing_but_time(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, worker: Callable[[], programs.Program]
) -> None:
    scenario.stock(king)
    factories.settings(tenant)
    numbers = [scenario.work_order(outsmart) for _ in range(8)]
    with held(king, "Order_Toevoegen", skip=4):
        first = worker()
        run = press(tenant, RunKind.EXPORT)
        programs.wait_for(lambda: king.calls.count("Order_Toevoegen") > 4)

        first.send_signal(signal.SIGKILL)
        first.wait()
    programs.wait_for(lambda: all(call.status for call in king.calls.all()))
    WorkOrder.objects.update(outcome_unknown_until=None)  # the killed call's time-out has passed
    worker()
    programs.wait_for(lambda: bool(sweep_until_taken(run)) or ended(run))
    programs.wait_for(lambda: ended(run))

    assert run.status == RunStatus.SUCCEEDED
    assert [scenario.ledger(number).state for number in numbers] == [LedgerState.DONE] * 8
    assert len(scenario.orders(king)) == 8
    assert all(len(scenario.lines(order)) == 4 for order in scenario.orders(king))
    assert scenario.is_clean(king)


def sweep_until_taken(run: SyncRun) -> bool:
    """Do what the clock does each minute; return True once another worker has the run."""
    tasks.sweep()
    run.refresh_from_db()
    return run.attempt > 1


def test_the_clock_starts_what_is_due(
    tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, worker: Callable[[], programs.Program]
) -> None:
    scenario.stock(king)
    factories.settings(tenant, schedule_enabled=True)
    scenario.work_order(outsmart)
    tasks.start_due_runs()  # nothing yet: the first run waits for one interval
    SettingsVersion.objects.update(saved_at=scenario.in_seconds(-16 * 60))
    worker()

    tasks.start_due_runs()
    tasks.start_due_runs()  # a doubled tick starts nothing twice
    programs.wait_for(lambda: SyncRun.objects.filter(status__in=SyncRun.FINAL).count() == 2)

    runs = list(SyncRun.objects.order_by("kind").values_list("kind", "trigger", "status"))
    assert runs == [("export", "schedule", "succeeded"), ("import", "schedule", "succeeded")]
    assert len(scenario.orders(king)) == 1


def test_a_worker_keeps_its_session_with_the_database_from_run_to_run(
    tenant: Tenant, king: KingSandbox, worker: Callable[[], programs.Program]
) -> None:
    scenario.stock(king)
    factories.settings(tenant)
    worker()

    used = []
    for _ in range(2):
        run = press(tenant, RunKind.EXPORT)
        programs.wait_for(lambda: ended(run) and bool(sessions_after_a_run()))  # noqa: B023
        used.append(sessions_after_a_run())

    assert used[0]
    assert used[0] <= used[1]  # another process of the worker may have taken the second run


def sessions_after_a_run() -> set[int]:
    """Return the sessions whose last statement gave up the lock of a run."""
    with sessions.as_owner(), connection.cursor() as cursor:  # others do not see what a session did
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND query LIKE 'SELECT pg_advisory_unlock(%' AND state = 'idle'"
        )
        return {pid for (pid,) in cursor.fetchall()}
