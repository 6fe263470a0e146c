"""What one export run works with, and how one work order of it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from integrations import errors
from integrations.king.client import Client as KingClient
from integrations.outsmart.client import Client as OutSmartClient
from kingsync.database import lending
from kingsync.exports import ledger, problems
from kingsync.exports.master_data import MasterDataReader
from kingsync.exports.restore_guard import DryGuard, RestoreGuard
from kingsync.models.former_orders import FormerOrders
from kingsync.models.runs import LogEntry
from kingsync.models.work_orders import WorkOrder
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason
from kingsync.runs.lifecycle import Claim
from kingsync.runs.run_log import RunLog
from kingsync.watch import log_context

HEARTBEAT_SECONDS = 5.0
# Times a write's own timeout: how long a lost one may still be running, from when it was saved that it goes out. So it
# must have begun within what this is above 1.
OUTCOME_UNKNOWN_FACTOR = 1.2


class NotSettledError(Exception):
    """A write to King may still be running: come back after `row.outcome_unknown_until`."""


@dataclass(frozen=True)
class Outcome:
    """How one work order ended: one of the contract's counts; `needs_attention` when it must be reported in any case.

    What the ledger's state already shows (`problems.found`) needs no mark.
    """

    count: str
    needs_attention: bool = False


@dataclass(frozen=True)
class PendingCall:
    """A background call; `then` gets its error afterwards, None = success."""

    call: Future[None]
    then: Callable[[errors.IntegrationError | None], None]

    def finish(self) -> None:
        """Wait for the answer and pass it on."""
        try:
            with lending.parked():
                self.call.result()
        except errors.IntegrationError as error:
            self.then(error)
        else:
            self.then(None)


class PlanningJob:
    """What it takes to plan a work order, and to log what became of it."""

    choices: Exports
    master_data: MasterDataReader
    log: RunLog

    def log_event(
        self, row: WorkOrder, event: str, why: Reason | None = None, level: LogEntry.Level = LogEntry.Level.INFO
    ) -> None:
        """Log one event of a work order, unless an earlier run logged it and it still applies."""
        if why and level != LogEntry.Level.INFO and problems.was_reported(row, why):
            return
        self.log.add(
            event,
            why,
            level=level,
            kind="work_order",
            outsmart_id=row.outsmart_id,
            king_id=row.king_order_number or "",
        )


@dataclass
class Job(PlanningJob):
    claim: Claim
    choices: Exports
    king: KingClient
    outsmart: OutSmartClient
    master_data: MasterDataReader
    log: RunLog
    guard: RestoreGuard = field(init=False)
    # The King orders named by work orders at a trigger that this run has not processed yet, by their ids.
    listed_numbers: dict[str, str] = field(default_factory=dict)
    former_orders: FormerOrders = field(default_factory=FormerOrders)
    # Work orders that the ledger did not have when OutSmart's list was read.
    unseen: set[str] = field(default_factory=set)
    # The rows whose orders King has unlocked, which is not saved yet.
    unlocked: list[int] = field(default_factory=list)
    _last_heartbeat: float = field(default_factory=time.monotonic)
    _pending_call: PendingCall | None = None
    # One thread: King gets one call at a time. It only makes calls; all database work stays in ours.
    _call_thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))

    def __post_init__(self) -> None:
        guard = DryGuard if self.claim.run.is_dry else RestoreGuard
        self.guard = guard(self.claim, self.king, self.log, outcome_unknown_seconds=self.outcome_unknown_seconds)

    @property
    def outcome_unknown_seconds(self) -> float:
        return self.king.write_timeout * OUTCOME_UNKNOWN_FACTOR

    @property
    def begin_seconds(self) -> float:
        """How long after it was saved a write may still begin."""
        return self.outcome_unknown_seconds - self.king.write_timeout

    def heartbeat(self) -> None:
        """Send a heartbeat now and then; stops when another worker took over."""
        if time.monotonic() - self._last_heartbeat >= HEARTBEAT_SECONDS:
            self.claim.heartbeat()
            self._last_heartbeat = time.monotonic()

    def submit_call(self, call: Callable[[], None], then: Callable[[errors.IntegrationError | None], None]) -> None:
        """Submit a call to King and continue; `then` runs in this thread, at the latest at the next call."""
        submitted = self._call_thread.submit(log_context.carried(call))
        before, self._pending_call = self._pending_call, PendingCall(submitted, then)
        if before:
            before.finish()

    def wait_for_call(self) -> None:
        """Wait until King has answered the background call, so that the next one goes out at once."""
        if self._pending_call:
            with lending.parked():
                wait([self._pending_call.call])

    def finish_call(self) -> None:
        """Finish the pending background call, if any."""
        before, self._pending_call = self._pending_call, None
        if before:
            before.finish()
        if unlocked := self.take_unlocked():
            ledger.free(unlocked)

    def take_unlocked(self) -> list[int]:
        """Return the rows whose orders are unlocked, for who saves it now."""
        unlocked, self.unlocked = self.unlocked, []
        return unlocked

    def close(self) -> None:
        """Finish the background call and end the thread; its error was saved and is not raised again."""
        try:
            self.finish_call()
        except errors.IntegrationError:
            pass
        finally:
            self._call_thread.shutdown()
