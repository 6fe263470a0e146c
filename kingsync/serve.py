"""`python -m kingsync.serve`: the web server in our configuration, plus granian's options (--port, --workers, …)."""

from __future__ import annotations

import os
import sys

from kingsync import __version__

# HTTP/2 is off: a proxy speaks HTTP/1 to us, and only there idle connections have a time limit.
OPTIONS = ("--interface", "asginl", "--no-ws", "--http", "1", "--http1-header-read-timeout", "10000")
# A process that is still starting when it is asked to end may not hear it. Longer than any request, shorter than what
# our deployments wait for.
KILLED_AFTER_SECONDS = 25


def main() -> None:
    """Replace this process by the web server."""
    sys.stderr.write(f"web.started: the web server of kingsync {__version__}\n")
    options = [*OPTIONS, "--workers-kill-timeout", str(KILLED_AFTER_SECONDS), *sys.argv[1:]]
    command = [sys.executable, "-m", "granian", *options, "kingsync.asgi:application"]
    os.execv(sys.executable, command)  # noqa: S606 - no shell


if __name__ == "__main__":
    main()
