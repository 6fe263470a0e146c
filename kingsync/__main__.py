"""Entry point of every command; without addresses in the environment it starts its own database and broker."""

from __future__ import annotations

import os
import signal
import sys

from kingsync.management.arguments import require_readable
from kingsync.management.output import quiet_when_nobody_reads
from kingsync.management.preparing import prepared
from kingsync.management.unset import require_settings
from kingsync.watch import ending
from kingsync.watch.tallies import keeper


def main() -> None:
    """Run the command given by the arguments, with servers around it if it needs them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kingsync.settings")
    require_readable(sys.argv)
    try:
        with quiet_when_nobody_reads(), prepared(sys.argv):
            from django.core.management import execute_from_command_line  # noqa: PLC0415 (after the addresses)

            if sys.argv[1:2] == ["doctor"]:
                require_settings(sys.argv)
            keeper.start()
            try:
                execute_from_command_line(sys.argv)
            finally:
                ending.finish()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
