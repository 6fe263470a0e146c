"""Trouble of our own database that passes by itself: it is restarted, its disk is full, it has no free connection.

It says nothing about the run that met it. So such a run stays open and is continued, instead of ending as failed.
"""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

# By SQLSTATE: connection lost, transaction rolled back (deadlock), out of disk, memory or connections, shutting down or
# starting, input/output error, read-only (a standby after a switch-over), frozen in the middle of a transaction.
_PASSING = ("08", "40", "53", "57P", "58", "25006", "25P03")
# A table or column that the code knows and the database does not: `migrate` is still to come.
_OLDER_SCHEMA = ("42P01", "42703")


def is_passing(error: BaseException) -> bool:
    """Return whether an error is one of our database that passes by itself."""
    if not isinstance(error, (DatabaseError, InterfaceError)):
        return False
    state = _sqlstate(error)
    if state is None:  # the server said nothing: there was no connection, or no longer one
        return isinstance(error, (OperationalError, InterfaceError))
    return state.startswith(_PASSING)


def is_older_schema(error: BaseException) -> bool:
    """Return whether the database lacks a table or column that the code expects."""
    return isinstance(error, ProgrammingError) and _sqlstate(error) in _OLDER_SCHEMA


def _sqlstate(error: BaseException) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)
