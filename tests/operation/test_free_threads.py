"""A worker of threads looks for messages as soon as one of its threads is free."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from kingsync import thread_worker
from tests import patience


class Loop:
    """Celery's event loop: notes that it was woken after the task."""

    def __init__(self, is_done: threading.Event) -> None:
        self.is_woken, self._is_done = threading.Event(), is_done

    def call_soon(self, _callback: Callable[[], object]) -> None:
        if self._is_done.is_set():
            self.is_woken.set()


def test_celery_is_woken_after_a_task_has_left_its_place() -> None:
    loop = Loop(is_done := threading.Event())
    with ThreadPoolExecutor(1) as executor:
        consumer = SimpleNamespace(pool=SimpleNamespace(executor=executor), hub=loop)
        thread_worker.wake_when_a_thread_is_free(consumer)

        executor.submit(is_done.set)

        assert loop.is_woken.wait(patience.SECONDS)
