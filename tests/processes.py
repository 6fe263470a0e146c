"""Helpers for tests that start programs: what runs, and what must have ended."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import psutil
from django.db import connection

from devservers.places import CHECKOUT, local_folder
from tests import patience

MANAGE = str(CHECKOUT / "manage.py")
# For copies of our sources: what is compiled comes along, since all of it takes seconds, but no file that another
# process is still writing.
BEING_COMPILED = shutil.ignore_patterns("*.pyc.*")
_BOUND = """
import os, signal, sys
from kingsync.parents_death import signal_at_parents_death
signal_at_parents_death(signal.SIGTERM)
signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where a shell started the tests in the background
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def bound(*arguments: str) -> list[str]:
    """Return a command for Python with these arguments that ends when the test process dies."""
    return [sys.executable, "-c", _BOUND, *arguments]


def temporary_files() -> dict[str, str]:
    """Return the environment that keeps temporary files in the checkout, also those of a killed program."""
    folder = local_folder() / "test-files"
    folder.mkdir(parents=True, exist_ok=True)
    return {"TMPDIR": str(folder)}


def environment(local: Path, **more: str) -> dict[str, str]:
    """Return our environment without addresses, with the data of development in `local`."""
    mine = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return {**mine, **temporary_files(), "KINGSYNC_LOCAL": str(local), **more}


def of_servers(folder: Path) -> list[psutil.Process]:
    """Return the keeper and the servers that a folder's state names."""
    state = json.loads((folder / "state.json").read_text())
    return [psutil.Process(pid) for pid in state["processes"]]


def still_running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Wait for processes to end and return those that have not."""
    _gone, alive = psutil.wait_procs(processes, timeout=patience.SECONDS)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def database_url() -> str:
    """Return the address of the test database, for a program of ours or a separate connection."""
    wanted = connection.settings_dict
    return f"postgres://{wanted['USER']}:{wanted['PASSWORD']}@{wanted['HOST']}:{wanted['PORT']}/{wanted['NAME']}"
