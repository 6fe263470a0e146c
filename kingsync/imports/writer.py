"""Post while the next records are read and the last ones are saved, in order."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from integrations.outsmart.client import Client as OutSmartClient
from kingsync.imports import batch_post
from kingsync.imports.diff import Compared
from kingsync.rules.imports.records import Row
from kingsync.rules.outcomes import Reason
from kingsync.watch import log_context

QUEUED_CHUNKS = 2
# OutSmart may take minutes for a chunk: how often a waiting run renews its lease and reads the cancel flag.
LEASE_RENEWAL_SECONDS = 2.0
# (RecordKind, OutSmart code) → why OutSmart refused the row.
Refused = dict[tuple[str, str], Reason]


@dataclass
class Chunk:
    """Records that are posted and saved together, and what is stored with them."""

    records: Sequence[Compared]
    counts: Counter[str] = field(default_factory=Counter)
    # Whether each record that could not be read is a new problem.
    unreadable: Sequence[bool] = ()
    cursor: dict[str, object] = field(default_factory=dict)
    done: int = 0
    staging_mark: int = 0


class StoppedError(Exception):
    """Nothing more may be posted: the caller that would save it is gone."""


class Writer:
    """Posts chunks in a thread and has each saved in turn, in the caller's thread.

    A chunk is saved after it was posted: a crash in between posts again, which changes nothing in OutSmart. While
    waiting for a chunk, the lease is renewed now and then; an error of that ends the posting before its next call.
    """

    def __init__(
        self,
        outsmart: OutSmartClient,
        kinds: Sequence[str],
        book: Callable[[Chunk, Refused], None],
        renew_lease: Callable[[], None],
    ) -> None:
        self._outsmart, self._kinds, self._book, self._renew_lease = outsmart, kinds, book, renew_lease
        self._under_way: deque[tuple[Chunk, Future[Refused]]] = deque()
        self._is_over = threading.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="post")

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._is_over.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def put(self, chunk: Chunk) -> None:
        """Submit the chunk; save those that are ready. Raises what posting an earlier one raised."""
        self._under_way.append((chunk, self._thread.submit(log_context.carried(self._post_chunk), chunk.records)))
        while len(self._under_way) > QUEUED_CHUNKS or (self._under_way and self._under_way[0][1].done()):
            self._save_next()

    def finish(self) -> None:
        """Save all submitted chunks."""
        while self._under_way:
            self._save_next()

    def _save_next(self) -> None:
        chunk, posted = self._under_way.popleft()
        while not wait([posted], timeout=LEASE_RENEWAL_SECONDS).done:
            self._renew_lease()
        self._book(chunk, posted.result())

    def _post_chunk(self, records: Sequence[Compared]) -> Refused:
        refused: Refused = {}
        for kind in self._kinds:
            rows = [
                part.answer
                for one in records
                for part in one.parts
                if part.must_be_posted and part.answer.kind == kind and isinstance(part.answer, Row)
            ]
            found = batch_post.post(self._outsmart, kind, rows, may_go_on=self._go_on) if rows else {}
            refused |= {(kind, code): why for code, why in found.items()}
        return refused

    def _go_on(self) -> None:
        if self._is_over.is_set():
            raise StoppedError(str(StoppedError.__doc__))
