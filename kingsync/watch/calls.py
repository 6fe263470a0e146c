"""What hears of every call to OutSmart and King; `kingsync.runs.clients` hands it to the transport."""

from __future__ import annotations

from collections.abc import Callable

from integrations.calls import Timing
from kingsync.watch import catalog, log_context, traces
from kingsync.watch.tallies import tallies


def listener() -> Callable[[Timing], None]:
    """Return a function that counts a call and records it below the present slice, whichever thread makes the call."""
    above = traces.here()

    @log_context.carried
    def hear(timing: Timing) -> None:
        outcome = timing.reason or catalog.OK
        tallies.count(catalog.CALLS, system=timing.system, operation=timing.operation, outcome=outcome)
        tallies.observe(catalog.CALL_SECONDS, timing.seconds, system=timing.system, operation=timing.operation)
        if above is not None:
            traces.call_ended(above, timing)

    return hear
