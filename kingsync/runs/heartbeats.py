"""Heartbeats of the clock and the workers: a frozen one has none, though its locks and sessions stay.

By the clock of the database, on sessions of their own: they depend on nothing that the part is doing.
"""

from __future__ import annotations

import datetime
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable

import psycopg
from django.db import connections
from django.db.models.functions import Now

from kingsync import probe
from kingsync.models.heartbeats import Heartbeat
from kingsync.runs import queues

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
STAND_IN_SECONDS = 300.0
SILENT = datetime.timedelta(seconds=probe.SILENT_SECONDS)
_BEAT = """
    INSERT INTO kingsync_heartbeat (part, at) SELECT unnest(%s::text[]), clock_timestamp()
    ON CONFLICT (part) DO UPDATE SET at = excluded.at
"""


def beat(session: psycopg.Connection, parts: Iterable[str]) -> None:
    """Say that these parts are alive. Raises `psycopg.Error`."""
    session.execute(_BEAT, [list(parts)])


def is_silent(session: psycopg.Connection, part: str) -> bool:
    """Return whether a part has had no heartbeat lately, or never. Raises `psycopg.Error`."""
    row = session.execute(probe.IS_ALIVE.encode(), [part]).fetchone()
    return not (row and row[0])


def silent_parts() -> list[str]:
    """Return the parts that have had no heartbeat lately, or never. Raises `DatabaseError`."""
    alive = set(Heartbeat.objects.filter(at__gt=Now() - SILENT).values_list("part", flat=True))
    return [part.value for part in Heartbeat.PROCESSES if part.value not in alive]


def silent_since() -> datetime.datetime | None:
    """Return since when one of the parts that ever ran, or the broker, has been silent; None when all are alive."""
    silent = Heartbeat.objects.filter(at__lte=Now() - SILENT).order_by("at").first()
    return silent.at if silent else None


def broker_answers() -> bool:
    """Return whether the broker answers a single short try."""
    try:
        with queues.asked_once() as broker:
            return bool(broker.ping())
    except queues.is_away():
        return False


def note_broker() -> None:
    """Write a heartbeat for the broker if it answers; for the clock, so that no page has to ask it."""
    if not broker_answers():
        return
    with connections["default"].cursor() as cursor:
        cursor.execute(_BEAT, [[Heartbeat.Part.BROKER]])


def keep_beating(parts: Iterable[str], *, without_clock: Callable[[], object]) -> None:
    """Write heartbeats for as long as this process lives; call `without_clock` now and then while no clock does."""
    known = sorted(set(parts) & set(Heartbeat.Part.values))
    beats = functools.partial(_keep_beating, known, StandIn(without_clock))
    threading.Thread(target=beats, name="heartbeat", daemon=True).start()


def _keep_beating(parts: list[str], stand_in: StandIn) -> None:
    pause = threading.Event()
    while True:
        try:
            # A session for each: a worker forks, and a session that two processes have is nobody's.
            with psycopg.connect(**connections["default"].get_connection_params(), autocommit=True) as session:
                beat(session, parts)
                is_alone = is_silent(session, Heartbeat.Part.CLOCK)
            if is_alone:
                stand_in.look()
        except psycopg.Error as error:
            logger.warning("heartbeat.not_written: the database does not answer (%s)", type(error).__name__)
        pause.wait(BEAT_SECONDS)


class StandIn:
    """Does now and then what must not wait for the clock: with the clock down, nobody else would tell."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work, self._next_at = work, 0.0
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Do the work if it was not done lately, in a thread of its own: heartbeats do not wait for it."""
        if time.monotonic() < self._next_at or (self._thread and self._thread.is_alive()):
            return
        self._next_at = time.monotonic() + STAND_IN_SECONDS
        self._thread = threading.Thread(target=self._carry_out, name="stand-in", daemon=True)
        self._thread.start()

    def finish(self, *, seconds: float) -> None:
        """Wait for what it is doing, for at most this many seconds."""
        if self._thread:
            self._thread.join(seconds)

    def _carry_out(self) -> None:
        try:
            self._work()
        except Exception:
            logger.exception("heartbeat.stand_in_failed")
        finally:
            connections.close_all()  # this thread's own
