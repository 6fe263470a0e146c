"""The locks and the lease of a run: who works on it, renewed for as long as that process lives, and what ends it.

A frozen process, or one on a machine without power, keeps its database sessions, and with them the advisory locks. So
the lease decides: when it has run out, the next worker ends those sessions. What wakes up again finds them gone before
it can write anything. docs/decisions/0024-frozen-workers.md.

There are two locks: that the worker is alive, and on the session with which it saves. In a process of its own a run has
both on one session. In a process of threads (docs/decisions/0057-sessions-on-loan.md) the first is on a session of the
process, and the second goes from session to session: the thread that borrows the next one must still have the run.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Protocol

from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from kingsync.database import lending, sessions
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.runs import advisory_locks
from kingsync.runs.keeping import leases, life_locks
from kingsync.runs.keeping.life_locks import Key, LifeLock

logger = logging.getLogger(__name__)
LOCK_PAUSE_SECONDS = 0.05
# Who has the lock of a run that is still ours lets it go at once: it looks whether it has the run, and has not.
_LOOKS = 40
_MINE = f"EXISTS (SELECT FROM kingsync_syncrun WHERE id = %s AND attempt = %s AND status = '{RunStatus.RUNNING.value}')"
# Each of the two sees what is committed when it begins: the second one looks under the lock.
_LOCK_MINE_AND_LOOK = f"SELECT CASE WHEN {_MINE} THEN pg_try_advisory_lock(%s, %s) END; SELECT {_MINE}"


class LostClaimError(RuntimeError):
    """Another worker took the run over, or it was ended: stop at once, write nothing more."""


@contextmanager
def kept(run: SyncRun, *, until: float = math.inf) -> Iterator[None]:
    """Renew the lease of a claimed run while the block goes on, also in the middle of a slow call.

    But not beyond `until`, by `time.monotonic`: a thread that hangs must not keep its run for ever. Every statement
    inside the block that needs another session raises `LostClaimError` if the run is another worker's.
    """
    keeper = leases.of_this_process()
    claim = leases.Kept(run.pk, run.attempt, until, lock=_key(RunKind(run.kind), run.tenant_id))
    keeper.keep(claim)
    try:
        with sessions.fenced(lambda: _require(run)) if lending.of_this_process() else nullcontext():
            yield
    finally:
        keeper.drop(claim)


def _require(run: SyncRun) -> None:
    """Take the lock of the run's work on this session. Raises `LostClaimError`.

    The number of the attempt is read once more under the lock: a worker that raises it has the lock.
    """
    mine, key = [run.pk, run.attempt], _work_key(RunKind(run.kind), run.tenant_id)
    with connection.cursor() as cursor:
        for _ in range(_LOOKS):
            cursor.execute(_LOCK_MINE_AND_LOOK, [*mine, *key, *mine])
            (is_locked,) = cursor.fetchone()
            if is_locked is not False:
                break
            time.sleep(LOCK_PAUSE_SECONDS)
        cursor.nextset()
        if not (is_locked and cursor.fetchone()[0]):
            raise LostClaimError(str(LostClaimError.__doc__))


def has_run_out(kind: RunKind) -> bool:
    """Return whether the current tenant has a run of this kind whose worker no longer renews its lease."""
    return SyncRun.objects.filter(kind=kind, status=RunStatus.RUNNING, lease_until__lt=Now()).exists()


def end_sessions_of_holder(tenant_id: int, kind: RunKind) -> None:
    """End the database sessions of the worker that holds the locks of a tenant's runs of this kind."""
    keys = [_work_key(kind, tenant_id)]
    if not life_locks.of_this_process().has(_key(kind, tenant_id)):
        keys.append(_key(kind, tenant_id))
    with sessions.as_owner(), connection.cursor() as cursor:  # our other roles may not end a session of the login
        for key in keys:
            cursor.execute(advisory_locks.END_HOLDER, [*key, advisory_locks.TWO_NUMBERS])
            for _ended in cursor.fetchall():
                logger.warning(
                    "lease.over: ended the session of a frozen or cut-off worker (tenant %s, %s)", tenant_id, kind
                )


@contextmanager
def worker_lock(tenant_id: int, kind: RunKind, *, patience_seconds: float = 0.0) -> Iterator[bool]:
    """Hold the locks of the live worker on this tenant's runs of this kind; yield False when another worker has them.

    PostgreSQL releases the locks of a killed process when it notices that its connections are gone: soon, but not
    instantly. So a worker that takes over a killed run retries for `patience_seconds`. A worker whose lease has run out
    loses the locks.
    """
    locks: _Locks = _OfThreads(kind, tenant_id) if lending.of_this_process() else _OnOneSession(kind, tenant_id)
    is_ours = locks.take()
    if not is_ours and patience_seconds and has_run_out(kind):
        end_sessions_of_holder(tenant_id, kind)
    deadline = time.monotonic() + patience_seconds
    while not is_ours and time.monotonic() < deadline:
        time.sleep(LOCK_PAUSE_SECONDS)
        is_ours = locks.take()
    try:
        yield is_ours
    finally:
        if is_ours:
            locks.release()


# --- Locks ------------------------------------------------------------------------------------------------------------


class _Locks(Protocol):
    def take(self) -> bool:
        """Take both locks; return False, and have neither, if another worker has one of them."""

    def release(self) -> None:
        """Release both."""


class _OnOneSession:
    """Both locks on the session of the run."""

    def __init__(self, kind: RunKind, tenant_id: int) -> None:
        self._keys = _key(kind, tenant_id), _work_key(kind, tenant_id)

    def take(self) -> bool:
        taken = _taken(*self._keys)
        if len(taken) < len(self._keys):
            _release(*taken)
        return len(taken) == len(self._keys)

    def release(self) -> None:
        _release(*self._keys)


class _OfThreads:
    """That the worker is alive on a session of the process; the other one on that with which this thread saves now."""

    def __init__(self, kind: RunKind, tenant_id: int) -> None:
        self._life, self._key = LifeLock(_key(kind, tenant_id)), _work_key(kind, tenant_id)

    def take(self) -> bool:
        if not life_locks.of_this_process().take(self._life):
            return False
        is_ours = False
        try:
            is_ours = bool(_taken(self._key))
        finally:
            if not is_ours:
                life_locks.of_this_process().release(self._life)
        return is_ours

    def release(self) -> None:
        _release(self._key)
        life_locks.of_this_process().release(self._life)


def _key(kind: RunKind, tenant_id: int) -> Key:
    return advisory_locks.RUNS[kind], tenant_id


def _work_key(kind: RunKind, tenant_id: int) -> Key:
    return advisory_locks.WORK[kind], tenant_id


def _taken(*keys: Key) -> list[Key]:
    """Take those that nobody else has, in one statement; return them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(['pg_try_advisory_lock(%s, %s)'] * len(keys))}", sum(keys, ()))
        return [key for key, is_taken in zip(keys, cursor.fetchone(), strict=True) if is_taken]


def _release(*keys: Key) -> None:
    if connection.connection is None or not keys:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(['pg_advisory_unlock(%s, %s)'] * len(keys))}", sum(keys, ()))
    except (DatabaseError, InterfaceError):
        connection.close()  # the locks go with the session, if the server has not ended that already
