"""What is being worked on, for every log line: run, tenant, work order, task, request, user.

Our own context variable instead of structlog's: importing that takes time at every start of a program, and most of them
write no line.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
# A function is called when a line is written: what is not known yet when the block begins.
Value: TypeAlias = "str | int | Callable[[], str | int | None] | None"

_context: ContextVar[Mapping[str, Value]] = ContextVar("log_context", default={})  # noqa: B039  (never changed)


@contextmanager
def bound(**values: Value) -> Iterator[None]:
    """Add these values to the lines that are written in the block."""
    token = _context.set({**_context.get(), **values})
    try:
        yield
    finally:
        _context.reset(token)


def current() -> dict[str, str | int]:
    """Return what is known now, without what is empty."""
    found = {name: value() if callable(value) else value for name, value in _context.get().items()}
    return {name: value for name, value in found.items() if value is not None and value != ""}


def carried(work: Callable[P, T]) -> Callable[P, T]:
    """Return the function as one that writes its lines with the present context, whichever thread calls it."""
    here = _context.get()

    @functools.wraps(work)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        with bound(**here):
            return work(*args, **kwargs)

    return wrapped
