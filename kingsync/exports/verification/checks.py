"""Verification: look at exported work orders again, in OutSmart and at their open orders in King (product.md, 5.4).

It finds and reports, and writes to neither system. docs/decisions/0020.
"""

from __future__ import annotations

import datetime
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from integrations import errors
from integrations.king import payloads
from integrations.king.client import Client as KingClient
from integrations.king.records import Kind, Order
from integrations.outsmart.client import Client as OutSmartClient
from kingsync.exports import ledger
from kingsync.exports.export_job import PlanningJob
from kingsync.exports.lines import ledger_lines
from kingsync.exports.master_data import MasterDataReader
from kingsync.exports.verification import king_check, reconcile
from kingsync.exports.verification.call_budget import CallBudget
from kingsync.messages.reason_texts import reason_of
from kingsync.models import tenants
from kingsync.models.runs import LogEntry, RunKind
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason
from kingsync.runs import lease
from kingsync.runs.retry import with_retry
from kingsync.runs.run_log import RunLog

T = TypeVar("T")

WATCHED = datetime.timedelta(days=60)
# Less than a day, so that every one is checked within the day whenever its turn comes.
INTERVAL = datetime.timedelta(hours=20)
PAGE, BATCH = 500, 100
# Up to this many orders are looked up one by one; for more, King's whole list of open orders is read.
LOOKED_UP_SINGLY = 5
SAID_AGAIN_AFTER = datetime.timedelta(days=1)
LOCK_PATIENCE_SECONDS = 1.0
STOPPED = "verification.stopped"

COMPARED_WITH_OUTSMART = (LedgerState.DONE, LedgerState.CHANGED, LedgerState.INTERIM)
COMPARED_WITH_KING = (*COMPARED_WITH_OUTSMART, LedgerState.UNCONFIRMED, LedgerState.INCOMPLETE)


@dataclass(frozen=True)
class Portion:
    """How much to check at once: what was last checked before `due_before`, as far as the limits allow."""

    due_before: datetime.datetime
    outsmart_calls: int
    king_orders: int
    seconds: float


@dataclass
class Found:
    """What a verification did; `left` is what is due and was not checked, `error` why it stopped early."""

    checked: set[int] = field(default_factory=set)
    changed: int = 0
    notices: int = 0
    left: int = 0
    error: Reason | None = None


class _EnoughError(Exception):
    """The limits of this portion are reached, or an export began."""


