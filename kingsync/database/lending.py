"""Sessions that the threads of a process lend each other: who waits for another system needs none meanwhile.

A thread that waits parks its session. It finds it again as it left it, with its locks, unless another thread needed one
in the meantime: then it borrows another, as if it had just connected. docs/decisions/0057-sessions-on-loan.md.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg
from django.db import connections
from psycopg.pq import TransactionStatus

logger = logging.getLogger(__name__)
Session = psycopg.Connection[Any]

# When no session has gone to anybody for so long, a thread that waits opens one beyond the limit: nothing may depend on
# who parks when. However many wait, one after the other is served.
PATIENCE_SECONDS = 10.0
# What a borrower must not find: cursors and locks of the thread before. What that thread saw, it takes itself.
_CLEAN = "CLOSE ALL; SELECT pg_advisory_unlock_all()"


class Borrower(Protocol):
    """The connection of a thread."""

    def forget_session(self) -> Session:
        """Return its session, which it has no longer."""


@dataclass(eq=False)
class _Waiter:
    """A thread that waits for a session; `session` is None where it may open one."""

    is_served: threading.Event = field(default_factory=threading.Event)
    session: Session | None = None


class Lender:
    """At most `limit` sessions for any number of threads, each for `longest_seconds`: the server's side of one grows.

    Its lock guards who has which.
    """

    def __init__(self, limit: int, *, longest_seconds: float) -> None:
        self._limit, self._longest_seconds = limit, longest_seconds
        self._lock = threading.Lock()
        self._opened_at: dict[Session, float] = {}
        self._opening = 0
        self._free: list[Session] = []
        # Whose sessions others may have, in the order in which they parked.
        self._resting: dict[Borrower, None] = {}
        self._waiting: dict[Borrower, None] = {}
        self._queue: deque[_Waiter] = deque()
        self._served_at = time.monotonic()

    # --- Parking ------------------------------------------------------------------------------------------------------

    def park(self, borrower: Borrower, *, is_resting: bool = False) -> None:
        """Let others have its session until its thread comes back; `is_resting`: that may take long."""
        with self._lock:
            (self._resting if is_resting else self._waiting)[borrower] = None
            self._serve()

    def resume(self, borrower: Borrower) -> None:
        """Take the parked session back, if nobody else has it."""
        with self._lock:
            self._resting.pop(borrower, None)
            self._waiting.pop(borrower, None)

    # --- Borrowing ----------------------------------------------------------------------------------------------------

    def borrow(self, statement: str, parameters: Sequence[str]) -> Session | None:
        """Return a session without a trace of who had it before, on which this statement has been carried out.

        None where the caller opens one (`opened`).
        """
        while (session := self._next()) is not None:
            if self._is_young(session) and not self._is_beyond and _is_clean(session, statement, parameters):
                return session
            self.discard(session)
        return None

    def opened(self, session: Session | None) -> None:
        """Note the session that was opened where `borrow` returned none; None if that failed."""
        with self._lock:
            if session is not None:
                self._opened_at[session] = time.monotonic()
            self._opening -= 1
            self._serve()

    def give_back(self, session: Session) -> None:
        """Take a session that its thread needs no longer, or end it if it is of no use any more."""
        if not (self._is_young(session) and is_idle(session) and _is_clean(session)):
            self.discard(session)
            return
        with self._lock:
            self._free.append(session)
            self._serve()

    def discard(self, session: Session) -> None:
        """End a session."""
        session.close()
        with self._lock:
            self._opened_at.pop(session, None)
            self._serve()

    def has(self, session: object) -> bool:
        return session in self._opened_at

    # --- Under the lock -----------------------------------------------------------------------------------------------

    def _next(self) -> Session | None:
        waiter = _Waiter()
        with self._lock:
            self._queue.append(waiter)
            self._serve()
        while not waiter.is_served.wait(PATIENCE_SECONDS):
            self._go_beyond(waiter)
        return waiter.session

    def _go_beyond(self, waiter: _Waiter) -> None:
        """Let the caller open a session, if nobody has got one for long."""
        with self._lock:
            if waiter.is_served.is_set() or time.monotonic() - self._served_at < PATIENCE_SECONDS:
                return
            self._queue.remove(waiter)
            self._opening += 1
            self._note_served(waiter)
        logger.warning("sessions.beyond: all %s sessions of this process were busy for long; one more", self._limit)

    def _note_served(self, waiter: _Waiter) -> None:
        self._served_at = time.monotonic()
        waiter.is_served.set()

    def _serve(self) -> None:
        """Give those who wait, in their order, what there is."""
        while self._queue and self._can_serve(self._queue[0]):
            self._note_served(self._queue.popleft())

    def _can_serve(self, waiter: _Waiter) -> bool:
        if self._free:
            waiter.session = self._free.pop()
        elif len(self._opened_at) + self._opening < self._limit:
            self._opening += 1
        elif parked := self._resting or self._waiting:
            # Of those that wait for an answer the last: it needs its session again after all others.
            borrower, _ = parked.popitem()
            waiter.session = borrower.forget_session()
        else:
            return False
        return True

    @property
    def _is_beyond(self) -> bool:
        return len(self._opened_at) > self._limit

    def _is_young(self, session: Session) -> bool:
        return time.monotonic() - self._opened_at.get(session, 0.0) < self._longest_seconds


def is_idle(session: Session) -> bool:
    """Return whether the session is sound, as far as is known here, and in no transaction."""
    return not session.closed and session.info.transaction_status == TransactionStatus.IDLE


def _is_clean(session: Session, statement: str = "", parameters: Sequence[str] = ()) -> bool:
    """Return whether the session works, and has nothing left of who had it; carry out a statement in the same trip."""
    try:
        session.execute(f"{_CLEAN}; {statement}".encode(), parameters)
    except psycopg.Error:
        return False
    return True


# --- Of this process --------------------------------------------------------------------------------------------------

_lender: Lender | None = None


def start(limit: int) -> None:
    """Let the threads of this process lend each other at most `limit` sessions from now on."""
    global _lender  # noqa: PLW0603  (of the process)
    age = connections["default"].settings_dict["CONN_MAX_AGE"]
    _lender = Lender(limit, longest_seconds=math.inf if age is None else age)


def of_this_process() -> Lender | None:
    return _lender


@contextmanager
def parked() -> Iterator[None]:
    """Lend this thread's session to others inside the block, which waits; whatever it saves there takes it back."""
    if _lender is None:
        yield
        return
    connection: Any = connections["default"]
    connection.park()
    try:
        yield
    finally:
        connection.resume()


def rest() -> None:
    """Lend this thread's session to others until it has work again."""
    if _lender is not None:
        connection: Any = connections["default"]
        connection.park(is_resting=True)


def sleep(seconds: float) -> None:
    """Sleep without a session, where a function to sleep with is asked for."""
    with parked():
        time.sleep(seconds)
