"""Watching must never stop the work that it watches."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")
logger = logging.getLogger(__name__)

_told: set[str] = set()


def harmless(watching: Callable[P, None]) -> Callable[P, None]:
    """Wrap a function that watches: a bug in it is told once by each process, and what was watched goes on."""

    @functools.wraps(watching)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            watching(*args, **kwargs)
        except Exception:
            if watching.__qualname__ not in _told:
                _told.add(watching.__qualname__)
                logger.exception("watch.failed: %s", watching.__qualname__)

    return wrapped
