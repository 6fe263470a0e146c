"""The one place where calls are made again: how often, after how long, within which time, and what is not worth it."""

from __future__ import annotations

import random as _random
import time
from collections.abc import Callable
from typing import TypeVar

from integrations import errors
from integrations.deadlines import Deadline

T = TypeVar("T")
TRIES = 3
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 8.0
POINTLESS_TO_REPEAT = frozenset(
    {
        "certificate",
        "forbidden_address",
        "too_large",
        "occupied_by_export",
        "occupied_by_import",
        "occupied_by_page",
        "occupied_by_verify",
    }
)


def repeated(
    call: Callable[[int], T],
    *,
    deadline: Deadline,
    tries: int = TRIES,
    is_harmless: bool = False,
    sleep: Callable[[float], object] = time.sleep,
    random: Callable[[], float] = _random.random,
) -> T:
    """Make the call, which hears the number of the try; where it was surely not carried out, wait and make it again.

    `is_harmless`: also where it may have been carried out. Raises the last error after so many tries, or at once when
    the wait is longer than the time that is left; every other error at once.
    """
    again = (errors.TransientError, errors.OutcomeUnknownError) if is_harmless else (errors.TransientError,)
    attempt = 1
    while True:
        try:
            return call(attempt)
        except again as error:
            wait = _wait(error, attempt, random)
            if attempt >= tries or error.reason in POINTLESS_TO_REPEAT or wait >= deadline.left():
                raise
        sleep(wait)
        attempt += 1


def _wait(error: errors.IntegrationError, attempt: int, random: Callable[[], float]) -> float:
    """Return the seconds before the next try: as asked, else full jitter, so that tenants do not return at once."""
    if isinstance(error, errors.TransientError) and error.retry_after is not None:
        return error.retry_after
    longest: float = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1))
    return random() * longest
