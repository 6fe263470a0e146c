"""Real PostgreSQL and Valkey for the demo, the tests and commands: started when needed, shared, stopped after use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kingsync.embedded.errors import ServersError
from kingsync.embedded.keeper import READY
from kingsync.embedded.locks import FileLock
from kingsync.embedded.places import CHECKOUT


@dataclass(frozen=True)
class Addresses:
    """Where the servers of a folder listen, passwords included."""

    database_url: str
    redis_url: str

    def __repr__(self) -> str:
        return "Addresses(***)"


@contextmanager
def servers(folder: Path, *, throwaway: bool = False) -> Iterator[Addresses]:
    """Have the servers of `folder` up inside the block; several processes share one pair.

    `throwaway` starts with empty data and writes nothing to disk for sure. The last user waits until the servers have
    stopped; when a user is killed they stop by themselves. Raises `ServersError` with a sentence for people.
    """
    folder = folder.resolve()
    users = FileLock(folder / "users.lock")
    try:
        users.shared()
        yield _started(folder, throwaway=throwaway)
    finally:
        _leave(folder, users)


def _started(folder: Path, *, throwaway: bool) -> Addresses:
    starting = FileLock(folder / "start.lock")
    try:
        starting.exclusive()
        keeper = FileLock(folder / "keeper.lock")
        try:
            while not _is_kept(folder, keeper):
                _start_keeper(folder, starting, throwaway=throwaway)
        finally:
            keeper.close()
        state = json.loads((folder / "state.json").read_text())
        return Addresses(state["database_url"], state["redis_url"])
    finally:
        starting.close()


def _is_kept(folder: Path, keeper: FileLock) -> bool:
    """Tell whether a keeper is at work; one that is ending (a server of it died) is waited for."""
    if not keeper.try_shared():
        if (folder / "state.json").exists():
            return True
        keeper.shared()
    keeper.release()
    return False


def _start_keeper(folder: Path, starting: FileLock, *, throwaway: bool) -> None:
    """Start a keeper and wait for its word. It inherits `start.lock`, so that nobody else starts until it is ready."""
    command = [sys.executable, "-m", "kingsync.embedded.keeper", str(folder), "--starting", str(starting.descriptor)]
    reading, writing = os.pipe()
    with (folder / "keeper.log").open("wb") as log, os.fdopen(writing, "wb") as telling:
        keeper = subprocess.Popen(  # noqa: S603
            command + (["--throwaway"] if throwaway else []),
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=telling,
            stderr=log,
            start_new_session=True,
            pass_fds=[starting.descriptor],
        )
    with os.fdopen(reading) as listening:
        word = listening.readline().strip()
    if word != READY:
        keeper.wait()
        raise ServersError(word or f"The embedded servers do not start; see {folder / 'keeper.log'}.")
    _forget(keeper)


def _forget(keeper: subprocess.Popen[bytes]) -> None:
    """The keeper outlives this object, and may outlive this process: that is its purpose, not a leak."""
    keeper.returncode = 0


def _leave(folder: Path, users: FileLock) -> None:
    """Let go; the last user stays until the keeper has stopped the servers."""
    leaving = FileLock(folder / "start.lock")
    leaving.exclusive()  # one at a time, so that exactly one is the last
    is_last = users.try_exclusive() or not users.try_shared()
    users.close()
    leaving.close()
    if is_last:
        keeper = FileLock(folder / "keeper.lock")
        keeper.shared()
        keeper.close()
