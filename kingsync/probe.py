"""Is the part in this container well? For health checks: `python -m kingsync.probe web|clock`, exit code 0 or 1."""

from __future__ import annotations

import http.client
import os
import sys

import psycopg

from kingsync.embedded.ports import HOST

WEB_PORT = 8000
ANSWER_SECONDS = 8
# Any number that nothing else in this database uses for advisory locks.
CLOCK_LOCK = 0x6B696E67  # "king"
CLOCK_IS_HELD = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_locks.database = pg_database.oid
    WHERE locktype = 'advisory' AND granted AND datname = current_database() AND classid = 0 AND objid = %s
"""


def web_is_well(port: int = WEB_PORT) -> bool:
    """Tell whether the web server in this container answers, with its database and broker."""
    # Django refuses names that it is not meant to have; a leading point allows all names below.
    name = os.environ["ALLOWED_HOSTS"].split(",")[0].strip().lstrip(".")
    client = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    try:
        client.request("GET", "/health", headers={"Host": name if name != "*" else HOST})
        return client.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def clock_is_well(database_url: str) -> bool:
    """Tell whether some beat holds the clock's lock; which one does not matter."""
    try:
        with psycopg.connect(database_url, connect_timeout=ANSWER_SECONDS) as connection:
            row = connection.execute(CLOCK_IS_HELD, [CLOCK_LOCK]).fetchone()
    except psycopg.Error:
        return False
    return bool(row and row[0])


def main() -> None:
    """Answer for the part that the argument names."""
    part = sys.argv[1]
    sys.exit(0 if (web_is_well() if part == "web" else clock_is_well(os.environ["DATABASE_URL"])) else 1)


if __name__ == "__main__":
    main()
