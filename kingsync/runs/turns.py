"""One call at a time for each King administration, across all processes and machines.

A turn is a row with a holder and an end. It is kept from call to call while no one waits, so a lone export pays nothing
for it: a thread checks twice a second, on its own connection, whether anyone waits, and extends the turn. It is given
up at the end of a call when someone waits, and when its holder makes no calls. docs/decisions/0010.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import Q
from django.db.models.functions import Now

from integrations import deadlines, errors
from kingsync.models.connections import Connection, System
from kingsync.models.tenants import administration_key
from kingsync.models.turns import Caller, KingTurn, KingTurnRequest
from kingsync.runs import processes

logger = logging.getLogger(__name__)

# No call takes longer than this in all, so a turn that lasts this much longer when a call begins outlives it.
LONGEST_CALL_SECONDS = 120.0
LEASE_SECONDS = 150.0
LOOK_SECONDS = 0.5
IDLE_SECONDS = 1.0
ASK_AGAIN_SECONDS = 0.1
GIVE_UP_AGAIN_SECONDS = 1.0
TURN_HEARTBEAT_SECONDS = 5.0
# How long each caller waits for the turn: a page must answer, a run has time, verification comes back.
PAGE_PATIENCE_SECONDS, RUN_PATIENCE_SECONDS, VERIFICATION_PATIENCE_SECONDS = 3.0, 300.0, 60.0
# Seconds added to when each caller began to wait: exports go first, but no one waits for ever.
HEAD_START_SECONDS = {Caller.EXPORT: 0.0, Caller.PAGE: 0.5, Caller.IMPORT: 5.0, Caller.VERIFICATION: 10.0}
_REQUEST_SECONDS = 3.0
_USUAL_PORTS = {"http": 80, "https": 443}
# Seconds that also pass while the machine sleeps, where the system counts those.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_DUE = f"""since + CASE caller {
    " ".join(
        f"WHEN '{caller.value}' THEN interval '{seconds} seconds'" for caller, seconds in HEAD_START_SECONDS.items()
    )
} END"""
_ASK = f"""
    INSERT INTO kingsync_kingturnrequest (holder, key, caller, since, until)
    VALUES (%(me)s, %(key)s, %(caller)s, clock_timestamp(), clock_timestamp() + interval '{_REQUEST_SECONDS} seconds')
    ON CONFLICT (holder) DO UPDATE SET until = excluded.until
"""  # noqa: S608  (constants only)
_LOCK = "SELECT holder, caller, until > clock_timestamp() FROM kingsync_kingturn WHERE key = %(key)s FOR UPDATE"
_MAKE = """
    INSERT INTO kingsync_kingturn (key, holder, caller, until) VALUES (%(key)s, '', '', clock_timestamp())
    ON CONFLICT DO NOTHING
"""
_WAITING = f"""
    SELECT holder FROM kingsync_kingturnrequest
    WHERE key = %(key)s AND until > clock_timestamp() ORDER BY {_DUE}, holder
"""  # noqa: S608  (constants only)
_TAKE = f"""
    UPDATE kingsync_kingturn
    SET holder = %(me)s, caller = %(caller)s, until = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
    WHERE key = %(key)s
"""  # noqa: S608  (constants only)
_FORGET = "DELETE FROM kingsync_kingturnrequest WHERE holder = %(me)s"
_PROLONG = f"""
    UPDATE kingsync_kingturn SET until = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
    WHERE key = %(key)s AND holder = %(me)s
    RETURNING EXISTS (
        SELECT FROM kingsync_kingturnrequest
        WHERE key = %(key)s AND until > clock_timestamp() AND {_DUE} <= clock_timestamp()
    )
"""  # noqa: S608  (constants only)
_GIVE_UP = """
    UPDATE kingsync_kingturn SET holder = '', caller = '', until = clock_timestamp()
    WHERE key = %(key)s AND holder = %(me)s
