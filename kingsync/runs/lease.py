"""The lease of a run: renewed by a thread for as long as its process lives, and what happens when it runs out.

A frozen process, or one on a machine without power, keeps its database session, and with it the advisory lock. So the
lease decides: when it has run out, the next worker ends that session. What wakes up again finds it gone before it
can write anything. docs/decisions/0024-frozen-workers.md.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models.functions import Now

from kingsync.database import sessions
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.runs import advisory_locks
from kingsync.runs.keeping import leases

logger = logging.getLogger(__name__)


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
