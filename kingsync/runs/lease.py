"""The lock and the lease of a run: who works on it, renewed for as long as that process lives, and what ends it.

A frozen process, or one on a machine without power, keeps its database session, and with it the advisory lock. So the
lease decides: when it has run out, the next worker ends that session. What wakes up again finds it gone before it
can write anything. docs/decisions/0024-frozen-workers.md.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from kingsync.database import sessions
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.runs import advisory_locks
from kingsync.runs.keeping import leases

logger = logging.getLogger(__name__)
LOCK_PAUSE_SECONDS = 0.05


@contextmanager
def kept(run: SyncRun, *, until: float = math.inf) -> Iterator[None]:
    """Renew the lease of a claimed run while the block goes on, also in the middle of a slow call.

    But not beyond `until`, by `time.monotonic`: a thread that hangs must not keep its run for ever.
    """
    claim, keeper = leases.Kept(run.pk, run.attempt, until), leases.of_this_process()
    keeper.keep(claim)
    try:
        yield
    finally:
        keeper.drop(claim)


def has_run_out(kind: RunKind) -> bool:
    """Return whether the current tenant has a run of this kind whose worker no longer renews its lease."""
    return SyncRun.objects.filter(kind=kind, status=RunStatus.RUNNING, lease_until__lt=Now()).exists()


def end_session_of_holder(tenant_id: int, kind: RunKind) -> None:
    """End the database session of the worker that holds the lock of a tenant's runs of this kind."""
    with sessions.as_owner(), connection.cursor() as cursor:  # our other roles may not end a session of the login
        cursor.execute(advisory_locks.END_HOLDER, [advisory_locks.RUNS[kind], tenant_id, advisory_locks.TWO_NUMBERS])
        for _ended in cursor.fetchall():
            logger.warning(
                "lease.over: ended the session of a frozen or cut-off worker (tenant %s, %s)", tenant_id, kind
            )


@contextmanager
def worker_lock(tenant_id: int, kind: RunKind, *, patience_seconds: float = 0.0) -> Iterator[bool]:
    """Hold the lock of the live worker on this tenant's runs of this kind; yield False when another worker has it.

    PostgreSQL releases the lock of a killed process when it notices that its connection is gone: soon, but not
    instantly. So a worker that takes over a killed run retries for `patience_seconds`. A worker whose lease has run out
    loses the lock.
    """
    is_ours = _try_lock(tenant_id, kind)
    if not is_ours and patience_seconds and has_run_out(kind):
        end_session_of_holder(tenant_id, kind)
    deadline = time.monotonic() + patience_seconds
    while not is_ours and time.monotonic() < deadline:
        time.sleep(LOCK_PAUSE_SECONDS)
        is_ours = _try_lock(tenant_id, kind)
    try:
        yield is_ours
    finally:
        if is_ours:
            _unlock(tenant_id, kind)


def _try_lock(tenant_id: int, kind: RunKind) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [advisory_locks.RUNS[kind], tenant_id])
        return bool(cursor.fetchone()[0])


def _unlock(tenant_id: int, kind: RunKind) -> None:
    if connection.connection is None:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [advisory_locks.RUNS[kind], tenant_id])
    except (DatabaseError, InterfaceError):
        connection.close()  # the lock goes with the session, if the server has not ended that already
