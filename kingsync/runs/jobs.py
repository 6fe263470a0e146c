"""What one export run works with, and how one work order of it ends."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from integrations.king.client import Client as KingClient
from integrations.outsmart.client import Client as OutSmartClient
from kingsync.models.runs import LogEntry
from kingsync.models.work_orders import WorkOrder
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason
from kingsync.runs.facts import FactsFinder
from kingsync.runs.lifecycle import Claim
from kingsync.runs.log import RunLog

HEARTBEAT_SECONDS = 5.0
# Times a write's own time-out: how long a lost one may still be carried out.
DOUBT_FACTOR = 1.2


class NotSettledError(Exception):
    """A write to King may still be at work: come back after `row.doubtful_until`."""


@dataclass(frozen=True)
class Outcome:
    """How one work order ended: one of the contract's counts; `trouble` when it needs attention all the same."""

    count: str
    trouble: bool = False


@dataclass
class Job:
    claim: Claim
    choices: Exports
    king: KingClient
    outsmart: OutSmartClient
    facts: FactsFinder
    log: RunLog
    _last_beat: float = field(default_factory=time.monotonic)

    @property
    def doubt_seconds(self) -> float:
        return self.king.write_timeout * DOUBT_FACTOR

    def beat(self) -> None:
        """Give a sign of life now and then, and stop when somebody else took over."""
        if time.monotonic() - self._last_beat >= HEARTBEAT_SECONDS:
            self.claim.beat()
            self._last_beat = time.monotonic()

    def note(
        self, row: WorkOrder, event: str, why: Reason | None = None, level: LogEntry.Level = LogEntry.Level.INFO
    ) -> None:
        """Write one event of a work order in the run's log."""
        self.log.add(
            event,
            why,
            level=level,
            kind="work_order",
            outsmart_id=row.outsmart_id,
            king_id=row.king_order_number or "",
        )
