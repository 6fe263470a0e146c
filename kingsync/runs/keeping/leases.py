"""The leases of all runs of a process: one thread renews them in one statement, on one session."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings

from kingsync.database import sessions, visible
from kingsync.models.runs import RunStatus
from kingsync.runs.keeping import life_locks

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
# By the clock of the database: those of the machines may differ by more than a lease.
UNTIL = "clock_timestamp() + make_interval(secs => %s)"
# A row that someone has locked is left for the next beat: whoever changes it just now must not keep the others waiting.
_RENEW = f"""
    UPDATE kingsync_syncrun SET lease_until = {UNTIL} WHERE id IN (
        SELECT run.id FROM kingsync_syncrun AS run
        JOIN unnest(%s::bigint[], %s::integer[]) AS mine (id, attempt) USING (id, attempt)
        WHERE status = %s FOR NO KEY UPDATE OF run SKIP LOCKED
    )
"""  # noqa: S608  (constants only)


@dataclass(frozen=True, eq=False)
class Kept:
    """A claim whose lease is renewed until it is no longer kept; `lock` says that its worker is alive."""

    run_id: int
    attempt: int
    until: float = math.inf
    lock: life_locks.Key = (0, 0)

    @property
    def hangs(self) -> bool:
        return time.monotonic() >= self.until


class Keeper:
    """Renews the leases of this process for as long as it has any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: set[Kept] = set()
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()
        self._told: set[Kept] = set()
        # Called when a run hangs, once for each.
        self.on_hanging: Callable[[], None] | None = None

    def keep(self, claim: Kept) -> None:
        """Renew the lease of this claim from now on."""
        with self._lock:
            self._kept.add(claim)
            if self._thread is None or not self._thread.is_alive():
                self._is_over = threading.Event()
                self._thread = threading.Thread(
                    target=self._keep, args=(self._is_over,), name="leases of runs", daemon=True
                )
                self._thread.start()

    def drop(self, claim: Kept) -> None:
        """Renew it no longer. With the last one the thread and its session end."""
        with self._lock:
            self._kept.discard(claim)
            self._told.discard(claim)
            if not self._kept:
                self._is_over.set()
                self._thread = None

    def is_working(self) -> bool:
        """Return whether there is a run that does not hang."""
        with self._lock:
            return any(not claim.hangs for claim in self._kept)

    def _keep(self, is_over: threading.Event) -> None:
        session: psycopg.Connection[Any] | None = None
        while not is_over.wait(BEAT_SECONDS):
            try:
                self._tell_of_hanging()
                session = self._renewed(session)
                life_locks.of_this_process().refresh()
            except psycopg.Error as error:
                logger.warning("lease.not_renewed: the database does not answer (%s)", type(error).__name__)
            except Exception:
                logger.exception("lease.not_renewed")
        if session is not None:
            session.close()

    def _tell_of_hanging(self) -> None:
        with self._lock:
            hanging = {claim for claim in self._kept if claim.hangs} - self._told
            self._told |= hanging
        for claim in hanging:
            logger.error("lease.hangs: run %s goes on for too long; another worker will take it over", claim.run_id)
            life_locks.of_this_process().drop(claim.lock)
        if hanging and self.on_hanging is not None:
            self.on_hanging()

    def _renewed(self, session: psycopg.Connection[Any] | None) -> psycopg.Connection[Any]:
        """Renew all leases; return the session for the next time. None for a slice shorter than a beat."""
        with self._lock:
            kept = sorted((claim.run_id, claim.attempt) for claim in self._kept if not claim.hangs)
        if session is None or session.closed:
            session = sessions.opened(visible.OF_ALL)
        ids, attempts = [run_id for run_id, _ in kept], [attempt for _, attempt in kept]
        try:
            session.execute(_RENEW, [settings.RUN_LEASE_SECONDS, ids, attempts, RunStatus.RUNNING.value])
        except BaseException:
            session.close()
            raise
        return session


_keepers = [Keeper()]


def of_this_process() -> Keeper:
    return _keepers[-1]


# The child has neither the thread nor the session. The parent's stays referenced: nothing of it may be closed here.
os.register_at_fork(after_in_child=lambda: _keepers.append(Keeper()))
