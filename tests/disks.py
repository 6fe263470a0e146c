"""A disk that is full for this process: the kernel refuses every byte of a file beyond a limit."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def full(*, after_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond this size inside the block: a write ends halfway, the next one fails.

    It shows what a full disk does to a file, with another error number (EFBIG), and needs no disk of its own.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
