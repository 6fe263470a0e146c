"""The lease of a run: renewed by a thread for as long as its process lives, and what happens when it runs out.

A frozen process, or one on a machine without power, keeps its database session, and with it the advisory lock. So the
lease decides: when it has run out, the next worker ends that session. What wakes up again finds it gone before it
can write anything. docs/decisions/0024-frozen-workers.md.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from kingsync.database import sessions
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.runs import advisory_locks
from kingsync.watch import log_context

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
CLOSE_SECONDS = 5.0
# By the clock of the database: those of the machines may differ by more than a lease.
UNTIL = "clock_timestamp() + make_interval(secs => %s)"
_RENEW = f"""
    UPDATE kingsync_syncrun SET lease_until = {UNTIL} WHERE id = %s AND attempt = %s AND status = %s
"""  # noqa: S608  (constants only)


@contextmanager
def kept(run: SyncRun) -> Iterator[None]:
    """Renew the lease of a claimed run while the block goes on, also in the middle of a slow call."""
    is_over = threading.Event()
    claim = [settings.RUN_LEASE_SECONDS, run.pk, run.attempt, RunStatus.RUNNING.value]
    keep = log_context.carried(_keep)
    keeper = threading.Thread(target=keep, args=(run.tenant_id, claim, is_over), name="lease of a run", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        is_over.set()
        keeper.join(CLOSE_SECONDS)


def _keep(tenant_id: int, claim: list[object], is_over: threading.Event) -> None:
    while not is_over.wait(BEAT_SECONDS):
        try:
            with sessions.opened(tenant_id) as session:
                _renew_until(is_over, session, claim)
                return
        except psycopg.Error as error:
            logger.warning("lease.not_renewed: the database does not answer (%s)", type(error).__name__)


def _renew_until(is_over: threading.Event, session: psycopg.Connection, claim: list[object]) -> None:
    """Renew the lease until the work is over, or the run is another worker's."""
    while session.execute(_RENEW, claim).rowcount:
        if is_over.wait(BEAT_SECONDS):
            return


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
