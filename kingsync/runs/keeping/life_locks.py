"""The locks that say which runs this process works on: on one session of their own, for as long as it lives.

Threads that share sessions (`kingsync.database.lending`) have none while they wait. What a lock says, that the worker
of a run is alive, must be true then too.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connections

from kingsync.database import sessions, visible

logger = logging.getLogger(__name__)

Key = tuple[int, int]


@dataclass(frozen=True, eq=False)
class LifeLock:
    """One thread's lock of a run: the two numbers of `advisory_locks.RUNS`."""

    key: Key


class LifeLocks:
    """The locks of a process, and their session. When that is lost, those that are free are taken again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: psycopg.Connection[Any] | None = None
        self._held: dict[Key, LifeLock] = {}

    def take(self, lock: LifeLock) -> bool:
        """Take the lock, if nobody has it: no other process, and no other thread of this one.

        Raises `OperationalError`.
        """
        with self._lock, connections["default"].wrap_database_errors:
            if lock.key in self._held or not _is_taken(self._sound_session(), lock.key):
                return False
            self._held[lock.key] = lock
            return True

    def release(self, lock: LifeLock) -> None:
        """Release the lock, unless it was taken from us and is another thread's by now."""
        with self._lock:
            if self._held.get(lock.key) is not lock:
                return
            del self._held[lock.key]
            if self._session is not None:
                self._unlock(self._session, lock.key)

    def drop(self, key: Key) -> None:
        """Release the lock of a thread that hangs: another worker may take its run."""
        if (lock := self._held.get(key)) is not None:
            self.release(lock)

    def has(self, key: Key) -> bool:
        return key in self._held

    def refresh(self) -> None:
        """Take what was lost with the session again, where it is still free. Raises `psycopg.Error`."""
        with self._lock:
            if self._held:
                self._sound_session()

    def _sound_session(self) -> psycopg.Connection[Any]:
        if self._session is not None:
            try:
                self._session.execute("SELECT")
            except psycopg.Error:
                self._session.close()
                self._session = None
        if self._session is None:
            self._session = self._opened()
        return self._session

    def _opened(self) -> psycopg.Connection[Any]:
        session = sessions.opened(visible.OF_ALL)
        lost = [key for key in self._held if not _is_taken(session, key)]
        if lost:
            logger.warning("lease.lock_lost: other workers have taken over %s runs of this process", len(lost))
        return session

    def _unlock(self, session: psycopg.Connection[Any], key: Key) -> None:
        try:
            session.execute("SELECT pg_advisory_unlock(%s, %s)", key)
        except psycopg.Error:
            session.close()  # the lock goes with it


def _is_taken(session: psycopg.Connection[Any], key: Key) -> bool:
    row = session.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchone()
    return bool(row and row[0])


_locks = LifeLocks()


def of_this_process() -> LifeLocks:
    return _locks
