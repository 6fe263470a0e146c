"""Runs in threads that lend each other their sessions: each is one worker's, also while it has no session."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from django.utils import timezone

from kingsync.database import lending, sessions
from kingsync.models import tenants
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.runs import advisory_locks, lease, lifecycle
from kingsync.runs.keeping import leases, life_locks
from kingsync.runs.lease import LostClaimError
from kingsync.runs.lifecycle import Claim
from tests import factories, held_locks, patience
from tests.actors import Actor, lending_sessions

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(transactional_db: None) -> SyncRun:
    tenant = factories.tenant()
    factories.settings(tenant)
    with tenants.scope(tenant):
        return lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run


@pytest.fixture
def worker(run: SyncRun, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """Let a thread work on the run; it shares one session with all others."""
    locks = life_locks.LifeLocks()
    monkeypatch.setattr(life_locks, "_locks", locks)
    with lending_sessions(monkeypatch) as start:
        start(1)
        works = Worker(run)
        yield works
        works.end()
    if locks._session is not None:
        locks._session.close()


class Worker:
    """A thread that has claimed the run and waits for another system, until it is told to save what it heard."""

    def __init__(self, run: SyncRun) -> None:
        self._run, self._actor, self._other = run, Actor(), Actor()
        self._waits, self._hears = threading.Event(), threading.Event()
        self._ended = self._actor.begins(self._work)
        assert self._waits.wait(patience.SECONDS)

    def _work(self) -> str:
        with tenants.scope(self._run.tenant_id), lifecycle.claimed(self._run.pk, slice_seconds=60) as claim:
            assert claim is not None
            with lending.parked():
                self._waits.set()
                self._hears.wait(patience.SECONDS)
            return self._saved(claim)

    def _saved(self, claim: Claim) -> str:
        try:
            claim.count("created")
            claim.save()
        except LostClaimError:
            return "lost"
        return "saved"

    def lends_its_session(self) -> None:
        """Let another thread need the only session meanwhile."""

        def needs_it() -> None:
            with tenants.scope(self._run.tenant_id), lending.parked():
                SyncRun.objects.count()

        self._other.does(needs_it)
        self._other.does(lending.rest)

    def hears(self) -> str:
        self._hears.set()
        return self._ended()

    def end(self) -> None:
        self._hears.set()
        self._actor.leave()
        self._other.leave()


def claimed_by_another_process(run: SyncRun, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Claim it as a worker in a process of its own does, and end it at once."""
    with monkeypatch.context() as patch, tenants.scope(run.tenant_id):
        patch.setattr(lending, "_lender", None)
        patch.setattr(life_locks, "_locks", life_locks.LifeLocks())
        with lifecycle.claimed(run.pk, slice_seconds=60) as claim:
            return claim is not None


def is_silent() -> bool:
    return bool(lifecycle.silent_runs())


def lease_runs_out(run: SyncRun) -> None:
    SyncRun.across_tenants.filter(pk=run.pk).update(lease_until=timezone.now())


def held(numbers: dict[RunKind, int], tenant_id: int) -> int:
    return held_locks.count(numbers[RunKind.EXPORT], tenant_id)


@pytest.mark.parametrize("is_lent", [False, True])
def test_a_run_that_waits_is_saved_with_the_next_session(worker: Worker, run: SyncRun, is_lent: bool) -> None:
    if is_lent:
        worker.lends_its_session()

    assert worker.hears() == "saved"
    assert SyncRun.across_tenants.get(pk=run.pk).created_count == 1


