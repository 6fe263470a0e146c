"""Whose rows the running code may see: no tenant's, one tenant's or those of all. The database enforces it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# No row has these as its tenant.
OF_NONE, OF_ALL = 0, -1

_visible: ContextVar[int] = ContextVar("visible", default=OF_NONE)


def now() -> int:
    """Return the tenant whose rows are visible, `OF_NONE` or `OF_ALL`."""
    return _visible.get()


@contextmanager
def rows_of(tenant_id: int) -> Iterator[None]:
    """Make the rows of this tenant visible inside the block, or `OF_ALL`."""
    token = _visible.set(tenant_id)
    try:
        yield
    finally:
        _visible.reset(token)
