"""One thread and one session renew the leases of all runs of a process."""

from __future__ import annotations

import datetime
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from kingsync.database import sessions, visible
from kingsync.models.runs import RunStatus, SyncRun
from kingsync.runs import lease
from kingsync.runs.keeping import leases
from tests import factories, patience, programs

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.02)


def running() -> SyncRun:
    """Return a run of a company of its own, as a worker claimed it."""
    return factories.run(factories.tenant(), status=RunStatus.RUNNING, attempt=1)


def let_run_out(*runs: SyncRun) -> None:
    SyncRun.across_tenants.filter(pk__in=[run.pk for run in runs]).update(lease_until=LONG_AGO)


def has_keeper() -> bool:
    return "leases of runs" in [thread.name for thread in threading.enumerate()]


def lease_of(run: SyncRun) -> datetime.datetime | None:
    return SyncRun.across_tenants.get(pk=run.pk).lease_until


def let_beat_pass(run: SyncRun) -> None:
    """Wait until a beat has begun and ended after this moment: the one under way may end first."""
    for _ in range(2):
        let_run_out(run)
        programs.wait_for(lambda: are_renewed(run))


def are_renewed(*runs: SyncRun) -> bool:
    rows = SyncRun.across_tenants.filter(pk__in=[run.pk for run in runs], lease_until__gt=timezone.now())
    return rows.count() == len(runs)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[psycopg.Connection]:
    """Note the sessions that are opened."""
    found: list[psycopg.Connection] = []
    usual = sessions.opened

    def noted(whose: int) -> psycopg.Connection:
        found.append(usual(whose))
        return found[-1]

    monkeypatch.setattr(sessions, "opened", noted)
    return found


@pytest.fixture
def kept() -> Iterator[list[SyncRun]]:
    """Keep the leases of three runs, each of another company."""
    runs = [running() for _ in range(3)]
    with ExitStack() as stack:
        for run in runs:
            stack.enter_context(lease.kept(run))
        yield runs


def test_all_leases_are_renewed_by_one_thread_on_one_session(
    opened: list[psycopg.Connection], kept: list[SyncRun]
) -> None:
    programs.wait_for(lambda: are_renewed(*kept))
    let_run_out(*kept)
    programs.wait_for(lambda: are_renewed(*kept))

    assert [thread.name for thread in threading.enumerate()].count("leases of runs") == 1
    assert len(opened) == 1


def test_the_session_and_the_thread_end_with_the_last_run(opened: list[psycopg.Connection]) -> None:
    first, second = running(), running()
    with lease.kept(first):
        with lease.kept(second):
            programs.wait_for(lambda: are_renewed(first, second))
        let_beat_pass(first)  # one that was under way when the second was dropped may still renew it
        let_run_out(first, second)
        programs.wait_for(lambda: are_renewed(first))
        while_one_is_left = [session.closed for session in opened]
    programs.wait_for(lambda: not has_keeper())

    assert while_one_is_left == [False]
    assert [session.closed for session in opened] == [True]
    assert not are_renewed(second)


def test_a_run_that_another_worker_took_over_is_not_renewed(kept: list[SyncRun]) -> None:
    lost, *ours = kept
    SyncRun.across_tenants.filter(pk=lost.pk).update(attempt=2)

    let_run_out(*kept)
    programs.wait_for(lambda: are_renewed(*ours))

    assert not are_renewed(lost)


def test_a_run_that_is_being_written_does_not_keep_the_others_waiting(kept: list[SyncRun]) -> None:
    locked, *others = kept
    with sessions.opened(visible.OF_ALL) as session, session.transaction():
        session.execute("SELECT FROM kingsync_syncrun WHERE id = %s FOR UPDATE", [locked.pk])
        as_locked = lease_of(locked)  # a beat may have renewed it just before
        let_run_out(*others)
        programs.wait_for(lambda: are_renewed(*others))

        assert lease_of(locked) == as_locked
    let_run_out(locked)
    programs.wait_for(lambda: are_renewed(locked))


def test_a_session_that_is_lost_is_replaced(opened: list[psycopg.Connection], kept: list[SyncRun]) -> None:
    programs.wait_for(lambda: are_renewed(*kept))
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [opened[0].info.backend_pid])

    let_run_out(*kept)
    programs.wait_for(lambda: are_renewed(*kept))

    assert len(opened) == 2


def test_a_database_that_is_away_ends_no_lease_for_good(kept: list[SyncRun], monkeypatch: pytest.MonkeyPatch) -> None:
    programs.wait_for(lambda: are_renewed(*kept))
    refused = threading.Event()

    def away(_whose: int) -> psycopg.Connection:
        refused.set()
        raise psycopg.OperationalError("away")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(sessions, "opened", away)
        with sessions.as_owner(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE '%%UPDATE kingsync_syncrun SET lease_until%%'"
                " AND pid <> pg_backend_pid()"
            )
        assert refused.wait(patience.SECONDS)
    let_run_out(*kept)

    programs.wait_for(lambda: are_renewed(*kept))


def test_a_forked_process_keeps_its_own_runs_and_leaves_its_parents_alone(
    opened: list[psycopg.Connection], kept: list[SyncRun]
) -> None:
    programs.wait_for(lambda: are_renewed(*kept))
    of_child = running()
    connection.close()  # Django's own is not to be shared either
    let_run_out(*kept)
    connection.close()

    child = os.fork()
    if not child:
        code = 1
        try:
            with lease.kept(of_child):
                programs.wait_for(lambda: are_renewed(of_child))
            programs.wait_for(lambda: not has_keeper())  # or its last beat may come after the child's end
            code = 0
        except BaseException:  # noqa: BLE001  (told before the child ends)
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    let_run_out(*kept, of_child)
    programs.wait_for(lambda: are_renewed(*kept))
    assert not are_renewed(of_child)
    assert len(opened) == 1
    assert not opened[0].closed


# --- Runs that hang ---------------------------------------------------------------------------------------------------


def test_a_run_that_hangs_is_not_renewed_and_told_once(kept: list[SyncRun], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []
    keeper = leases.of_this_process()
    monkeypatch.setattr(keeper, "on_hanging", lambda: told.append(keeper.is_working()))
    hanging = running()
    with lease.kept(hanging, until=time.monotonic() + 0.2):
        programs.wait_for(lambda: bool(told))
        let_run_out(hanging, *kept)
        programs.wait_for(lambda: are_renewed(*kept))
        let_run_out(*kept)
        programs.wait_for(lambda: are_renewed(*kept))

        assert not are_renewed(hanging)
    assert told == [True]


def test_a_process_in_which_all_runs_hang_is_not_at_work() -> None:
    keeper = leases.of_this_process()
    with lease.kept(running(), until=time.monotonic()):
        while_one_hangs = keeper.is_working()
        with lease.kept(running(), until=time.monotonic() + patience.SECONDS):
            beside_another = keeper.is_working()

    assert (while_one_hangs, beside_another, keeper.is_working()) == (False, True, False)
