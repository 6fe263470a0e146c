"""Threads that do what a test tells them, and the sessions that they lend each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import pytest
from django.db import connection, connections

from kingsync.database import lending
from tests import patience

T = TypeVar("T")


class Actor:
    """A thread that does what it is told, one thing after the other."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)

    def does(self, work: Callable[[], T]) -> T:
        return self._thread.submit(work).result(patience.SECONDS)

    def begins(self, work: Callable[[], T]) -> Callable[[], T]:
        """Begin something; return what waits for its end."""
        begun = self._thread.submit(work)
        return lambda: begun.result(patience.SECONDS)

    def leave(self) -> None:
        self._thread.submit(connections.close_all)
        self._thread.shutdown()


@contextmanager
def lending_sessions(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Yield what lets the threads of a test share so many sessions; the test's own is not one of them."""
    connection.ensure_connection()
    with monkeypatch.context() as patch:
        patch.setattr(lending, "_lender", None)
        yield lending.start
        if lender := lending.of_this_process():
            for session in list(lender._opened_at):
                lender.discard(session)
