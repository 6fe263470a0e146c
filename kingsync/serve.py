"""`python -m kingsync.serve`: the web server as we run it, with granian's options behind it (--port, --workers, …)."""

from __future__ import annotations

import os
import sys

# http/2 is switched off: a proxy speaks http/1 to us, and only there a connection that says nothing has a time limit.
OPTIONS = ("--interface", "asginl", "--no-ws", "--http", "1", "--http1-header-read-timeout", "10000")


def main() -> None:
    """Become the web server."""
    command = [sys.executable, "-m", "granian", *OPTIONS, *sys.argv[1:], "kingsync.asgi:application"]
    os.execv(sys.executable, command)  # noqa: S606 - no shell


if __name__ == "__main__":
    main()
