"""Health check of a part: `python -m kingsync.probe web|clock|exports|imports`, exit code 0 or 1."""

from __future__ import annotations

import functools
import http.client
import os
import sys
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection

HOST = "127.0.0.1"
USAGE = "usage: python -m kingsync.probe web|clock|exports|imports"
IS_WELL, IS_NOT, MISUSED = 0, 1, 2
WEB_PORT = 8000
ANSWER_SECONDS = 8
# All advisory locks: kingsync/runs/advisory_locks.py.
CLOCK_LOCK = 0x6B696E67  # "king"
CLOCK_IS_HELD = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_locks.database = pg_database.oid
    WHERE locktype = 'advisory' AND granted AND datname = current_database() AND classid = 0 AND objid = %s
"""

# A part without a heartbeat for so long is dead or frozen: longer than it may be busy, shorter than anyone should wait.
SILENT_SECONDS = 60
IS_ALIVE = f"""
    SELECT at > clock_timestamp() - interval '{SILENT_SECONDS} seconds' FROM kingsync_heartbeat WHERE part = %s
"""  # noqa: S608  (a constant)


def web_is_well(port: int = WEB_PORT) -> bool:
    """Return whether the web server in this container answers, with its database and broker."""
    # Django refuses host names that are not allowed; a leading dot allows any name below.
    name = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    client = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    try:
        client.request("GET", "/health?part=web", headers={"Host": name if name not in ("", "*") else HOST})
        return client.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def clock_is_well() -> bool:
    """Return whether any beat holds the clock's lock and has a heartbeat; which one does not matter."""
    return _says(CLOCK_IS_HELD, CLOCK_LOCK) and _is_alive("clock")


def _is_alive(part: str) -> bool:
    return _says(IS_ALIVE, part)


def _says(query: str, value: object) -> bool:
    """Return the answer of the database to a question; False when there is none."""
    try:
        with psycopg.connect(**(database_parameters() | {"connect_timeout": ANSWER_SECONDS})) as session:
            row = session.execute(query.encode(), [value]).fetchone()
    except psycopg.Error:
        return False
    return bool(row and row[0])


def database_parameters() -> dict[str, Any]:
    """Return Django's connection parameters from DATABASE_URL, for a session outside Django."""
    return connection.get_connection_params()


PROBES: dict[str, Callable[[], bool]] = {
    "web": web_is_well,
    "clock": clock_is_well,
    "exports": functools.partial(_is_alive, "exports"),
    "imports": functools.partial(_is_alive, "imports"),
}


def main(arguments: list[str]) -> int:
    """Check the part named by the only argument."""
    if len(arguments) != 1 or arguments[0] not in PROBES:
        sys.stderr.write(f"{USAGE}\n")
        return MISUSED
    return IS_WELL if PROBES[arguments[0]]() else IS_NOT


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kingsync.settings")
    sys.exit(main(sys.argv[1:]))
