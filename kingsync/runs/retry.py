"""Retrying calls that may be repeated: a few times, in place, within the one time limit of each operation."""

from __future__ import annotations

import random as _random
import time
from collections.abc import Callable
from typing import TypeVar

from integrations import deadlines, retry

T = TypeVar("T")


def with_retry(
    call: Callable[[], T],
    *,
    is_harmless: bool = False,
    sleep: Callable[[float], object] = time.sleep,
    random: Callable[[], float] = _random.random,
) -> T:
    """Make the call, retrying as `retry.repeated` does; calls inside it are not retried individually."""

    def attempt(_number: int) -> T:
        return call()

    with deadlines.within(is_repeated=True) as deadline:
        return retry.repeated(attempt, deadline=deadline, is_harmless=is_harmless, sleep=sleep, random=random)
