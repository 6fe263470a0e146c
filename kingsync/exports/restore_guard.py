"""Make sure that a restored database sends nothing twice (product.md, 5.5; docs/decisions/0010).

Before the first order of a run is created, King is asked which orders changed since the ledger was last compared with
it, and the journal which orders were created. An order that they name and the ledger does not know was created by a
lost state of the database: it is added to the ledger again. If neither knows, users are asked.
"""

from __future__ import annotations

import datetime
import logging
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from integrations import errors
from integrations.king import payloads
from integrations.king.client import Client as KingClient
from integrations.king.records import Kind
from kingsync.database import lending
from kingsync.exports import ledger, order_links, supplements
from kingsync.exports.lines import ledger_lines
from kingsync.messages.reason_texts import reason_of
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.restores import RestoreWatch
from kingsync.models.runs import LogEntry
from kingsync.models.work_orders import AfterRestore, LedgerState, ManualAction, Step, WorkOrder
from kingsync.rules import orders
from kingsync.rules.outcomes import reason
from kingsync.runs import journal, turns
from kingsync.runs.lifecycle import Claim
from kingsync.runs.retry import with_retry
from kingsync.runs.run_log import RunLog

logger = logging.getLogger(__name__)

# King's clock may differ from ours, and its time is local, with an hour that occurs twice in autumn.
OVERLAP = datetime.timedelta(hours=6)
PAGE = 500
_PREFIX = orders.external_number("")


@dataclass
class _Unknown:
    """What the ledger does not know, by reference: King's open orders, and numbers that only the journal knows."""

    open: dict[str, list[str]] = field(default_factory=dict)
    journalled: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.open or self.journalled)


