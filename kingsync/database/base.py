"""Django's PostgreSQL backend, with sessions that see the rows of the open tenant scope and no others.

Before a statement the session takes the role and the tenant of the scope, if they differ from what it has: usually
once for a page or a slice of a run. docs/decisions/0025-a-wall-in-the-database.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError
from django.db.backends import utils
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg import IsolationLevel, errors

from kingsync.database import lending, pooling, roles, visible
from kingsync.database.roles import Roles

_AS_OWNER = -2
# From this version on the planner would make one scan of a table behind the wall and its view for the search (migration
# 0004), which could not use the index.
_JOINS_TO_ITSELF = 180000
_NO_ROLES = (
    "The database has no wall between tenants: this login cannot take the role {role}. Run `manage.py migrate`, "
    "with the same login."
)
_LENT_AWAY = "The session of this cursor works for another thread by now."


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose session is never behind the tenant scope, whatever was rolled back or reused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.roles = Roles.of_login(self.settings_dict["USER"])
        self._is_owner = self.alias == NO_DB_ALIAS
        self._has_wall, self._is_rolling_back = True, False
        # What the session has, None when that is unknown; and whether a rollback would undo it.
        self._taken: int | None = None
        self._is_taken_in_transaction = False
        self._is_parked = self._is_lent = self._is_fencing = False
        # Called with each further session that is borrowed for the same work; raises what it wants, and has none then.
        self.fence: Callable[[], None] | None = None

    @contextmanager
    def as_owner(self) -> Iterator[None]:
        """Work as the login inside the block, which owns the tables: no wall. For the schema and for sessions."""
        before, self._is_owner = self._is_owner, True
        try:
            yield
        finally:
            self._is_owner = before

    @property
    def is_owner(self) -> bool:
        return self._is_owner

    def notice_wall(self) -> None:
        """Take the scope again: the wall was built since this session began."""
        self._taken, self._has_wall = None, True

    def take_scope(self) -> None:
        """Make the session see what the open scope may see; sends nothing when it does already."""
        wanted = self._wanted
        if wanted == self._taken or self.connection is None or self._cannot_take:
            return
        with self.wrap_database_errors:
            self.connection.execute(roles.TAKE, self._parameters(wanted))
        self._taken, self._is_taken_in_transaction = wanted, not self.autocommit

    @property
    def _wanted(self) -> int:
        return _AS_OWNER if self._is_owner else visible.now()

    def _parameters(self, wanted: int) -> list[str]:
        return [roles.OWNER, ""] if wanted == _AS_OWNER else self.roles.parameters(wanted)

    # --- Sessions on loan ---------------------------------------------------------------------------------------------

    def park(self, *, is_resting: bool = False) -> None:
        """Let other threads have the session until this one needs it; never in the middle of a transaction."""
        lender = lending.of_this_process()
        if lender is None or self._is_parked or self.in_atomic_block or not lender.has(self.connection):
            return
        if self.autocommit and lending.is_idle(self.connection):
            self._is_parked = True
            lender.park(self, is_resting=is_resting)

    def resume(self) -> None:
        """Take the parked session back; without one if it is another thread's by now."""
        if self._is_parked and (lender := lending.of_this_process()):
            self._is_parked = False
            lender.resume(self)

    def forget_session(self) -> lending.Session:
        session: lending.Session = self.connection
        self.connection = None
        return session

    def ensure_connection(self) -> None:
        self.resume()
        if self.connection is not None:
            return
        super().ensure_connection()
        if self.fence is not None and not self._is_fencing:
            self._is_fencing = True
            try:
                self.fence()
            except BaseException:
                self.close()
                raise
            finally:
                self._is_fencing = False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        lender = None if self.alias == NO_DB_ALIAS else lending.of_this_process()
        wanted = self._wanted
        session = lender.borrow(roles.TAKE, self._parameters(wanted)) if lender else None
        self._is_lent = session is not None
        if session is not None:
            self.isolation_level, self._taken = IsolationLevel.READ_COMMITTED, wanted
            return session
        try:
            session = super().get_new_connection(conn_params)
        finally:
            if lender:
                lender.opened(session)
        return session

    def close(self) -> None:
        self.resume()
        super().close()

    def close_if_unusable_or_obsolete(self) -> None:
        self.resume()
        super().close_if_unusable_or_obsolete()

    def close_if_health_check_failed(self) -> None:
        self.resume()
        super().close_if_health_check_failed()

    def _close(self) -> None:
        lender = lending.of_this_process()
        if lender is not None and lender.has(self.connection):
            lender.give_back(self.connection)
        else:
            super()._close()  # type: ignore[misc]  # the stubs lack it

    def require_session_of(self, cursor: Any) -> None:
        """Raise `InterfaceError` if the session that the cursor was made on is another thread's by now."""
        self.resume()
        if cursor.connection is not self.connection:
            raise InterfaceError(_LENT_AWAY)

    # --- What the session has -----------------------------------------------------------------------------------------

    def init_connection_state(self) -> None:
        """Take the scope at once: until then the session is the owner's, or another thread's."""
        if self._is_lent:  # the scope was taken when it was borrowed
            self._is_taken_in_transaction, self._has_wall = False, True
            return
        super().init_connection_state()
        self._require_own_sessions()
        if self.connection.info.server_version >= _JOINS_TO_ITSELF:
            self.connection.execute("SET enable_self_join_elimination = off")
        self._taken, self._is_taken_in_transaction, self._has_wall = None, False, True
        try:
            self.take_scope()
        except Exception as error:
            if not isinstance(error.__cause__, errors.InvalidParameterValue | errors.InsufficientPrivilege):
                raise
            self._require_new_database()

    def _require_own_sessions(self) -> None:
        try:
            pooling.require_own_sessions(self.connection, self.get_connection_params())
        except pooling.SessionsAreSharedError:
            self.close()
            raise

    @property
    def _cannot_take(self) -> bool:
        """Return whether the database has no roles yet, or the transaction failed and takes nothing but a rollback."""
        has_failed = self.in_atomic_block and self.needs_rollback
        return not self._has_wall or has_failed or self._is_rolling_back

    def _require_new_database(self) -> None:
        """Go on without a wall if there is nothing to separate yet: before the first migration."""
        if self.connection.execute("SELECT to_regclass('kingsync_tenant')").fetchone() != (None,):
            self.close()
            raise OperationalError(_NO_ROLES.format(role=self.roles.tenant))
        self._has_wall = False

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]  # the stubs lack these three
        self._is_taken_in_transaction = False

    def _rollback(self) -> None:
        super()._rollback()  # type: ignore[misc]
        self._forget_taken()

    def _savepoint_rollback(self, sid: str) -> None:
        self._is_rolling_back = True
        try:
            super()._savepoint_rollback(sid)  # type: ignore[misc]
        finally:
            self._is_rolling_back = False
        self._forget_taken()

    def _forget_taken(self) -> None:
        if self._is_taken_in_transaction:
            self._taken = None

    # --- Cursors ------------------------------------------------------------------------------------------------------

    def make_cursor(self, cursor: Any) -> utils.CursorWrapper:
        return _Cursor(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> base.CursorDebugWrapper:
        return _DebugCursor(cursor, self)


class _TakesScope:
    """Takes the scope before each statement."""

    db: DatabaseWrapper
    cursor: psycopg.Cursor[Any]

    def _prepare(self) -> None:
        self.db.require_session_of(self.cursor)
        self.db.take_scope()

    def _execute(self, *args: Any) -> Any:
        self._prepare()
        return super()._execute(*args)  # type: ignore[misc]

    def _executemany(self, *args: Any) -> Any:
        self._prepare()
        return super()._executemany(*args)  # type: ignore[misc]

    def callproc(self, *args: Any, **kwargs: Any) -> Any:
        self._prepare()
        return super().callproc(*args, **kwargs)  # type: ignore[misc]


class _Cursor(_TakesScope, utils.CursorWrapper):
    def copy(self, statement: str) -> Any:
        self._prepare()
        return self.cursor.copy(statement)


class _DebugCursor(_TakesScope, base.CursorDebugWrapper):
    def copy(self, statement: str) -> Any:
        self._prepare()
        return super().copy(statement)  # type: ignore[misc]
