"""Interpreter settings of a process that runs imports, set once at its start."""

from __future__ import annotations

import gc
import sys

SWITCH_SECONDS = 0.0005
# Objects made before garbage is looked for: a chunk has tens of thousands, and none of them is garbage of this kind.
GARBAGE_AFTER = 50_000


def prepare() -> None:
    """Configure the interpreter for imports, for the lifetime of the process.

    Threads switch ten times as often, so that an answer does not wait for another thread's 5 ms. Existing objects are
    excluded from garbage collection: scanning a whole Django every few thousand records costs a tenth of an import.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)
