"""Command output when its reader has gone."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_when_nobody_reads() -> Iterator[None]:
    """Exit quietly when the reader of our output has gone, as in `manage.py ledger SLUG | head`."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if _is_read():
            raise  # some other pipe was closed
        # Buffered output must not be written again when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def _is_read() -> bool:
    """Return False when the other end of our output is closed: only then does polling report an error."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return not any(event & select.POLLERR for _number, event in poll.poll(0))
