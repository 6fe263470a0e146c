"""Slices that end early: a person waits for a run to begin, and other runs have all places of the workers."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Collection

from kingsync.runs import queues

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
# A broker that does not answer costs each look a second and a half.
LOOK_AGAIN_SECONDS = 30.0


class GivingWay:
    """Looks in the queues while runs go on; as many slices of this process end as persons' runs wait, one for each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._look_at = 0.0
        self._waiting: Counter[str] = Counter()

    def is_asked(self, names: Collection[str]) -> bool:
        """Return whether the slice that asks should end, so that a person's run of these queues can begin."""
        if self._is_time_to_look():
            self._look(names)
        with self._lock:
            found = next((name for name in names if self._waiting[name] > 0), None)
            if found is not None:
                self._waiting[found] -= 1
            return found is not None

    def _is_time_to_look(self) -> bool:
        with self._lock:
            now = time.monotonic()
            is_time = now >= self._look_at
            if is_time:
                self._look_at = now + LOOK_SECONDS
            return is_time

    def _look(self, names: Collection[str]) -> None:
        """Nobody else waits for the answer of the broker."""
        try:
            with queues.asked_once() as broker:
                waiting = Counter({name: queues.length_of_first(broker, name) for name in names})
        except queues.is_away() as error:
            logger.info("queue.not_seen: the broker does not say who waits (%s)", type(error).__name__)
            waiting = Counter()
            with self._lock:
                self._look_at = time.monotonic() + LOOK_AGAIN_SECONDS
        with self._lock:
            self._waiting = waiting


_giving_way = GivingWay()


def of_this_process() -> GivingWay:
    return _giving_way
