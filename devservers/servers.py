"""Real PostgreSQL and Valkey for the demo, tests and commands: started on demand, shared, stopped after use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devservers.errors import ServersError
from devservers.keeper import READY
from devservers.locks import FileLock
from devservers.places import CHECKOUT


@dataclass(frozen=True)
class Addresses:
    """Where the servers of a folder listen, including passwords."""

    database_url: str
    redis_url: str

    def __repr__(self) -> str:
        return "Addresses(***)"


@contextmanager
def servers(folder: Path, *, throwaway: bool = False) -> Iterator[Addresses]:
    """Keep the servers of `folder` running inside the block; several processes share one pair.

    `throwaway` starts with empty data and does not guarantee that anything reaches the disk. The last user waits until
    the servers have stopped; they stop by themselves when a user is killed. Raises `ServersError` with a message for
    users.
    """
    user = _User(folder.resolve(), throwaway=throwaway)
    try:
        yield user.enter()
    finally:
        user.leave()


class _User:
    """One user of the servers of a folder; implements the protocol of the three lock files."""

    def __init__(self, folder: Path, *, throwaway: bool) -> None:
        self._folder = folder
        self._throwaway = throwaway
        self._users = FileLock(folder / "users.lock")
        self._started: list[subprocess.Popen[bytes]] = []

    def enter(self) -> Addresses:
        """Become a user; one process at a time looks for the servers and starts them."""
        self._users.shared()
        starting, keeper = FileLock(self._folder / "start.lock"), FileLock(self._folder / "keeper.lock")
        try:
            starting.exclusive()
            while True:
                if keeper.try_shared():  # no keeper is running
                    keeper.release()
                    self._start_keeper(starting)
                elif addresses := self._addresses():
                    return addresses
                else:  # it is ending, because one of its servers died
                    keeper.shared()
                    keeper.release()
        finally:
            keeper.close()
            starting.close()

    def leave(self) -> None:
        """Leave; the last user waits until the keeper has stopped the servers."""
        leaving = FileLock(self._folder / "start.lock")
        leaving.exclusive()  # one at a time, so that exactly one is the last
        is_last = self._users.try_exclusive() or not self._users.try_shared()
        self._users.close()
        leaving.close()
        if is_last:
            keeper = FileLock(self._folder / "keeper.lock")
            keeper.shared()
            keeper.close()
        for process in self._started:
            if is_last:
                process.wait()
            else:  # the keeper deliberately outlives us for the others: no leak to warn about
                process.returncode = 0

    def _addresses(self) -> Addresses | None:
        try:
            state = json.loads((self._folder / "state.json").read_text())
        except FileNotFoundError:
            return None
        return Addresses(state["database_url"], state["redis_url"])

    def _start_keeper(self, starting: FileLock) -> None:
        """Start a keeper and wait until it is ready. It inherits `start.lock`: no other process starts until then."""
        options = ["--starting", str(starting.descriptor), *(["--throwaway"] if self._throwaway else [])]
        log_file = self._folder / "keeper.log"
        reading, writing = os.pipe()
        with log_file.open("wb") as log, os.fdopen(writing, "wb") as telling:
            keeper = subprocess.Popen(  # noqa: S603  (our own program and folder)
                [sys.executable, "-m", "devservers.keeper", str(self._folder), *options],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=telling,
                stderr=log,
                start_new_session=True,
                pass_fds=[starting.descriptor],
            )
        self._started.append(keeper)
        with os.fdopen(reading) as listening:
            word = listening.readline().strip()
        if word != READY:
            raise ServersError(word or f"The embedded servers did not start; see {log_file}.")
