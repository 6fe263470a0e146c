"""A Celery worker whose tasks run in threads: what its pool does not do for it. docs/decisions/0051."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from concurrent.futures import Future
from typing import Any

from celery.concurrency.thread import TaskPool
from django.conf import settings

from kingsync.database import lending
from kingsync.runs import clients, processes
from kingsync.runs.keeping import leases
from kingsync.watch import ending
from kingsync.watch.tallies import keeper

logger = logging.getLogger(__name__)

# How a worker of exports is started, here and in the files of deployments.
OPTIONS = ("--pool", "threads", "--concurrency", "16")
# What one of many threads may hold: 3 000 work orders of OutSmart's list. What is larger goes to a process of its own.
SHARED_ANSWER_BYTES = 16 * 1024 * 1024
LOOK_SECONDS = 1.0
# A slice that has just begun is not kept yet.
QUIET_LOOKS = 5


def is_one(consumer: Any) -> bool:
    return isinstance(getattr(consumer, "pool", None), TaskPool)


def prepare() -> None:
    """Watch this process from now on, and replace it when a run hangs in it."""
    keeper.start()
    clients.limit_memory(SHARED_ANSWER_BYTES)
    processes.share()
    lending.start(settings.RUN_SESSIONS)
    leases.of_this_process().on_hanging = replace


def wake_when_a_thread_is_free(consumer: Any) -> None:
    """Let Celery look for a message when a thread has finished its task.

    With all threads busy it asks for none, and notices only once a second that one is free.
    """
    submit, hub = consumer.pool.executor.submit, consumer.hub

    def submitted(*task: Any) -> Future[Any]:
        future: Future[Any] = submit(*task)
        future.add_done_callback(lambda _done: hub.call_soon(_look))
        return future

    consumer.pool.executor.submit = submitted


def _look() -> None:
    """Do nothing: Celery looks for messages whenever it is woken."""


def replace() -> None:
    """End this process when all runs but those that hang have ended their slices: no thread can be ended alone.

    It takes no more runs meanwhile. Its supervisor starts another.
    """
    leases.of_this_process().on_hanging = None  # once
    logger.error("worker.replaced: a run hangs in this process, which ends when the others have ended their slices")
    threading.Thread(target=_end_with_the_others, name="replacement", daemon=True).start()


def _end_with_the_others() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    quiet = 0
    while quiet < QUIET_LOOKS:
        time.sleep(LOOK_SECONDS)
        quiet = 0 if leases.of_this_process().is_working() else quiet + 1
    ending.finish()
    os._exit(1)
