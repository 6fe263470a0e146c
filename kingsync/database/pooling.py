"""A pooler that lends a session for one transaction gives our locks, roles and tenants to strangers: we refuse it."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured

REFUSED = (
    "DATABASE_URL leads to a pooler in transaction or statement mode, which lends one session to several tenants and "
    "loses the locks of runs: reach PostgreSQL directly, or set the pooler to session mode (PgBouncer: pool_mode = "
    "session)."
)
_LOOKS = 3
_MARK, _MARKED = "SELECT set_config('kingsync.session', %s, false)", "SELECT current_setting('kingsync.session', true)"


class SessionsAreSharedError(ImproperlyConfigured):
    """The database is behind a pooler whose sessions are not ours."""


_sound: set[tuple[object, ...]] = set()


def require_own_sessions(session: psycopg.Connection[Any], parameters: dict[str, Any]) -> None:
    """Raise `SessionsAreSharedError` if this session is lent by the transaction. Looks closer only behind a pooler."""
    if session.info.backend_pid == session.execute("SELECT pg_backend_pid()").fetchone()[0]:  # type: ignore[index]
        return
    place = tuple(parameters.get(name) for name in ("host", "port", "dbname"))
    if place not in _sound and are_shared(parameters):
        raise SessionsAreSharedError(REFUSED)
    _sound.add(place)


def are_shared(parameters: dict[str, Any]) -> bool:
    """Return whether two sessions meet, or one is not the same from statement to statement."""
    mark = uuid.uuid4().hex
    with (
        psycopg.connect(**parameters, autocommit=True) as one,
        psycopg.connect(**parameters, autocommit=True) as other,
    ):
        one.execute(_MARK, [mark])
        if any(_mark_of(one) != mark for _ in range(_LOOKS)) or _mark_of(other) == mark:
            return True
        with other.transaction():  # it keeps what it was lent, so that we get something else
            return _mark_of(other) == mark or _mark_of(one) != mark


def _mark_of(session: psycopg.Connection[Any]) -> object:
    row = session.execute(_MARKED).fetchone()
    return row and row[0]
