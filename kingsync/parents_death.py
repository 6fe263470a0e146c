"""Make a process end with its parent, even when the parent is killed with SIGKILL."""

from __future__ import annotations

import ctypes
import sys

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def signal_at_parents_death(signal_number: int) -> None:
    """Ask the kernel to send this process `signal_number` when its parent dies. Linux only; does nothing elsewhere."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
