"""A small thread pool for work that must not block the threads that serve pages."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from django.db import connections

from kingsync.watch import log_context

logger = logging.getLogger(__name__)

Job = Callable[[], None]

THREADS, WAITING = 8, 16


class PoolFullError(Exception):
    """All threads are busy and the queue is full."""


class Pool:
    """Daemon threads, started on demand: none before a fork, and none that keeps a process from ending."""

    def __init__(self, *, threads: int = THREADS, waiting: int = WAITING) -> None:
        self._limit = threads
        self._jobs: queue.Queue[Job] = queue.Queue(waiting)
        self._lock = threading.Lock()
        self._started = self._idle = 0

    def submit(self, job: Job) -> None:
        """Run the job in a thread soon; raises `PoolFullError`."""
        with self._lock:
            try:
                self._jobs.put_nowait(log_context.carried(job))
            except queue.Full:
                raise PoolFullError from None
            if self._jobs.qsize() > self._idle and self._started < self._limit:
                self._started += 1
                threading.Thread(target=self._work, name=f"background-{self._started}", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            job = self._jobs.get()
            with self._lock:
                self._idle -= 1
            self._do(job)

    def _do(self, job: Job) -> None:
        try:
            job()
        except Exception:  # the thread must survive any error, even a lost database
            logger.exception("background job failed")
        finally:
            connections.close_all()
