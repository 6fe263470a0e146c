"""Calls that may be made again are, a few times, in place, and within the one time limit that each operation has."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from integrations import deadlines, errors
from integrations.transport import POINTLESS_TO_REPEAT

T = TypeVar("T")
TRIES = 3


def patiently(call: Callable[[], T], *, sleep: Callable[[float], None] = time.sleep) -> T:
    """Make the call; where it was surely not carried out, or only reads, wait and make it again.

    Raises the last error after a few tries, or at once when the other side asks for more time than is left; every
    other error at once. Calls inside another `deadlines.within` obey that limit too.
    """
    with deadlines.within(is_repeated=True) as deadline:
        for attempt in range(1, TRIES + 1):
            try:
                return call()
            except errors.TransientError as error:
                wait = _wait(error, attempt)
                if attempt == TRIES or error.reason in POINTLESS_TO_REPEAT or wait >= deadline.left():
                    raise
                sleep(wait)
    raise AssertionError("unreachable")


def _wait(error: errors.TransientError, attempt: int) -> float:
    """Return the seconds before the next try: as many as the other side asks for, else more from try to try."""
    return 2.0 ** (attempt - 1) if error.retry_after is None else error.retry_after
