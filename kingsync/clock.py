"""Celery beat that works only while it holds a database lock, so that of many instances only one is the clock.

It runs due tasks itself, each in its own thread: nothing that the clock does waits behind a run, and neither a slow
database nor an unreachable broker stops the ticking.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from celery.beat import ScheduleEntry, Scheduler
from django.db import connections

from kingsync import __version__, probe
from kingsync.models.heartbeats import Heartbeat
from kingsync.runs import advisory_locks, heartbeats, schema
from kingsync.watch import log_context

logger = logging.getLogger(__name__)

RETRY_SECONDS, FINISH_SECONDS = 5.0, 5.0
CONNECT_SECONDS = 5
OWN_SESSION: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "tcp_user_timeout": CONNECT_SECONDS * 1000,
    "application_name": "kingsync clock",
    "autocommit": True,
}

_HELD = [0, advisory_locks.CLOCK, advisory_locks.ONE_NUMBER]


class ClockLock:
    """A session-level advisory lock on its own connection; the database releases it when the session ends."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection | None = None
        self._is_held = False
        self._waiting_is_told = False

    def is_held(self) -> bool:
        """Return whether we hold the lock now, trying to acquire it if not. Queries the database each time."""
        try:
            held = self._ask()
        except psycopg.Error as error:
            self.release()
            self._report_waiting("the database does not answer (%s)", type(error).__name__)
            return False
        if held and not self._is_held:
            logger.info("clock.started: this beat runs the scheduled tasks of kingsync %s", __version__)
            self._waiting_is_told = False
        elif not held:
            self._report_waiting("another beat runs the scheduled tasks")
        self._is_held = held
        return held

    def release(self) -> None:
        """Release the lock and end the session. The next instance to ask gets it at once."""
        if self._connection:
            if self._is_held:
                logger.info("clock.stopped: this beat no longer runs the scheduled tasks")
                # Ending the session alone would release it too, but only a moment after we are gone.
                with contextlib.suppress(psycopg.Error):
                    self._connection.execute("SELECT pg_advisory_unlock(%s)", [advisory_locks.CLOCK])
            self._connection.close()
            self._connection = None
        self._is_held = False

    def _ask(self) -> bool:
        if self._connection is None:
            self._connection = self._connect()
        if not self._is_held and not self._try(self._connection):
            self._end_frozen_clock(self._connection)
            return False
        # The session that acquired it still answers, so it still holds it.
        heartbeats.beat(self._connection, [Heartbeat.Part.CLOCK])
        return True

    @staticmethod
    def _try(session: psycopg.Connection) -> bool:
        row = session.execute("SELECT pg_try_advisory_lock(%s)", [advisory_locks.CLOCK]).fetchone()
        return bool(row and row[0])

    @staticmethod
    def _end_frozen_clock(session: psycopg.Connection) -> None:
        """End the session of a clock that holds the lock and has no heartbeat; the next attempt gets the lock."""
        if heartbeats.is_silent(session, Heartbeat.Part.CLOCK):
            for _ended in session.execute(advisory_locks.END_HOLDER, _HELD).fetchall():
                logger.warning("clock.replaced: ended the session of a clock without a heartbeat")

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(**(probe.database_parameters() | OWN_SESSION))

    def _report_waiting(self, reason: str, *details: object) -> None:
        if not self._waiting_is_told:
            logger.info("clock.waiting: " + reason, *details)  # noqa: G003 (both parts are constants)
        self._waiting_is_told = True


class Jobs:
    """The clock's running tasks; a task still running when it is due again is left to finish."""

    def __init__(self) -> None:
        self._threads: dict[str, threading.Thread] = {}

    def start(self, name: str, task: Callable[[], object]) -> None:
        """Start a task in its own thread, unless it is still running."""
        last = self._threads.get(name)
        if last is not None and last.is_alive():
            logger.warning("clock.busy: %s is still running", name)
            return
        # All of them can be killed midway and resume next time, so none may delay the end of the process.
        thread = threading.Thread(target=_carry_out, args=(name, task), name=name, daemon=True)
        self._threads[name] = thread
        thread.start()

    def finish(self, *, seconds: float) -> None:
        """Wait for running tasks, for at most this many seconds in total."""
        deadline = time.monotonic() + seconds
        for thread in self._threads.values():
            thread.join(max(0.0, deadline - time.monotonic()))


def _carry_out(name: str, task: Callable[[], object]) -> None:
    with log_context.bound(task=name.rpartition(".")[2]):
        try:
            task()
        except Exception:
            logger.exception("clock.failed: %s", name)
        finally:
            connections.close_all()  # this thread's own


class LockedScheduler(Scheduler):
    """Celery's scheduler with an in-memory schedule, idle while another instance holds the lock."""

    producer: Any = None  # this scheduler never publishes to the broker

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.lock = ClockLock()
        self.jobs = Jobs()
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Run what is due if we hold the lock; return the seconds until the next tick."""
        # In this order: an older clock goes on while ours waits for `migrate`.
        if not schema.watch.is_complete() or not self.lock.is_held():
            return RETRY_SECONDS
        self._follow_the_machine()
        return float(super().tick(*args, **kwargs))

    def _follow_the_machine(self) -> None:
        """Count from now when the machine's clock was set back: Celery would wait until its old time comes."""
        now = self.app.now()
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at and entry.last_run_at > now]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            self._heap = None

    def apply_entry(self, entry: ScheduleEntry, producer: object = None) -> None:  # noqa: ARG002
        """Run the due task here and now."""
        name = str(entry.task)
        self.jobs.start(name, self.app.tasks[name])

    def close(self) -> None:
        """End the schedule, finish short tasks, and let the next instance take over at once."""
        try:
            super().close()
            self.jobs.finish(seconds=FINISH_SECONDS)
        finally:
            self.lock.release()
