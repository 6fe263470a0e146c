"""The process that owns the embedded servers of a folder for as long as they are in use.

python -m devservers.keeper FOLDER --starting DESCRIPTOR [--throwaway]

Every user holds a shared lock on `users.lock`. The keeper waits for the exclusive lock, which it gets when the last
user is gone, however it ended. Started by `servers.servers`, which holds `start.lock` and passes it on as DESCRIPTOR.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from devservers.errors import ServersError
from devservers.locks import FileLock
from devservers.postgres import Postgres
from devservers.valkey import Valkey

READY = "ready"


class StopKeepingError(Exception):
    """The keeper must end: it got a signal, or one of its servers ended."""


def main() -> None:
    """Run the servers of one folder until its last user is gone."""
    options = _options()
    folder: Path = options.folder
    # We close neither lock: they end with the process, so that a process that acquires them finds no keeper. This one
    # is opened first because the kernel closes in that order: users.lock is free only when no keeper is left.
    FileLock(folder / "keeper.lock").exclusive()
    users_lock = FileLock(folder / "users.lock")
    try:
        _keep(folder, users_lock, throwaway=options.throwaway, starting=options.starting)
    except ServersError as error:
        _tell(str(error))
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--starting", type=int, required=True)
    parser.add_argument("--throwaway", action="store_true")
    return parser.parse_args()


def _keep(folder: Path, users_lock: FileLock, *, throwaway: bool, starting: int) -> None:
    state = folder / "state.json"
    state.unlink(missing_ok=True)
    if throwaway:
        shutil.rmtree(folder / "postgres", ignore_errors=True)
    with contextlib.ExitStack() as stack, contextlib.suppress(StopKeepingError):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _stop_keeping)
        stack.callback(state.unlink, missing_ok=True)
        postgres, valkey = _start(stack, folder, throwaway=throwaway)
        _write_state(state, postgres, valkey)
        signal.signal(signal.SIGCHLD, _stop_keeping)
        stack.callback(signal.signal, signal.SIGCHLD, signal.SIG_DFL)
        _tell(READY)
        os.close(starting)
        users_lock.exclusive()


def _start(stack: contextlib.ExitStack, folder: Path, *, throwaway: bool) -> tuple[Postgres, Valkey]:
    valkey = Valkey(folder)
    stack.callback(valkey.stop)
    postgres = Postgres(folder, throwaway=throwaway)
    stack.callback(postgres.stop)
    valkey.start()
    postgres.start()
    return postgres, valkey


def _write_state(path: Path, postgres: Postgres, valkey: Valkey) -> None:
    state = {
        "database_url": postgres.url,
        "redis_url": valkey.url,
        "processes": [os.getpid(), postgres.pid, valkey.pid],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(state))


def _stop_keeping(number: int, _frame: FrameType | None) -> None:
    raise StopKeepingError(signal.Signals(number).name)


def _tell(line: str) -> None:
    """Write one line to the process that started us; it may be gone by now."""
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), f"{line}\n".encode())
    with contextlib.suppress(OSError):
        os.close(sys.stdout.fileno())


if __name__ == "__main__":
    main()
