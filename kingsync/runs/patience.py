"""Calls that were surely not carried out may be made again, a few times, in place."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from integrations import errors

T = TypeVar("T")
TRIES = 3
LONGEST_WAIT_SECONDS = 30.0


def patiently(call: Callable[[], T], *, sleep: Callable[[float], None] = time.sleep) -> T:
    """Make the call; where nothing was sent or the other side asks to slow down, wait and make it again.

    Raises the last error after a few tries; every other error at once.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return call()
        except (errors.UnreachableError, errors.RateLimitError) as error:
            if attempt == TRIES or error.reason in ("certificate", "forbidden_address"):
                raise
            sleep(min(error.retry_after or 2.0 ** (attempt - 1), LONGEST_WAIT_SECONDS))
    raise AssertionError("unreachable")
