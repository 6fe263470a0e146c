"""Writing one King order: every call saved before and after, the lock released whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
from django.utils import timezone

from integrations import deadlines, errors
from integrations.king.records import LineChange, NewOrder, Order
from kingsync.exports import ledger, order_links
from kingsync.exports.export_job import Job
from kingsync.exports.lines import ledger_lines
from kingsync.models.runs import LogEntry
from kingsync.models.work_orders import Step, WorkOrder
from kingsync.rules import differences, headers, line_fields
from kingsync.rules.differences import Add, Change, Differences
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import DroppedLine, Header, Plan, PlannedLine, SavedLine
from kingsync.runs.retry import with_retry

T = TypeVar("T")
LAZY_SAVE_WAIT_SECONDS = 1.0
# Replaces a plan's fingerprint while King may hold half of another plan; "" = the order was never finished.
UNDER_WAY = "under way"


class KingOrder:
    """The King order of one work order, as written by this run.

    `calls` counts the writes; `may_remake` is False when King would refuse to remove lines.
    """

    def __init__(self, job: Job, row: WorkOrder) -> None:
        self._job, self._row = job, row
        self._is_outcome_unknown = ledger.is_outcome_unknown(row)
        self._is_being_unlocked = False
        # Our references of the lines that this run wrote, with the fields in which both sides agree; None = all of it.
        self._written: dict[str, frozenset[str] | None] = {}
        # Lines that King has and that are not saved yet.
        self._unsaved: list[SavedLine] = []
        self.may_remake = True
        self.calls = 0
        # Of an order that we created, once it was read back.
        self.header_as_read: dict[str, str] = {}

    def read(self, number: str) -> Order | None:
        return with_retry(lambda: self._job.king.get_order(number=number))

    def create(self, header: Header) -> str:
        """Create the order, saved as pending already, and return its number, saved right after the call.

        Raises `RejectedError` with the step reset to the beginning, and `OutcomeUnknownError` with it at pending.
        """
        order = NewOrder(
            debtor_number=header.debtor_number,
            external_number=header.external_number,
            reference=header.reference,
            order_date=header.order_date,
            delivery_date=header.delivery_date,
            # King refuses to release an order that waits for a pick list (king.md 2.3.5).
            pick_list=False if header.is_approved_at_once else None,
        )
        guard = self._job.guard
        # After the ledger: a run that is killed in between must not look like a database that was put back.
        guard.about_to_create(header.external_number)
        try:
            number = self._write(lambda: self._job.king.create_order(order))
        except (errors.RejectedError, errors.TransientError):
            guard.not_created(header.external_number)
            ledger.save(self._row, step=Step.NEW, outcome_unknown_until=None)  # certainly not carried out
            raise
        guard.created(header.external_number, number)
        self.adopt(number, is_created_by_us=True)
        self._job.log_event(self._row, "order.created")
        return number

    def adopt(self, number: str, *, is_created_by_us: bool) -> None:
        """Save the order's number. An order that we created is locked by us from the start."""
        row = self._row
        step = Step.CREATED if row.step in (Step.NEW, Step.PENDING) else row.step
        is_ours = row.is_created_by_us or is_created_by_us
        is_locked = row.is_locked or is_created_by_us
        order_links.tie(row, number, is_created_by_us=is_ours, step=step, is_locked=is_locked)

    def locked(self, number: str, steps: Differences) -> Order | None:
        """Lock the order and read it again: removals must be based on its state under the lock.

        King locks an order for the client that writes to it, so we write a line's own reference to it once more. If
        King refuses that, it would refuse to add lines too, which `may_remake` then says.
        """
        first = steps.removals[0]
        touch = LineChange(reference=first.king_reference)
        self._begin()
        try:
            self._write(lambda: self._job.king.change_line(number, first.king_line_id, touch))
        except errors.ConflictError:
            raise
        except errors.RejectedError:
            self.may_remake = False
        return self.read(number)

    def apply(self, steps: Differences, number: str) -> dict[str, Reason]:
        """Carry out the steps; return our references of the lines that King refused, with its message."""
        refused: dict[str, Reason] = {}
        if not (steps.changes or steps.removals or steps.additions):
            return refused
        self._begin()
        lines = [step.line for step in steps.changes] + [step.line for step in steps.additions]
        ledger_lines.lines_attempted(self._row, lines)
        for change in steps.changes:
            if self._line(change.line, self._change(number, change), refused):
                self._written[change.line.reference] = change.settled
                ledger_lines.lines_sent(self._row, [self._as_sent(change.line, change.king_line_id)])
        kept = self._remove(number, steps)
        self._add(number, [step for step in steps.additions if step.line.reference not in kept], refused)
        return refused

    def _as_sent(self, line: PlannedLine, king_line_id: str) -> SavedLine:
        known = ledger_lines.remembered(self._row)[line.reference]
        return msgspec.structs.replace(known, sent=line.content, attempted=None, king_line_id=king_line_id)

    def _add(self, number: str, steps: list[Add], refused: dict[str, Reason]) -> None:
        """Add lines, saving them at least every second: an unsaved one is still found in King by our reference.

        The last ones are saved with what is read back.
        """
        sent: list[SavedLine] = []
        booked_at = time.monotonic()
        try:
            for step in steps:
                king_line_id = self._line(step.line, self._addition(number, step), refused)
                if king_line_id:
                    self._written[step.line.reference] = None
                    sent.append(msgspec.structs.replace(self._as_sent(step.line, king_line_id), as_read=None))
                if time.monotonic() - booked_at > LAZY_SAVE_WAIT_SECONDS:
                    ledger_lines.lines_sent(self._row, sent)
                    sent, booked_at = [], time.monotonic()
        except BaseException:
            ledger_lines.lines_sent(self._row, sent)
            raise
        ledger_lines.remember_sent(self._row, sent)
        self._unsaved = sent

    def _remove(self, number: str, steps: Differences) -> set[str]:
        """Remove lines from the order; return those that King keeps, which reading back will show."""
        added = {step.line.reference for step in steps.additions}
        leaving = [step.reference for step in steps.removals if step.reference in added]
        if leaving:
            ledger_lines.lines_leaving(self._row, leaving)
        kept = set()
        for removal in steps.removals:
            try:
                self.remove_line(number, removal.king_line_id)
            except errors.ConflictError:
                raise
            except errors.RejectedError as error:
                kept.add(removal.reference)
                self._save_refusal(removal.reference, reason("refused_by_king", detail=vendor_message(error)))
            else:
                ledger_lines.line_removed(self._row, removal.reference)
        return kept

    def _change(self, number: str, step: Change) -> Callable[[], str]:
        def call() -> str:
            self._job.king.change_line(number, step.king_line_id, step.change)
            return step.king_line_id

        return call

    def remove_line(self, number: str, king_line_id: str) -> None:
        self._write(lambda: self._job.king.remove_line(number, king_line_id))

    def _addition(self, number: str, step: Add) -> Callable[[], str]:
        return lambda: self._job.king.add_line(number, step.new_line)

    def _line(self, line: PlannedLine, call: Callable[[], str], refused: dict[str, Reason]) -> str:
        """Make the call for a line and return King's id of it; "" when King refused, which is saved."""
        try:
            return self._write(call)
        except errors.ConflictError:
            raise
        except errors.RejectedError as error:
            why = reason("refused_by_king", detail=vendor_message(error))
            refused[line.reference] = why
            ledger_lines.line_refused(self._row, line, why)
            self._save_refusal(line.origin.label, why)
            return ""

    def _save_refusal(self, label: str, why: Reason) -> None:
        self._job.log_event(self._row, "line.refused", ledger_lines.as_line_reason(label, why), LogEntry.Level.ERROR)

    def save_found(self, booked: Iterable[SavedLine], steps: Differences) -> None:
        """Save what King turns out to have, or no longer to have, although its answer was lost."""
        known = {line.reference: line for line in booked}
        ledger_lines.lines_sent(
            self._row, [line for line in steps.found if known.get(line.reference) not in (None, line)]
        )
        for reference in steps.absent:
            if known[reference].king_line_id or known[reference].attempted:
                ledger_lines.line_removed(self._row, reference)

    def check(self, sent: Plan, number: str) -> Reason | None:
        """Read King's order back and compare it with what was sent; return what differs.

        The order is still locked by us, so the lines we wrote are as we left them.
        """
        self._row.step = Step.LINES  # saved with what comes of it
        try:
            order = self.read(number)
        except BaseException:
            self._save_unsaved()
            raise
        if order is None:
            self._save_unsaved()
            return reason("order_delivered", number=number)
        if self._row.is_created_by_us:
            self.header_as_read = headers.as_read(order)
        self._save_as_read(order)
        steps = differences.between(sent, ledger_lines.saved_lines(self._row), order)
        return None if steps.is_empty else reason("differs_after_sending", detail=_summary(steps))

    def _save_as_read(self, order: Order) -> None:
        """Save the lines we wrote as King shows them now: any later difference is the work of King's staff."""
        now = {line.line_id: line for line in order.lines}
        known = ledger_lines.remembered(self._row)
        read = []
        for reference, settled in self._written.items():
            line = known[reference]
            if line.king_line_id in now:
                theirs = now[line.king_line_id]
                as_read = theirs if settled is None else line_fields.rebased(line.as_read, theirs, settled)
                read.append(msgspec.structs.replace(line, as_read=as_read))
        found = {line.reference for line in read}
        ledger_lines.lines_sent(self._row, [*read, *(line for line in self._unsaved if line.reference not in found)])
        self._unsaved = []

    def _save_unsaved(self) -> None:
        unsaved, self._unsaved = self._unsaved, []
        ledger_lines.lines_sent(self._row, unsaved)
        ledger.save_lazily(self._row, step=self._row.step)

    def approve(self, number: str) -> Reason | None:
        """Approve the order and release it for delivery; return King's refusal."""
        self._begin()
        try:
            self._write(lambda: self._job.king.update_order(number, approved=True, released=True))
        except errors.ConflictError:
            raise
        except errors.RejectedError as error:
            return reason("approval_refused", detail=vendor_message(error))
        ledger.save(self._row, is_approved=True, approval_waits_for="", step=Step.APPROVED)
        self._job.log_event(self._row, "order.approved")
        return None

    def _begin(self) -> None:
        """Save, before the first write, that King locks the order for us, and no longer holds what it held."""
        row = self._row
        held = UNDER_WAY if row.plan_fingerprint else ""
        if not row.is_locked or row.plan_fingerprint != held:
            ledger.save(row, is_locked=True, plan_fingerprint=held)

    def _write(self, call: Callable[[], T]) -> T:
        """Make one call that changes King, saved as having an unknown outcome for as long as it may take."""
        self._job.heartbeat()
        self.calls += 1

        def once() -> T:
            self._job.wait_for_call()  # that time counts from when the call goes out
            # Frozen after that was saved, it must not be sent whenever the process wakes: a successor has sent it then.
            with self._job.king.alone(), deadlines.begun_within(self._job.begin_seconds):
                ledger.extend_outcome_unknown(self._row, seconds=self._job.outcome_unknown_seconds, now=timezone.now())
                return call()

        try:
            return with_retry(once)
        except errors.OutcomeUnknownError:
            self._is_outcome_unknown = True
            self._row.outcome_unknown_until = None  # counted again, from when we gave up
            ledger.extend_outcome_unknown(self._row, seconds=self._job.outcome_unknown_seconds, now=timezone.now())
            raise

    def settled(self) -> None:
        """Save that the call with an unknown outcome was carried out after all, so that nothing is pending any more."""
        self._is_outcome_unknown = False
        ledger.save(self._row, outcome_unknown_until=None)

    def unlock(self) -> None:
        """Unlock the order for King's own staff. Raises `TenantActionError`."""
        if self._is_being_unlocked or not self._row.is_locked or not self._row.king_order_number:
            return
        if not self._is_outcome_unknown:
            self._row.outcome_unknown_until = None  # every call was answered
        unlock(self._job, self._row, self._row.king_order_number)

    def unlock_meanwhile(self) -> None:
        """Unlock a finished order while its end is saved and the next work order is prepared.

        It stays saved as locked until King has answered, so that the next run unlocks it if this one is killed.
        """
        job, row, number = self._job, self._row, self._row.king_order_number
        if self._is_outcome_unknown or not row.is_locked or not number:
            self.unlock()
            return
        self._is_being_unlocked = True
        row.outcome_unknown_until = None

        def answered(error: errors.IntegrationError | None) -> None:
            if error is None:
                _freed_meanwhile(job, row)
            elif isinstance(error, errors.TenantActionError):
                _not_freed(job, row, error)
                raise error
            else:
                unlock(job, row, number)

        job.submit_call(lambda: with_retry(lambda: job.king.release_lock(number)), answered)