"""


def key_of(connection: Connection) -> str:
    """Return a key that all connections to one administration share, however its address is spelled."""
    return f"{server_of(connection)} {administration_key(connection.administration)}"[:600]


def server_of(connection: Connection) -> str:
    """Return a key that all connections to one King share."""
    parts = urlsplit(connection.base_url.strip())
    scheme, host = parts.scheme.casefold(), (parts.hostname or "").rstrip(".")
    port = parts.port or _USUAL_PORTS.get(scheme, 0)
    return f"{scheme}://{host}:{port}{parts.path.rstrip('/')}"


def forget(*, of: int) -> None:
    """Delete the turns at a tenant's King, and those at addresses that nobody has any more; the next caller makes them.

    What another tenant uses stays, and what someone is using now at an address that is not saved.
    """
    kings = list(Connection.across_tenants.filter(system=System.KING).defer("credentials"))
    used = {key_of(each) for each in kings if each.tenant_id != of}
    own = {key_of(each) for each in kings if each.tenant_id == of}
    for model in (KingTurn, KingTurnRequest):
        model.objects.filter(Q(until__lt=Now()) | Q(key__in=own)).exclude(key__in=used).delete()


class Turn:
    """One caller's turns at one administration. `on_wait` is called now and then while its thread waits for one."""

    def __init__(
        self, key: str, caller: Caller, *, patience_seconds: float, on_wait: Callable[[], None] | None = None
    ) -> None:
        self._patience_seconds, self._on_wait = patience_seconds, on_wait
        self._thread = threading.get_ident()
        self._as_labels = {"key": key, "caller": caller.value, "me": f"{processes.name()}/{uuid.uuid4().hex}"}
        self._database: psycopg.Connection[Any] | None = None
        self._lock = threading.RLock()  # guards the state below, and the connection
        self._keeper: threading.Thread | None = None
        self._is_closed = threading.Event()
        self._is_held = self._is_wanted_by_others = False
        self._prolonged_at = self._used_at = 0.0
        self._calls = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the turn inside the block; blocks may be nested. Raises `UnreachableError` when it cannot be had."""
        self._begin()
        try:
            yield
        finally:
            self._end()

    def close(self) -> None:
        """Give the turn up and end the thread."""
        self._is_closed.set()
        with self._lock:
            self._give_up()
            if self._database is not None:
                self._database.close()
                self._database = None
        if self._keeper is not None:
            self._keeper.join()

    # --- Calls --------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        with self._lock:
            if not self._calls and not self._is_still_ours():
                self._wait()
            self._calls += 1

    def _end(self) -> None:
        with self._lock:
            self._calls -= 1
            self._used_at = _now()
            if not self._calls and self._is_wanted_by_others:
                self._give_up()

    def _is_still_ours(self) -> bool:
        """Return whether the turn outlasts any call; checks the database if the last check was long ago."""
        if not self._is_held:
            return False
        if _now() - self._prolonged_at > LEASE_SECONDS - LONGEST_CALL_SECONDS:
            self._prolong()
        return self._is_held

    # --- Waiting ------------------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        try:
            self._ask_until_ours()
        except BaseException:
            with suppress(DatabaseError, InterfaceError):
                self._execute(_FORGET)
            raise
        self._keep()

    def _ask_until_ours(self) -> None:
        began = told_at = _now()
        while busy_with := self._taken_by_other():
            if _now() - began > self._patience_seconds:
                raise errors.UnreachableError(system=System.KING.value, operation="", reason=f"occupied_by_{busy_with}")
            if self._on_wait and self._thread == threading.get_ident() and _now() - told_at > TURN_HEARTBEAT_SECONDS:
                self._on_wait()
                told_at = _now()
            time.sleep(ASK_AGAIN_SECONDS)
        deadlines.put_off(_now() - began)

    def _taken_by_other(self) -> str:
        """Try to take the turn; return the kind of caller that has it or is ahead of us, "" when it is ours."""
        with connections["default"].wrap_database_errors, self._connection().transaction():
            found = self._execute(_LOCK).fetchone()
            if found is None:
                self._execute(_MAKE)
                found = self._execute(_LOCK).fetchone() or ("", "", False)
            holder, caller, is_going_on = found
            self._execute(_ASK)
            if holder and is_going_on and not _is_gone(holder):
                return str(caller)
            waiting = [name for (name,) in self._execute(_WAITING) if not _is_gone(name)]
            if waiting[:1] not in ([], [self._as_labels["me"]]):
                return str(caller or Caller.EXPORT)
            asked_at = _now()
            self._execute(_TAKE)
            self._execute(_FORGET)
        self._is_held, self._is_wanted_by_others = True, False
        self._prolonged_at = self._used_at = asked_at
        return ""

    # --- Keeping the turn ---------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        if self._keeper is None or not self._keeper.is_alive():
            self._keeper = threading.Thread(target=self._check_periodically, name="turn at King", daemon=True)
            self._keeper.start()

    def _check_periodically(self) -> None:
        while not self._is_closed.wait(LOOK_SECONDS):
            with self._lock:
                if self._is_closed.is_set() or not self._is_held:
                    self._keeper = None  # the next turn starts another
                    return
                with suppress(DatabaseError, InterfaceError):  # without a database the turn ends by itself
                    self._check()

    def _check(self) -> None:
        self._prolong()
        is_idle = _now() - self._used_at > IDLE_SECONDS
        if not self._calls and (self._is_wanted_by_others or is_idle):
            self._give_up()

    def _prolong(self) -> None:
        asked_at = _now()
        found = self._execute(_PROLONG).fetchone()
        if found is None:
            self._is_held = False  # it ended while we were suspended, or the database is another one
            return
        self._prolonged_at = asked_at
        (self._is_wanted_by_others,) = found

    def _give_up(self) -> None:
        if not self._is_held:
            return
        self._is_held = False
        try:
            self._execute(_GIVE_UP)
        except (DatabaseError, InterfaceError):
            threading.Thread(target=self._give_up_later, name="turn to give up", daemon=True).start()

    def _give_up_later(self) -> None:
        """Give the turn up as soon as the database is back: nobody should wait for its end."""
        until = _now() + LEASE_SECONDS
        while _now() < until:
            time.sleep(GIVE_UP_AGAIN_SECONDS)
            with (
                suppress(psycopg.Error),
                psycopg.connect(**connections["default"].get_connection_params(), autocommit=True) as session,
                self._lock,
            ):
                if not self._is_held:  # else it was taken again meanwhile
                    session.execute(_GIVE_UP, self._as_labels)
                return

    # --- Database -----------------------------------------------------------------------------------------------------

    def _execute(self, statement: str) -> psycopg.Cursor[Any]:
        with connections["default"].wrap_database_errors:
            return self._connection().execute(statement, self._as_labels)

    def _connection(self) -> psycopg.Connection[Any]:
        """Return our own connection: a turn must not wait for a run's transaction or thread."""
        if self._database is None or self._database.closed:
            parameters = connections["default"].get_connection_params()
            self._database = psycopg.connect(**parameters, autocommit=True)
        return self._database


def _is_gone(holder: str) -> bool:
    return processes.is_surely_gone(holder.rpartition("/")[0])


def _now() -> float:
    return time.clock_gettime(_CLOCK)