class RestoreGuard:
    """Checks once per run; `found` holds the work orders that were added to the ledger and not processed yet."""

    def __init__(self, claim: Claim, king: KingClient, log: RunLog, *, outcome_unknown_seconds: float) -> None:
        self._claim, self._king, self._log = claim, king, log
        self._outcome_unknown_seconds = outcome_unknown_seconds
        self._watch = self._stored_watch()
        self.journal = journal.Journal(king.administration)
        self._has_looked = False
        # A check that King refused does not count: the next one begins where the last successful one did.
        self._has_king_told = True
        self._are_all_unknown = False
        # Orders that this run has begun to create, and may or may not be in King.
        self._begun: set[str] = set()
        self.found: set[str] = set()

    def _stored_watch(self) -> RestoreWatch:
        administration = tenants.administration_key(self._king.administration)
        found = RestoreWatch.objects.filter(administration=administration).first()
        return found or RestoreWatch(administration=administration)

    # --- When to check ------------------------------------------------------------------------------------------------

    def check_journal(self) -> None:
        """Notice a restore that King may not show: the newest entries of the journal are not in the ledger."""
        newest = self.journal.newest()
        if newest and not self._knows(newest):
            self._check(is_noticed=True)

    def before_create(self, row: WorkOrder) -> bool:
        """Make sure that King has no order of this work order yet; return True if the ledger learned more about it."""
        reference = orders.external_number(row.outsmart_id, row.part)
        if self._has_looked and reference not in self._begun and not self._are_all_unknown:
            return False  # nothing was asked, so nothing was learned; `ledger.begin_new` notices what others changed
        if not self._has_looked:
            self._check()
        if reference in self._begun:
            self._look_up(reference)
        before = row.king_order_number, row.step, row.after_restore
        if self._are_all_unknown and not row.after_restore:
            WorkOrder.objects.filter(pk=row.pk).update(after_restore=AfterRestore.UNSURE)
        fields = ["king_order_number", "step", "after_restore", "is_created_by_us", "is_locked", "part"]
        row.refresh_from_db(fields=fields)
        return before != (row.king_order_number, row.step, row.after_restore)

    # --- Events of orders ---------------------------------------------------------------------------------------------

    def about_to_create(self, reference: str) -> None:
        self._begun.add(reference)
        self.journal.about_to_create(reference)

    def created(self, reference: str, number: str) -> None:
        self._begun.discard(reference)
        self.journal.created(reference, number)

    def not_created(self, reference: str) -> None:
        self._begun.discard(reference)
        self.journal.not_created(reference)

    def _look_up(self, reference: str) -> None:
        """Ask King for one order that this run began to create and whose creation the ledger lost."""
        found = with_retry(lambda: self._king.find_orders(reference=reference))
        self._take_in(reference, [order.number for order in found])
        self._begun.discard(reference)

    # --- Checking -----------------------------------------------------------------------------------------------------

    def _check(self, *, is_noticed: bool = False) -> None:
        began = timezone.now()
        unknown = None if is_noticed else self._unknown()
        if unknown is None or unknown:
            # A worker that was cut off from the lost state may still have a call running at King.
            self._wait(self._outcome_unknown_seconds)
            began = timezone.now()
            self._restore(self._unknown())
        if self._has_king_told:
            self._watch.looked_at = began
        self._watch.save()
        self._has_looked = True

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._claim.renew_lease()
            with lending.parked():
                time.sleep(min(1.0, max(0.0, until - time.monotonic())))

    def _unknown(self) -> _Unknown:
        """Return what King or the journal has and the ledger does not know.

        If King offers no reading of orders, the journal alone decides.
        """
        shown = self._shown_or_none()
        self._has_king_told = shown is not None
        shown = shown or {}
        journalled = {
            reference: entry
            for reference, entry in self.journal.entries().items()
            if entry.number != journal.NOT_MADE and reference not in shown
        }
        return _Unknown(open=self._unlinked(shown), journalled=self._not_decided(journalled))

    def _shown_or_none(self) -> dict[str, list[str]] | None:
        """Return what King shows; None if it refuses. An order that someone has locked is left to the next run."""
        try:
            return self._orders_in_king()
        except errors.ConflictError:
            raise
        except errors.RejectedError as error:
            self._log.add("restore.not_looked", reason_of(error), level=LogEntry.Level.WARNING)
            return None

    def _orders_in_king(self) -> dict[str, list[str]]:
        """Return the open orders with a reference of ours that changed since the ledger was compared with King."""
        since = self._watch.looked_at and self._watch.looked_at - OVERLAP
        found: dict[str, list[str]] = {}
        after = ""
        while True:
            page = with_retry(
                lambda: self._king.read_page(Kind.ORDER, after=after, changed_since=since, size=PAGE)  # noqa: B023
            )
            for raw in page.records:
                number, reference = order_marks(raw)
                if reference.startswith(_PREFIX):
                    found.setdefault(reference, []).append(number)
            self._claim.renew_lease()
            if page.next_after is None or page.next_after == after:
                return found
            after = page.next_after

    # --- The ledger's knowledge ---------------------------------------------------------------------------------------

    def _knows(self, newest: list[journal.Entry]) -> bool:
        """Return whether this database has seen the newest entries of the journal, and so all earlier ones."""
        if newest[-1].number == journal.MARK:
            return newest[-1].reference == self._watch.journal_mark
        last = {entry.reference: entry for entry in newest if entry.number != journal.MARK}
        numbered = {reference: entry for reference, entry in last.items() if entry.number != journal.NOT_MADE}
        return not self._not_decided(numbered)

    def _not_decided(self, entries: Mapping[str, journal.Entry]) -> dict[str, str]:
        """Return reference → number of the entries whose work order is unknown to the ledger."""
        rows = self._rows(entries)
        unknown = {}
        for reference, entry in entries.items():
            row = rows.get(orders.named_by(reference)[0])
            if row is None or not (is_begun(row, reference) or row.after_restore or was_reset(row, entry)):
                unknown[reference] = entry.number
        return unknown

    def _unlinked(self, shown: Mapping[str, list[str]]) -> dict[str, list[str]]:
        """Return King's orders unknown to our ledger and to that of any other tenant with this administration."""
        rows = self._rows(shown)
        unknown = {
            reference: numbers
            for reference, numbers in shown.items()
            if (row := rows.get(orders.named_by(reference)[0])) is None or not is_begun(row, reference)
        }
        if not unknown:
            return {}
        elsewhere = self._numbers_of_others({number for numbers in unknown.values() for number in numbers})
        left = {name: [each for each in numbers if each not in elsewhere] for name, numbers in unknown.items()}
        return {reference: numbers for reference, numbers in left.items() if numbers}

    def _rows(self, references: Iterable[str]) -> dict[str, WorkOrder]:
        wanted = [orders.named_by(reference)[0] for reference in references]
        if not wanted:
            return {}
        found = WorkOrder.objects.defer("source").filter(outsmart_id__in=wanted)
        return {row.outsmart_id: row for row in found}

    def _numbers_of_others(self, numbers: set[str]) -> set[str]:
        """Return those of King's orders that belong to other tenants, also to one that left this administration."""
        mine = tenants.current_id()
        kings = Connection.across_tenants.filter(system=System.KING).defer("credentials")
        servers = {king.tenant_id: turns.server_of(king) for king in kings if king.base_url}
        server = servers.pop(mine, None)
        sharing = [tenant_id for tenant_id, other in servers.items() if other == server]
        if not sharing:
            return set()
        linked = WorkOrder.across_tenants.filter(
            tenant_id__in=sharing,
            administration__key=tenants.administration_key(self._king.administration),
            king_order_number__in=numbers,
        )
        return {number for number in linked.values_list("king_order_number", flat=True) if number}

    # --- Adding to the ledger -----------------------------------------------------------------------------------------

    def _restore(self, unknown: _Unknown) -> None:
        """Add what was lost to the ledger again, and report it."""
        self._are_all_unknown = self._misses_some(unknown)
        for reference, numbers in unknown.open.items():
            self._take_in(reference, numbers)
        for reference, number in unknown.journalled.items():
            self._take_in(reference, [number] if number else [], is_open=False)
        self._mark()
        if unknown:
            self._report(found=len(unknown.open), closed=len(unknown.journalled))

    def _misses_some(self, unknown: _Unknown) -> bool:
        """Return whether the journal lacks an order that King has: then others may be missing from it too."""
        return self._watch.looked_at is not None and not unknown.open.keys() <= self.journal.entries().keys()

    def _mark(self) -> None:
        self._watch.journal_mark = uuid.uuid4().hex
        self._watch.save()
        self.journal.mark(self._watch.journal_mark)

    def _take_in(self, reference: str, numbers: list[str], *, is_open: bool = True) -> None:
        """Link a work order to its order in King; if there are several, or none, later steps report it."""
        outsmart_id, part = orders.named_by(reference)
        row = WorkOrder.objects.filter(outsmart_id=outsmart_id).first() or WorkOrder(outsmart_id=outsmart_id)
        if _tie(row, numbers, part=part, is_open=is_open):
            row.changed_at = timezone.now()
            with transaction.atomic():
                row.save()
                if row.king_order_number:
                    order_links.save_link(row)
            self.found.add(outsmart_id)

    def _report(self, *, found: int, closed: int) -> None:
        watch = self._watch
        watch.noticed_at, watch.noticed_in = timezone.now(), self._claim.run
        watch.found_count, watch.closed_count = found, closed
        watch.save()
        why = reason("restore_noticed", found=str(found), closed=str(closed))
        self._log.add("restore.noticed", why, level=LogEntry.Level.WARNING)
        logger.warning(
            "restore.noticed: tenant %s: King holds %s orders that the database does not know, "
            "and %s more were made that King does not show any more",
            tenants.current_id(),
            found,
            closed,
        )


