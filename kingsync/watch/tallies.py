"""Counters and histograms of all processes: added up here in memory, and every few seconds in the database.

A thread of its own, with a session of its own, writes them: a slow or absent database delays no run and no page, and
what it did not take is kept for the next time. Why so: docs/decisions/0043-watching.md.
"""

from __future__ import annotations

import atexit
import bisect
import json
import logging
import threading
from collections.abc import Mapping

from kingsync.watch.catalog import Metric
from kingsync.watch.harmless import harmless

logger = logging.getLogger(__name__)

WRITE_SECONDS = 5.0
# Limits of the session that writes: the end of a process waits for it.
CONNECT_SECONDS, STATEMENT_SECONDS = 2, 2
Series = tuple[str, str]
# In the order of their keys: two processes that lock the same rows in another order would wait for each other.
_ADD = """
    INSERT INTO kingsync_tally (sample, labels, value)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::float8[])
    WHERE set_config('synchronous_commit', 'off', true) = 'off'
    ON CONFLICT (sample, labels) DO UPDATE SET value = kingsync_tally.value + excluded.value
"""
INFINITE = "+Inf"


class Tallies:
    """The counts of this process that are not in the database yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[Series, float] = {}

    @harmless
    def count(self, metric: Metric, number: float = 1, /, **labels: str) -> None:
        """Add to a counter."""
        self._add({_series(metric.name, labels): number})

    @harmless
    def observe(self, metric: Metric, value: float, /, **labels: str) -> None:
        """Add a value to a histogram; each bucket counts its own, they are summed when they are shown."""
        bound = bisect.bisect_left(metric.bounds, value)
        le = f"{metric.bounds[bound]:g}" if bound < len(metric.bounds) else INFINITE
        self._add(
            {_series(f"{metric.name}_bucket", labels | {"le": le}): 1, _series(f"{metric.name}_sum", labels): value}
        )

    def _add(self, numbers: Mapping[Series, float]) -> None:
        with self._lock:
            for series, number in numbers.items():
                self._pending[series] = self._pending.get(series, 0.0) + number
        keeper.wake()

    def take(self) -> dict[Series, float]:
        """Return what is to be written, and forget it."""
        with self._lock:
            taken, self._pending = self._pending, {}
        return taken

    def write(self) -> bool:
        """Add what is pending to the database; False when it does not answer, then it stays pending."""
        import psycopg  # noqa: PLC0415 - most programs count nothing

        taken = self.take()
        if not taken:
            return True
        try:
            _write(taken)
        except psycopg.Error as error:
            with self._lock:
                for series, number in taken.items():
                    self._pending[series] = self._pending.get(series, 0.0) + number
            keeper.report(type(error).__name__)
            return False
        keeper.report("")
        return True


def _series(sample: str, labels: Mapping[str, str]) -> Series:
    return sample, json.dumps(labels, sort_keys=True, separators=(",", ":"))


def _write(taken: Mapping[Series, float]) -> None:
    import psycopg  # noqa: PLC0415 - see above
    from django.db import connections  # noqa: PLC0415 - before Django's setup this module may be loaded

    limits = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": STATEMENT_SECONDS * 1000}
    own = {"application_name": "kingsync tallies", "autocommit": True}
    with psycopg.connect(**(connections["default"].get_connection_params() | limits | own)) as session:
        session.execute(f"SET statement_timeout = {STATEMENT_SECONDS * 1000}")
        rows = sorted(taken.items())
        samples, labels = [series[0] for series, _ in rows], [series[1] for series, _ in rows]
        session.execute(_ADD, [samples, labels, [number for _, number in rows]])


class Keeper:
    """Writes the tallies of a long-lived process in a thread, which sleeps while nothing is counted."""

    def __init__(self) -> None:
        self._is_wanted = False
        self._something = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_problem = ""

    def start(self) -> None:
        """Write from now on, also when this process ends. To be called after a fork: threads do not survive one."""
        self._something, self._thread = threading.Event(), None
        self._is_wanted = True
        atexit.register(self.finish)

    def wake(self) -> None:
        """Note that something was counted."""
        if not self._is_wanted:
            return
        self._something.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_writing, name="tallies", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Write what is left; a process ends soon, whether the database answers or not."""
        self._is_wanted = False
        tallies.write()

    def report(self, problem: str) -> None:
        """Log that the database takes nothing, once until it does again."""
        if problem and not self._last_problem:
            logger.warning("watch.not_written: the database does not take the counts (%s); they are kept", problem)
        self._last_problem = problem

    def _keep_writing(self) -> None:
        pause = threading.Event()
        while self._something.wait():
            pause.wait(WRITE_SECONDS)
            self._something.clear()
            if not tallies.write():
                self._something.set()


tallies = Tallies()
keeper = Keeper()
