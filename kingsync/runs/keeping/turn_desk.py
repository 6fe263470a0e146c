"""All turns at King of a process: one thread waits for them and prolongs them, on one session.

The callers' own threads ask once, and again when that thread could not; then they sleep until it wakes them.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from psycopg.errors import LockNotAvailable

from kingsync.models.turns import Caller
from kingsync.runs import processes
from kingsync.runs.keeping import turn_statements as statements

logger = logging.getLogger(__name__)
T = TypeVar("T")

LOOK_SECONDS = 0.5
IDLE_SECONDS = 1.0
ASK_AGAIN_SECONDS = 0.1
GIVE_UP_AGAIN_SECONDS = 1.0
_LOST = (OperationalError, InterfaceError)
_GONE = (DatabaseError, InterfaceError, psycopg.Error)
# Seconds that also pass while the machine sleeps, where the system counts those.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    return time.clock_gettime(_CLOCK)


@dataclass(eq=False)
class Place:
    """One caller at one administration. Only the desk changes it, under its lock."""

    key: str
    caller: Caller
    name: str
    until: float
    turned: threading.Condition
    is_held: bool = False
    is_wanted_by_others: bool = False
    prolonged_at: float = 0.0
    used_at: float = 0.0
    calls: int = 0
    waiters: int = 0
    busy_with: str = ""
    # The thread of the desk could not ask: the caller does, and hears why.
    must_ask: bool = False
    of_it: dict[str, str] = field(init=False)

    @property
    def hangs(self) -> bool:
        return bool(self.calls) and time.monotonic() >= self.until

    def __post_init__(self) -> None:
        self.of_it = {"key": self.key, "caller": self.caller.value, "me": self.name}


class Desk:
    """The turns of this process. Its lock guards them all, and the session."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._places: dict[str, Place] = {}
        self._session: psycopg.Connection[Any] | None = None
        self._keeper: threading.Thread | None = None
        self._woken = threading.Event()
        self._looked_at = 0.0

    # --- For callers --------------------------------------------------------------------------------------------------

    def enter(self, key: str, caller: Caller, name: str, *, until: float) -> Place:
        """Return a place for a caller, who must `leave` it. No turn is prolonged beyond `until` (`time.monotonic`)."""
        with self._lock:
            place = self._places[name] = Place(key, caller, name, until, threading.Condition(self._lock))
            return place

    def leave(self, place: Place) -> None:
        """Give the turn up; the session ends with the last place."""
        with self._lock:
            self._give_up(place)
            self._places.pop(place.name, None)
            if not self._places:
                self._close_session()
                self._woken.set()

    def began(self, place: Place) -> bool:
        """Begin a call if the turn outlasts any call; ask the database if the last answer is old."""
        with self._lock:
            if not place.calls and not self._is_still_ours(place):
                return False
            place.calls += 1
            return True

    def ended(self, place: Place) -> None:
        """End a call."""
        with self._lock:
            place.calls -= 1
            place.used_at = now()
            if not place.calls and place.is_wanted_by_others:
                self._give_up(place)

    @contextmanager
    def asked(self, place: Place) -> Iterator[None]:
        """Ask for the turn inside the block, which waits for it with `wait`."""
        with self._lock:
            place.waiters += 1
        try:
            with self._lock:
                self._settle(place.key, place)
                self._keep()
            yield
        finally:
            with self._lock:
                place.waiters -= 1
                if not (place.waiters or place.is_held):
                    with suppress(DatabaseError, InterfaceError):
                        self._execute(statements.FORGET, place.of_it)

    def wait(self, place: Place, seconds: float) -> None:
        """Wait until the turn is here, or so long."""
        with self._lock:
            if not (place.is_held or place.must_ask):
                place.turned.wait(seconds)
            if place.must_ask and not place.is_held:
                self._settle(place.key, place)
            self._keep()

    # --- Asking -------------------------------------------------------------------------------------------------------

    def _settle(self, key: str, asking: Place | None = None) -> None:
        """Give the turn, if it is free, to who waits longest, should that be one of ours."""
        asked_at, first = now(), None

        def settled() -> Place | None:
            with self._connected().transaction():
                return self._settled(key, asking)

        try:
            first = self._on_own_session(settled)
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            self._note_busy(key, "")
        if asking is not None:
            asking.must_ask = False
        if first is not None:
            first.is_held, first.is_wanted_by_others = True, False
            first.prolonged_at = first.used_at = asked_at
            first.turned.notify_all()

    def _settled(self, key: str, asking: Place | None) -> Place | None:
        """Return who of ours has taken the turn in the open transaction."""
        holder, caller, is_going_on = self._locked(key)
        if asking is not None:
            self._ask([asking])
        if self._is_others(holder, is_going_on=is_going_on):
            self._note_busy(key, caller)
            return None
        names = [name for (name,) in self._send(statements.WAITING, {"key": key}) if not _is_gone(name)]
        first = self._places.get(names[0]) if names else None
        if first is not None and first.waiters:
            self._send(statements.TAKE, first.of_it)
            self._send(statements.FORGET, first.of_it)
            return first
        if holder in self._places:  # we did not know that we had it
            self._send(statements.GIVE_UP, self._places[holder].of_it)
        self._note_busy(key, caller)
        return None

    def _locked(self, key: str) -> tuple[str, str, bool]:
        found = self._send(statements.LOCK, {"key": key}).fetchone()
        if found is None:
            self._send(statements.MAKE, {"key": key})
            found = self._send(statements.LOCK, {"key": key}).fetchone()
        return found or ("", "", False)

    def _is_others(self, holder: str | None, *, is_going_on: bool | None) -> bool:
        """Return whether the turn is someone else's still; what we hold without knowing it, we take again."""
        place = self._places.get(holder or "")
        if place is not None and not place.is_held:
            return False
        return bool(holder and is_going_on and not _is_gone(holder))

    def _ask(self, places: list[Place]) -> None:
        columns = {
            "names": [place.name for place in places],
            "keys": [place.key for place in places],
            "callers": [place.caller.value for place in places],
        }
        self._send(statements.ASK, columns)

    def _note_busy(self, key: str, caller: str) -> None:
        for place in self._waiting():
            if place.key == key:
                place.busy_with = caller or place.busy_with or Caller.EXPORT.value

    # --- Keeping ------------------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        if self._keeper is None or not self._keeper.is_alive():
            self._keeper = threading.Thread(target=self._look_periodically, name="turns at King", daemon=True)
            self._keeper.start()
        elif self._waiting():
            self._woken.set()  # it looks more often while someone waits

    def _look_periodically(self) -> None:
        while True:
            self._woken.wait(ASK_AGAIN_SECONDS if self._waiting() else LOOK_SECONDS)
            self._woken.clear()
            with self._lock:
                if not any(place.is_held or place.waiters for place in self._places.values()):
                    self._keeper = None  # the next turn starts another
                    return
                self._look()

    def _look(self) -> None:
        try:
            self._look_at_waiting()
            if now() - self._looked_at >= LOOK_SECONDS:
                self._looked_at = now()
                self._look_at_held()
        except _GONE:  # without a database turns end by themselves
            self._let_callers_ask()
        except Exception:
            logger.exception("turns.not_kept")
            self._let_callers_ask()

    def _let_callers_ask(self) -> None:
        for place in self._waiting():
            place.must_ask = True
            place.turned.notify_all()

    def _look_at_waiting(self) -> None:
        if not (waiting := self._waiting()):
            return
        self._on_own_session(lambda: self._ask(waiting))
        keys = sorted({place.key for place in waiting})
        for key, holder, caller, is_going_on in self._execute(statements.LOOK, {"keys": keys}).fetchall():
            if self._is_others(holder, is_going_on=is_going_on):
                self._note_busy(key, caller)
            else:
                self._settle(key)

    def _look_at_held(self) -> None:
        if not (held := [place for place in self._places.values() if place.is_held and not place.hangs]):
            return
        self._prolong(held)
        for place in held:
            is_idle = now() - place.used_at > IDLE_SECONDS
            if not place.calls and (place.is_wanted_by_others or is_idle):
                self._give_up(place)

    def _prolong(self, places: list[Place]) -> None:
        asked_at = now()
        columns = {"names": [place.name for place in places], "keys": [place.key for place in places]}
        for name, is_prolonged, is_ours, is_wanted in self._execute(statements.PROLONG, columns).fetchall():
            place = self._places[name]
            place.is_wanted_by_others = is_wanted
            if is_prolonged:
                place.prolonged_at = asked_at
            elif not is_ours:
                place.is_held = False  # it ended while we were suspended, or the database is another one

    def _is_still_ours(self, place: Place) -> bool:
        """Return whether the turn outlasts any call."""
        if place.is_held and not _outlasts_a_call(place):
            self._prolong([place])
            place.is_held &= _outlasts_a_call(place)
        return place.is_held

    # --- Giving up ----------------------------------------------------------------------------------------------------

    def _give_up(self, place: Place) -> None:
        if not place.is_held:
            return
        place.is_held = False
        try:
            self._execute(statements.GIVE_UP, place.of_it)
        except (DatabaseError, InterfaceError):
            later = threading.Thread(target=self._give_up_later, args=(place,), name="turn to give up", daemon=True)
            later.start()
        else:
            if any(other.key == place.key for other in self._waiting()):
                self._woken.set()

    def _give_up_later(self, place: Place) -> None:
        """Give the turn up as soon as the database is back: nobody should wait for its end."""
        until = now() + statements.LEASE_SECONDS
        while now() < until:
            time.sleep(GIVE_UP_AGAIN_SECONDS)
            with suppress(psycopg.Error), _opened() as session, self._lock:
                if not place.is_held:  # else it was taken again meanwhile
                    session.execute(statements.GIVE_UP, place.of_it)
                return

    # --- Database -----------------------------------------------------------------------------------------------------

    def _waiting(self) -> list[Place]:
        with self._lock:
            return [place for place in self._places.values() if place.waiters and not place.is_held]

    def _execute(self, statement: str, values: dict[str, Any]) -> psycopg.Cursor[Any]:
        return self._on_own_session(lambda: self._send(statement, values))

    def _send(self, statement: str, values: dict[str, Any]) -> psycopg.Cursor[Any]:
        return self._connected().execute(statement, values)

    def _on_own_session(self, work: Callable[[], T]) -> T:
        """Work on our own session: a turn must not wait for a run's transaction.

        Once more on another one, if this was lost since it was used last.
        """
        before = self._session
        try:
            with connections["default"].wrap_database_errors:
                return work()
        except BaseException as error:
            is_lost = isinstance(error, _LOST) and before is not None and before.broken
            if not isinstance(error.__cause__, LockNotAvailable):
                self._close_session()  # what failed on it is not used again
            if not is_lost:
                raise
        return self._on_own_session(work)

    def _connected(self) -> psycopg.Connection[Any]:
        if self._session is None or self._session.closed:
            self._session = _opened()
        return self._session

    def _close_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _opened() -> psycopg.Connection[Any]:
    session = psycopg.connect(**connections["default"].get_connection_params(), autocommit=True)
    try:
        session.execute(statements.PREPARE)
    except BaseException:
        session.close()
        raise
    return session


def _outlasts_a_call(place: Place) -> bool:
    return now() - place.prolonged_at <= statements.LEASE_SECONDS - statements.LONGEST_CALL_SECONDS


def _is_gone(holder: str) -> bool:
    return processes.is_surely_gone(holder.rpartition("/")[0])


_desks = [Desk()]


def of_this_process() -> Desk:
    return _desks[-1]


# The child has neither the thread nor the session. The parent's stays referenced: nothing of it may be closed here.
os.register_at_fork(after_in_child=lambda: _desks.append(Desk()))