class DryGuard(RestoreGuard):
    """Shows a dry run what an export would add to the ledger; writes nothing, and waits for nothing."""

    _lost: _Unknown | None = None

    def recall(self, row: WorkOrder) -> None:
        """Update a row, in memory only, as an export would have before processing it."""
        if self._lost is None:
            return
        for reference, numbers in self._lost.open.items():
            outsmart_id, part = orders.named_by(reference)
            if outsmart_id == row.outsmart_id:
                _tie(row, numbers, part=part, is_open=True)
        for reference, number in self._lost.journalled.items():
            outsmart_id, part = orders.named_by(reference)
            if outsmart_id == row.outsmart_id:
                _tie(row, [number] if number else [], part=part, is_open=False)

    def before_create(self, row: WorkOrder) -> bool:
        if not self._has_looked:
            self._check()
        before = row.king_order_number, row.step, row.after_restore
        self.recall(row)
        if self._are_all_unknown and not row.after_restore:
            row.after_restore = AfterRestore.UNSURE
        return before != (row.king_order_number, row.step, row.after_restore)

    def _check(self, *, is_noticed: bool = False) -> None:  # noqa: ARG002  (nothing is at work for a dry run)
        self._lost = self._unknown()
        self._are_all_unknown = self._misses_some(self._lost)
        references = (*self._lost.open, *self._lost.journalled)
        self.found |= {orders.named_by(reference)[0] for reference in references}
        self._has_looked = True


def _tie(row: WorkOrder, numbers: list[str], *, part: int, is_open: bool) -> bool:
    """Link a work order to its order in King, in memory; return False when there is nothing to link."""
    if part < row.part:
        return False
    if part > row.part:
        if row._state.adding:
            numbers, is_open = [], False  # what its earlier orders have is unknown: a person must look
        _begin_part(row, part)
    if row.king_order_number or (is_open and not numbers):
        return False
    if not numbers:
        row.after_restore = AfterRestore.UNSURE
        return True
    row.after_restore, row.is_created_by_us = AfterRestore.FOUND, True
    row.step = Step.CREATED if len(numbers) == 1 else Step.PENDING
    row.king_order_number = numbers[0] if len(numbers) == 1 else None
    row.is_locked = is_open and len(numbers) == 1  # the worker that created it may have been cut off
    if row.state != LedgerState.EXCLUDED:
        row.state = LedgerState.SENDING
    return True


def _begin_part(row: WorkOrder, part: int) -> None:
    for name, value in ledger.unsent().items():
        setattr(row, name, value)
    row.part, row.chosen_order = part, supplements.new_order_choice(row)
    ledger_lines.forget_lines(row)


def is_begun(row: WorkOrder, reference: str) -> bool:
    """Return whether the ledger knows that the order of this reference was created, or begun."""
    _, part = orders.named_by(reference)
    return part < row.part or (part == row.part and (bool(row.king_order_number) or row.step == Step.PENDING))


def was_reset(row: WorkOrder, entry: journal.Entry) -> bool:
    """Return whether a person reset the ledger's link to this order."""
    at = datetime.datetime.fromisoformat(entry.at)
    return ManualAction.objects.filter(work_order=row, kind=ManualAction.Kind.RESET, decided_at__gte=at).exists()


def order_marks(raw: bytes) -> tuple[str, str]:
    """Return the number of a King order and our reference on it; an unreadable one is not ours."""
    try:
        marks = payloads.order_marks(raw)
    except errors.PayloadError:
        return "", ""
    return marks.number, marks.external_number
