"""File locks; the kernel releases them however a process ends, SIGKILL included."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """An open lock file. Locks belong to this object (and to children that inherit its descriptor)."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def exclusive(self) -> None:
        """Wait until no one else holds the lock, then hold it exclusively."""
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def shared(self) -> None:
        """Wait until no one holds the lock exclusively, then share it."""
        fcntl.flock(self.descriptor, fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Try to take the lock exclusively without waiting. On failure a shared lock of this object may be lost."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Try to take the lock as a shared one, without waiting."""
        return self._try(fcntl.LOCK_SH)

    def release(self) -> None:
        """Release the lock but stay open, also for children that inherited the descriptor."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file. A child that inherited the descriptor keeps the lock until it closes its own."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self.descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