def test_a_run_without_a_session_has_a_live_worker_all_the_same(
    worker: Worker, run: SyncRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.lends_its_session()

    assert held(advisory_locks.WORK, run.tenant_id) == 0
    assert not is_silent()
    assert not claimed_by_another_process(run, monkeypatch)
    assert worker.hears() == "saved"


def test_another_thread_of_the_process_does_not_get_it_either(worker: Worker, run: SyncRun) -> None:
    worker.lends_its_session()

    def claims() -> bool:
        with tenants.scope(run.tenant_id), lifecycle.claimed(run.pk, slice_seconds=60) as claim:
            return claim is not None

    assert not worker._other.does(claims)
    worker._other.does(lending.rest)
    assert worker.hears() == "saved"


@pytest.mark.parametrize("is_lent", [False, True])
def test_what_another_worker_took_over_is_not_saved_any_more(
    worker: Worker, run: SyncRun, monkeypatch: pytest.MonkeyPatch, is_lent: bool
) -> None:
    if is_lent:
        worker.lends_its_session()
    lease_runs_out(run)

    assert is_silent()
    assert claimed_by_another_process(run, monkeypatch)
    if is_lent:
        assert worker.hears() == "lost"
    else:  # its session was ended with it
        with pytest.raises(Exception, match=r"terminating connection|closed"):
            worker.hears()
    assert SyncRun.across_tenants.get(pk=run.pk).created_count == 0


def test_whoever_lost_the_run_leaves_the_lock_to_who_has_it(
    worker: Worker, run: SyncRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.lends_its_session()
    SyncRun.across_tenants.filter(pk=run.pk).update(attempt=99)

    assert worker.hears() == "lost"
    assert (held(advisory_locks.RUNS, run.tenant_id), held(advisory_locks.WORK, run.tenant_id)) == (0, 0)


def test_a_run_that_has_ended_meanwhile_is_lost(worker: Worker, run: SyncRun) -> None:
    worker.lends_its_session()
    SyncRun.across_tenants.filter(pk=run.pk).update(status=RunStatus.FAILED)

    assert worker.hears() == "lost"


def test_locks_that_were_lost_with_their_session_are_taken_again(worker: Worker, run: SyncRun) -> None:
    held_locks.cut_off(advisory_locks.RUNS[RunKind.EXPORT])
    worker.lends_its_session()
    assert is_silent()

    life_locks.of_this_process().refresh()

    assert not is_silent()
    assert worker.hears() == "saved"


def test_locks_that_others_have_by_then_are_not_ours_any_more(
    worker: Worker, run: SyncRun, caplog: pytest.LogCaptureFixture
) -> None:
    key = (advisory_locks.RUNS[RunKind.EXPORT], run.tenant_id)
    worker.lends_its_session()
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(advisory_locks.END_HOLDER, [*key, advisory_locks.TWO_NUMBERS])
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        with caplog.at_level(logging.WARNING):
            life_locks.of_this_process().refresh()
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)

    assert "lease.lock_lost" in caplog.text


def test_a_run_that_hangs_is_another_threads_to_take(
    worker: Worker, run: SyncRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.lends_its_session()
    lease_runs_out(run)
    life_locks.of_this_process().drop((advisory_locks.RUNS[RunKind.EXPORT], run.tenant_id))

    def claims() -> bool:
        with tenants.scope(run.tenant_id), lifecycle.claimed(run.pk, slice_seconds=60) as claim:
            return claim is not None

    assert worker._other.does(claims)
    worker._other.does(lending.rest)
    assert worker.hears() == "lost"
    assert held(advisory_locks.RUNS, run.tenant_id) == 0


def test_the_keeper_of_leases_lets_go_of_what_hangs(worker: Worker, run: SyncRun) -> None:
    keeper = leases.of_this_process()
    (kept,) = keeper._kept
    object.__setattr__(kept, "until", 0.0)

    keeper._tell_of_hanging()

    assert held(advisory_locks.RUNS, run.tenant_id) == 0


def test_a_tenant_that_is_worked_on_in_a_process_of_its_own_has_both_locks(run: SyncRun) -> None:
    with tenants.scope(run.tenant_id), lease.worker_lock(run.tenant_id, RunKind.EXPORT) as is_ours:
        assert is_ours
        assert (held(advisory_locks.RUNS, run.tenant_id), held(advisory_locks.WORK, run.tenant_id)) == (1, 1)
    assert (held(advisory_locks.RUNS, run.tenant_id), held(advisory_locks.WORK, run.tenant_id)) == (0, 0)
