"""Beat that sends only while it holds a lock in the database: however many are started, one is the clock."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import psycopg
from celery.beat import Scheduler
from django.db import connection as django_connection

from kingsync.probe import CLOCK_LOCK

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
CONNECT_SECONDS = 5
OWN_SESSION: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "tcp_user_timeout": CONNECT_SECONDS * 1000,
    "application_name": "kingsync clock",
    "autocommit": True,
}


class ClockLock:
    """A session's advisory lock on a connection of its own; the database lets go of it when the session ends."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection | None = None
        self._is_held = False
        self._waiting_is_told = False

    def is_held(self) -> bool:
        """Tell whether we hold the lock at this moment, trying to get it when not. Asks the database each time."""
        try:
            held = self._ask()
        except psycopg.Error as error:
            self.release()
            self._tell_waiting("the database does not answer (%s)", type(error).__name__)
            return False
        if held and not self._is_held:
            logger.info("clock.started: this beat sends the scheduled tasks")
            self._waiting_is_told = False
        elif not held:
            self._tell_waiting("another beat is at work")
        self._is_held = held
        return held

    def release(self) -> None:
        """Let go and end the session. Whoever asks next gets the lock at once."""
        if self._connection:
            if self._is_held:
                logger.info("clock.stopped: this beat sends nothing any more")
                # Ending the session would do, but a moment after we have gone.
                with contextlib.suppress(psycopg.Error):
                    self._connection.execute("SELECT pg_advisory_unlock(%s)", [CLOCK_LOCK])
            self._connection.close()
            self._connection = None
        self._is_held = False

    def _ask(self) -> bool:
        if self._connection is None:
            self._connection = self._connect()
        if self._is_held:  # the session that took it still answers, so it still holds it
            self._connection.execute("SELECT 1")
            return True
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [CLOCK_LOCK]).fetchone()
        return bool(row and row[0])

    def _connect(self) -> psycopg.Connection:
        # As Django connects, with certificates and whatever else DATABASE_URL says, but never through its pool.
        wanted = django_connection.get_connection_params()
        return psycopg.connect(**(wanted | OWN_SESSION))

    def _tell_waiting(self, reason: str, *details: object) -> None:
        if not self._waiting_is_told:
            logger.info("clock.waiting: " + reason, *details)  # noqa: G003 (both parts are fixed texts)
        self._waiting_is_told = True


class LockedScheduler(Scheduler):
    """Celery's scheduler with its schedule in memory, silent while another one holds the lock."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.lock = ClockLock()
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, if the lock is ours; returns the seconds until the next look."""
        if not self.lock.is_held():
            return RETRY_SECONDS
        return float(super().tick(*args, **kwargs))

    def close(self) -> None:
        """End the schedule and let the next beat take over at once."""
        try:
            super().close()
        finally:
            self.lock.release()
