"""A sandbox's data in a file, so that it survives a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

PAUSE_SECONDS = 1.0


class StateFile:
    """Writes the result of `dump` to `path`: at most once a second while running, and once when stopped.

    A file is always whole: it is written beside the old one and then replaces it.
    """

    def __init__(self, path: Path, dump: Callable[[], bytes]) -> None:
        self._path = path
        self._dump = dump
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sandbox-state", daemon=True)

    def start(self) -> None:
        """Start to write changes in the background."""
        self._thread.start()

    def touch(self) -> None:
        """Note that something changed."""
        self._changed.set()

    def stop(self) -> None:
        """Write for the last time and stop."""
        self._stopping.set()
        self._changed.set()
        self._thread.join()
        self._save()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._changed.wait()
            if self._stopping.wait(PAUSE_SECONDS):
                return
            self._changed.clear()
            self._save()

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_name(f".{self._path.name}.new")
        beside.write_bytes(self._dump())
        beside.replace(self._path)