def unlock(job: Job, row: WorkOrder, number: str) -> None:
    """Unlock an order; if King does not, it stays saved as locked and the next run tries again.

    Raises `TenantActionError`: without that call every order would stay locked.
    """
    failure = _unlock_failure(job, number)
    if failure is None or _is_not_ours(job, number, failure):
        _freed(row)
        return
    _not_freed(job, row, failure)
    if isinstance(failure, errors.TenantActionError):
        raise failure


def _unlock_failure(job: Job, number: str) -> errors.IntegrationError | None:
    try:
        with_retry(lambda: job.king.release_lock(number), is_harmless=True)  # unlocking twice is harmless
    except errors.IntegrationError as error:
        return error
    return None


def _is_not_ours(job: Job, number: str, refusal: errors.IntegrationError) -> bool:
    """Return whether the lock is not ours: someone else has the order open, or King no longer has it."""
    if isinstance(refusal, errors.ConflictError):
        return True
    if not isinstance(refusal, errors.RejectedError):
        return False
    try:
        return with_retry(lambda: job.king.get_order(number=number)) is None
    except errors.IntegrationError:
        return False


def _freed(row: WorkOrder) -> None:
    """Save an order as unlocked, unless a lost call may still be carried out and lock it again."""
    if not ledger.is_outcome_unknown(row):
        ledger.save_lazily(row, is_locked=False, outcome_unknown_until=None, lock_failed_at=None)


