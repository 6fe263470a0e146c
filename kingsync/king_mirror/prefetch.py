"""Prefetch: fetch the next pages while the last one is being processed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from kingsync.watch import log_context

P = TypeVar("P")
T = TypeVar("T")
PREFETCHED_PAGES = 8


@contextmanager
def prefetched(
    pages: Iterable[P], transform: Callable[[P], T], *, is_early: bool, at_most: int = PREFETCHED_PAGES
) -> Iterator[Iterator[T]]:
    """Fetch pages in a thread, at most `at_most` pages ahead, and yield the result of `transform` for each.

    `is_early` makes that thread call `transform` too. An error in the thread is raised where its page would have come.
    Leaving the block ends the thread, after the call it may be in.
    """
    if is_early:
        with _prefetching(map(transform, pages), at_most) as transformed:
            yield transformed
    else:
        with _prefetching(pages, at_most) as fetched:
            yield map(transform, fetched)


@contextmanager
def _prefetching(pages: Iterable[T], at_most: int) -> Iterator[Iterator[T]]:
    fetcher = _Fetcher(pages, at_most)
    fetcher.start()
    try:
        yield fetcher.pages()
    finally:
        fetcher.stop()


class _Fetcher(Generic[T]):
    def __init__(self, pages: Iterable[T], at_most: int) -> None:
        self._pages = pages
        self._ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(maxsize=at_most)
        self._is_wanted = True
        self._thread = threading.Thread(target=log_context.carried(self._fetch), name="fetch-ahead", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def pages(self) -> Iterator[T]:
        while True:
            page, failure = self._ready.get()
            if failure is not None:
                raise failure
            if page is None:
                return
            yield page

    def stop(self) -> None:
        self._is_wanted = False
        while self._thread.is_alive():
            self._drain()
            self._thread.join(timeout=0.05)

    def _fetch(self) -> None:
        try:
            for page in self._pages:
                if not self._is_wanted:
                    return
                self._ready.put((page, None))
        except BaseException as failure:  # noqa: BLE001  (raised again where the page is waited for)
            self._ready.put((None, failure))
        else:
            self._ready.put((None, None))

    def _drain(self) -> None:
        while not self._ready.empty():
            self._ready.get()
