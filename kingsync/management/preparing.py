"""What a command needs at startup: signal handling, and addresses of a database and a broker."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

# Commands that use neither the database nor the broker. `check` does with --database only.
WITHOUT_SERVERS = frozenset(
    {
        "check",
        "collectstatic",
        "compile_texts",
        "compilemessages",
        "diffsettings",
        "findstatic",
        "help",
        "makemessages",
        "sandbox",
        "sendtestemail",
        "startapp",
        "startproject",
        "version",
    }
)
ADDRESSES = ("DATABASE_URL", "REDIS_URL")


@contextmanager
def prepared(arguments: Sequence[str]) -> Iterator[None]:
    """Prepare what the command in `arguments` (as in sys.argv) needs; must wrap the loading of the settings.

    If the environment has no addresses, and for the demo, this is a development machine with its own servers.
    """
    signal.signal(signal.SIGTERM, _end)
    is_demo = arguments[1:2] == ["demo"]
    if not is_demo and (not needs_servers(arguments) or all(os.environ.get(name) for name in ADDRESSES)):
        yield
        return
    from devservers import commands  # noqa: PLC0415 (an installation has no such servers)

    if is_demo:
        commands.allow_loopback()
    with commands.with_servers(arguments[1]):
        yield


def needs_servers(arguments: Sequence[str]) -> bool:
    """Return whether the command in `arguments` uses the database or the broker."""
    name, rest = "".join(arguments[1:2]), arguments[2:]
    if not name or name.startswith("-") or {"-h", "--help"} & set(rest):
        return False
    if name == "check":
        return any(each.startswith("--database") for each in rest)
    return name not in WITHOUT_SERVERS


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