class Verification(PlanningJob):
    """One verification of the open scope's tenant. `heartbeat` is called between two calls, `on_change` per finding."""

    def __init__(
        self,
        portion: Portion,
        *,
        choices: Exports,
        outsmart: OutSmartClient,
        king: KingClient,
        log: RunLog,
        heartbeat: Callable[[], None] = lambda: None,
        on_change: Callable[[WorkOrder], None] = lambda _row: None,
    ) -> None:
        self.choices, self.log = choices, log
        self.master_data = MasterDataReader(king, log)
        self.master_data.is_readable = False  # what the mirror knows serves both sides of the comparison
        self._portion, self._outsmart, self._king = portion, outsmart, king
        self._heartbeat, self._on_change = heartbeat, on_change
        self._budget = CallBudget()
        self._ends_at = time.monotonic() + portion.seconds
        self._found = Found()
        self._is_any_due = False

    def carry_out(self) -> Found:
        """Check one portion in both systems; a system that cannot be asked ends its own part only."""
        for part in (self._check_in_king, self._check_in_outsmart):
            try:
                part()
            except _EnoughError:
                pass
            except errors.IntegrationError as error:
                self._stopped(error)
        self._found.left = self._left() if self._is_any_due else 0
        self.log.write()
        return self._found

    def _left(self) -> int:
        in_king, in_outsmart = due_in_king(self._portion.due_before), due_in_outsmart(self._portion.due_before)
        return len({*in_king.values_list("pk", flat=True), *in_outsmart.values_list("pk", flat=True)})

    def _stopped(self, error: errors.IntegrationError) -> None:
        """Log once a day why a system could not be asked; that King is occupied is no fault."""
        why = reason_of(error)
        self._found.error = self._found.error or why
        since = timezone.now() - SAID_AGAIN_AFTER
        is_said = LogEntry.objects.filter(event=STOPPED, code=why.code, at__gt=since).exists()
        if not (is_said or error.reason.startswith("occupied_by_")):
            self.log.add(STOPPED, why, level=LogEntry.Level.WARNING)

    # --- OutSmart -----------------------------------------------------------------------------------------------------

    def _check_in_outsmart(self) -> None:
        due = due_in_outsmart(self._portion.due_before).order_by(F("verified_at").asc(nulls_first=True), "id")
        rows = list(due[: self._portion.outsmart_calls])
        self._is_any_due |= bool(rows)
        for row in rows:
            self._compare_with_outsmart(row)

    def _compare_with_outsmart(self, seen: WorkOrder) -> None:
        try:
            answer = self._called(lambda: self._outsmart.get_work_order(outsmart_id=seen.outsmart_id))
        except errors.NotFoundError:
            with self._unchanged([seen]) as rows:
                for row in rows.values():
                    self._count_changed(row, reconcile.deleted(self, row))
            return
        except errors.RejectedError as error:
            self.log.failure("order.not_compared", error, outsmart_id=seen.outsmart_id)
            ledger.save_lazily(seen, verified_at=timezone.now())
            return
        with self._unchanged([seen]) as rows:
            for row in rows.values():
                self._count_changed(row, reconcile.compare(self, row, answer))

    def _count_changed(self, row: WorkOrder, found: list[Reason]) -> None:
        self._found.checked.add(row.pk)
        if found:
            self._found.changed += 1
            self._on_change(row)

    # --- King ---------------------------------------------------------------------------------------------------------

    def _check_in_king(self) -> None:
        due = due_in_king(self._portion.due_before).order_by(F("king_checked_at").asc(nulls_first=True), "id")
        rows = list(due[: self._portion.king_orders])
        self._is_any_due |= bool(rows)
        absent = rows if len(rows) <= LOOKED_UP_SINGLY else self._compare_with_list(rows)
        for row in absent:
            self._look_up(row)

    def _compare_with_list(self, rows: list[WorkOrder]) -> list[WorkOrder]:
        """Compare the rows whose orders are in King's list of open orders; return the others."""
        wanted: dict[str, list[WorkOrder]] = defaultdict(list)
        for row in rows:
            wanted[row.king_order_number or ""].append(row)
        for found in self._open_orders(wanted.keys()):
            pairs = [(row, order) for order in found for row in wanted.pop(order.number, [])]
            for batch in (pairs[start : start + BATCH] for start in range(0, len(pairs), BATCH)):
                self._compare_with_king(batch)
        return [row for others in wanted.values() for row in others]

    def _open_orders(self, numbers: Iterable[str]) -> Iterator[list[Order]]:
        """Yield King's open orders of these numbers, page by page."""
        after, ours = "", frozenset(numbers)
        while True:
            page = self._called(lambda: self._king.read_page(Kind.ORDER, after=after, size=PAGE))  # noqa: B023
            yield [order for raw in page.records if (order := _read(raw, ours)) is not None]
            if page.next_after is None or page.next_after == after:
                return
            after = page.next_after

    def _look_up(self, row: WorkOrder) -> None:
        number = row.king_order_number or ""
        try:
            order = self._called(lambda: self._king.get_order(number=number))
        except errors.PayloadError as error:
            self.log.failure("order.not_compared", error, outsmart_id=row.outsmart_id)
            ledger.save_lazily(row, king_checked_at=timezone.now())
            return
        self._compare_with_king([(row, order)])

    def _compare_with_king(self, pairs: Sequence[tuple[WorkOrder, Order | None]]) -> None:
        with self._unchanged([seen for seen, _ in pairs]) as rows:
            ledger_lines.prefetch_rows(list(rows.values()))
            for row, order in ((rows[seen.pk], order) for seen, order in pairs if seen.pk in rows):
                # King gives a number again when its administration is set up again.
                is_ours = order is not None and not ledger.is_of_other(row, order)
                new = king_check.compare(self, row, order) if order and is_ours else king_check.gone(self, row)
                self._found.checked.add(row.pk)
                self._found.notices += bool(new)

    # --- Calls and rows -----------------------------------------------------------------------------------------------

    def _called(self, call: Callable[[], T]) -> T:
        """Make one call out of today's budget, repeated where that may help."""
        self._heartbeat()
        if time.monotonic() > self._ends_at or not self._budget.take():
            raise _EnoughError
        return with_retry(call)

    @contextmanager
    def _unchanged(self, seen: list[WorkOrder]) -> Iterator[dict[int, WorkOrder]]:
        """Keep exports and users away while comparisons are saved; yield the rows that did not change since.

        Raises `_EnoughError` when an export has begun: it ends with a verification of its own.
        """
        kind = RunKind.EXPORT
        with lease.worker_lock(tenants.current_id(), kind, patience_seconds=LOCK_PATIENCE_SECONDS) as is_ours:
            if not is_ours:
                raise _EnoughError
            marks = {row.pk: _marks(row) for row in seen}
            now = WorkOrder.objects.filter(pk__in=marks)
            yield {
                row.pk: row for row in (now if len(seen) == 1 else now.defer("source")) if _marks(row) == marks[row.pk]
            }


def _read(raw: bytes, wanted: frozenset[str]) -> Order | None:
    """Return a wanted order; one that cannot be read counts as absent, and is looked up by itself, which says why."""
    try:
        return payloads.order(raw) if payloads.order_marks(raw).number in wanted else None
    except errors.PayloadError:
        return None


def _marks(row: WorkOrder) -> tuple[object, ...]:
    return row.state, row.step, row.king_order_number, row.attempts, row.last_run_id, row.plan_fingerprint


def due_in_outsmart(before: datetime.datetime, among: QuerySet[WorkOrder] | None = None) -> QuerySet[WorkOrder]:
    """Return the work orders exported in the last `WATCHED` and last compared with OutSmart before this moment."""
    exported = _all(among).filter(state__in=COMPARED_WITH_OUTSMART)
    recent = exported.alias(since=Coalesce("confirmed_at", "exported_at")).filter(since__gt=timezone.now() - WATCHED)
    return recent.filter(Q(verified_at=None) | Q(verified_at__lt=before))


def due_in_king(before: datetime.datetime, among: QuerySet[WorkOrder] | None = None) -> QuerySet[WorkOrder]:
    """Return the work orders whose King order is open, as far as we know, and last checked before this moment."""
    watched = _all(among).filter(state__in=COMPARED_WITH_KING, king_order_number__isnull=False)
    return watched.filter(Q(king_checked_at=None) | Q(king_checked_at__lt=before), king_closed_at=None)


def tenants_due(before: datetime.datetime) -> set[int]:
    """Return the tenants with such a work order in their present administration, by one statement."""
    among = WorkOrder.across_tenants.filter(tenant_id=OuterRef("pk"), administration_id=OuterRef("administration_id"))
    is_due = Exists(due_in_king(before, among)) | Exists(due_in_outsmart(before, among))
    with tenants.across():
        return set(Tenant.objects.filter(is_due).values_list("pk", flat=True))


def _all(among: QuerySet[WorkOrder] | None) -> QuerySet[WorkOrder]:
    return (WorkOrder.objects.all() if among is None else among).defer("source")
