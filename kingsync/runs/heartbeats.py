"""Heartbeats of the clock and the workers: a frozen one has none, though its locks and sessions stay.

By the clock of the database, on sessions of their own: they depend on nothing that the part is doing.
"""

from __future__ import annotations

import datetime
import logging
import threading
from collections.abc import Iterable

import psycopg
from django.db import connections
from django.db.models.functions import Now

from kingsync import probe
from kingsync.models.heartbeats import Heartbeat

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
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
    return [part for part in Heartbeat.Part.values if part not in alive]


def keep_beating(parts: Iterable[str]) -> None:
    """Write heartbeats for as long as this process lives."""
    known = sorted(set(parts) & set(Heartbeat.Part.values))
    threading.Thread(target=_keep_beating, args=(known,), name="heartbeat", daemon=True).start()


def _keep_beating(parts: list[str]) -> None:
    pause = threading.Event()
    while True:
        try:
            # A session for each: a worker forks, and a session that two processes have is nobody's.
            with psycopg.connect(**connections["default"].get_connection_params(), autocommit=True) as session:
                beat(session, parts)
        except psycopg.Error as error:
            logger.warning("heartbeat.not_written: the database does not answer (%s)", type(error).__name__)
        pause.wait(BEAT_SECONDS)
