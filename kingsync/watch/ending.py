"""The end of a process that watched itself."""

from __future__ import annotations

import sys

from kingsync.watch.tallies import keeper


def finish() -> None:
    """Write the last counts and send the last spans, within seconds."""
    keeper.finish()
    # Loaded only by who works on a run; it needs Django's setup, which some commands do without.
    if traces := sys.modules.get("kingsync.watch.traces"):
        traces.finish()