def _freed_meanwhile(job: Job, row: WorkOrder) -> None:
    """Free an order as `_freed` does, saved with what is saved next: unlocking one twice is harmless."""
    if not ledger.is_outcome_unknown(row):
        row.is_locked, row.outcome_unknown_until, row.lock_failed_at = False, None, None
        job.unlocked.append(row.pk)


def _not_freed(job: Job, row: WorkOrder, error: errors.IntegrationError) -> None:
    """Save that an order may be locked for King's own staff; the first time, report it."""
    if row.lock_failed_at is None:
        job.log.failure("order.not_unlocked", error, outsmart_id=row.outsmart_id)
        job.claim.problem(is_new=True, about=row.outsmart_id)
        ledger.save_lazily(row, lock_failed_at=timezone.now())


def without(plan: Plan, refused: dict[str, Reason]) -> Plan:
    """Return the plan with the lines that King refused among its dropped ones."""
    dropped = tuple(
        DroppedLine(origin=line.origin, reference=line.reference, reason=refused[line.reference], is_refused=True)
        for line in plan.lines
        if line.reference in refused
    )
    kept = tuple(line for line in plan.lines if line.reference not in refused)
    return msgspec.structs.replace(plan, lines=kept, dropped=(*plan.dropped, *dropped))


def vendor_message(error: errors.IntegrationError) -> str:
    """Return the vendor's code and message, as received."""
    return " ".join(part for part in (error.code, error.detail) if part)


def _summary(steps: Differences) -> str:
    parts = {
        "+": [step.line.origin.label for step in steps.additions],
        "~": [step.line.origin.label for step in steps.changes],
        "-": [step.reference for step in steps.removals],
        "!": [each.label for each in steps.conflicts] + list(steps.doubles),
    }
    return "; ".join(f"{sign} {', '.join(names)}" for sign, names in parts.items() if names)
