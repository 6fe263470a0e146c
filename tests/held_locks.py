"""Advisory locks that are held in this test's database: the other processes of a test run have theirs beside it."""

from __future__ import annotations

from django.db import connection

from kingsync.database import sessions

# A server shows the locks of all its databases.
HELD = """
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (%(first)s::bigint IS NULL OR classid::bigint = %(first)s)
    AND (%(second)s::bigint IS NULL OR objid::bigint = %(second)s)
"""


def count(first: int | None = None, second: int | None = None) -> int:
    """Return how many locks of these numbers are held."""
    return _asked(f"SELECT count(*) FROM ({HELD}) AS held", first, second)


def cut_off(first: int | None = None, second: int | None = None) -> int:
    """End the other sessions that hold locks of these numbers, as a lost network does; return how many they were."""
    others = f"{HELD} AND pid <> pg_backend_pid() GROUP BY pid"
    return _asked(f"SELECT count(pg_terminate_backend(pid, 5000)) FROM ({others}) AS held", first, second)


def _asked(statement: str, first: int | None, second: int | None) -> int:
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(statement, {"first": first, "second": second})
        return int(cursor.fetchone()[0])
