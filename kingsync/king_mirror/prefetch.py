"""Prefetch: fetch the next pages while the last one is being processed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from kingsync.watch import log_context

P = TypeVar("P")
T = TypeVar("T")
PREFETCHED_PAGES = 8
# Enough for the next call to begin while one is transformed.
UNTRANSFORMED_PAGES = 2


@contextmanager
def prefetched(
    pages: Iterable[P], transform: Callable[[P], T], *, is_early: bool, at_most: int = PREFETCHED_PAGES
) -> Iterator[Iterator[T]]:
    """Fetch pages in a thread, at most `at_most` pages ahead, and yield the result of `transform` for each.

    `is_early` makes another thread call `transform`, so that neither fetching nor the caller waits for it. An error in
    a thread is raised where its page would have come. Leaving the block ends the threads, after the call it may be in.
    """
    if not is_early:
        fetched = _Stage(pages, at_most)
        with _running(fetched):
            yield map(transform, fetched.results())
        return
    fetched = _Stage(pages, UNTRANSFORMED_PAGES)
    transformed = _Stage(map(transform, fetched.results()), at_most)
    with _running(fetched, transformed):
        yield transformed.results()


@contextmanager
def _running(*stages: _Stage[Any]) -> Iterator[None]:
    """Run stages of which each reads from the one before it."""
    for stage in stages:
        stage.start()
    try:
        yield
    finally:
        for stage in stages:
            stage.is_wanted = False
        for stage in reversed(stages):
            stage.join()


class _Stage(Generic[T]):
    """A thread that takes one item after the other, and keeps a few for who reads them."""

    def __init__(self, items: Iterable[T], at_most: int) -> None:
        self._items = items
        self._ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(maxsize=at_most)
        self.is_wanted = True
        self._thread = threading.Thread(target=log_context.carried(self._work), name="fetch-ahead", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def results(self) -> Iterator[T]:
        while True:
            item, failure = self._ready.get()
            if failure is not None:
                raise failure
            if item is None:
                return
            yield item

    def join(self) -> None:
        """Wait for the thread to end. Nobody reads what it still has."""
        while self._thread.is_alive():
            self._drain()
            self._thread.join(timeout=0.05)

    def _work(self) -> None:
        failure: BaseException | None = None
        try:
            for item in self._items:
                if not self.is_wanted:
                    break
                self._ready.put((item, None))
        except BaseException as error:  # noqa: BLE001  (raised again where the item is waited for)
            failure = error
        self._ready.put((None, failure))  # also when it is no longer wanted: the next stage may wait for it

    def _drain(self) -> None:
        while not self._ready.empty():
            self._ready.get()
