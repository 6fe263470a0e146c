"""One work order to King, exactly once: the durable steps.

    pending → created → lines → approved → linked → confirmed

King has no idempotency key and no transaction. Each step is stored before the next call goes out; after a crash or a
lost answer King is asked by our reference, and only what is missing is sent. See king.md 2.3 and 2.4.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable

import msgspec
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from integrations import errors
from integrations.king.records import Order
from integrations.outsmart.records import Marks
from integrations.outsmart.records import WorkOrder as Source
from kingsync.exports import ledger, moving, problems, shared_orders, supplements, verdict
from kingsync.exports.acknowledge import confirm
from kingsync.exports.assessment import Assessment
from kingsync.exports.export_job import Job, NotSettledError, Outcome
from kingsync.exports.king_order import KingOrder, vendor_message, without
from kingsync.exports.lines import ledger_lines
from kingsync.exports.review_holds import canonical_debtor
from kingsync.messages.reason_texts import reason_of
from kingsync.models.in_hand import Problem
from kingsync.models.runs import LogEntry
from kingsync.models.work_orders import LedgerState, Step, WorkOrder
from kingsync.rules import changes, differences, linking
from kingsync.rules.next_step import Act, Known, NextStep, count_of
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import Plan
from kingsync.runs.lease import LostClaimError
from kingsync.runs.lifecycle import CancelRequestedError

logger = logging.getLogger(__name__)
# Our lock on the tenant went with the connection: if we continued, another worker could run in parallel.
DATABASE_GONE = (OperationalError, InterfaceError)
BUSY_TOO_LONG = datetime.timedelta(days=1)
REPORTED_AS_BUSY = "order_busy_long"


def export(job: Job, row: WorkOrder, source: Source) -> Outcome:
    """Export one work order to King, or save why not.

    Raises `NotSettledError`; errors that stop the whole run (unreachable, credentials, lost claim) pass through.
    """
    is_reported = any(why["code"] == REPORTED_AS_BUSY for why in row.reasons)
    try:
        outcome = _attempted(job, row, source)
    except errors.ConflictError:
        return _busy(job, row, is_reported=is_reported)
    if row.busy_since:
        ledger.save_lazily(row, busy_since=None)
    return outcome


def _attempted(job: Job, row: WorkOrder, source: Source) -> Outcome:
    try:
        return _followed(job, row, source)
    except errors.ConflictError:
        raise
    except errors.OutcomeUnknownError as error:
        _outcome_unknown(job, row, error)
        raise NotSettledError from None
    except (errors.UnreachableError, errors.TenantActionError):
        raise
    except errors.IntegrationError as error:
        return _not_now(job, row, reason_of(error), error)
    except (LostClaimError, CancelRequestedError, NotSettledError, errors.TooLargeHereError, *DATABASE_GONE):
        raise
    except Exception:  # noqa: BLE001  (one record: saved as our error and logged, the others go on)
        return _our_fault(job, row)


def _followed(job: Job, row: WorkOrder, source: Source) -> Outcome:
    """Follow the steps; once more from the beginning when someone changed the link to King's order meanwhile."""
    try:
        return _Export(job, row, source).follow_steps()
    except ledger.ChangedMeanwhileError:
        ledger.read_again(row)
        return _Export(job, row, source).follow_steps()


def refuse_unreadable(job: Job, row: WorkOrder, marks: Marks, error: errors.PayloadError) -> Outcome:
    """Reject a work order for which OutSmart's answer is unreadable; its King order stays as it is."""
    why = reason("unreadable_work_order", detail=error.detail)
    ledger.settle(row, LedgerState.REJECTED, [why], attempts=row.attempts + 1)
    job.log_event(row, "order.rejected", why, LogEntry.Level.ERROR)
    _report_failure(job, row, marks.work_status)
    return Outcome("rejected")


def _report_failure(job: Job, row: WorkOrder, work_status: str | None) -> None:
    """Set the status after a rejection, if there is one and the work order does not have it yet."""
    wanted = job.choices.failure_status.strip()
    if not wanted or work_status == wanted:
        return
    try:
        job.outsmart.set_work_status(outsmart_id=row.outsmart_id, work_status=wanted)
    except errors.TenantActionError:
        raise
    except errors.IntegrationError as error:
        if problems.found(row) is not Problem.KNOWN:
            job.log.failure("order.status_not_set", error, outsmart_id=row.outsmart_id)


def _busy(job: Job, row: WorkOrder, *, is_reported: bool) -> Outcome:
    """Leave an order that someone has open to the next run; after a day report it, once."""
    now = timezone.now()
    since = row.busy_since or now
    is_long = now - since >= BUSY_TOO_LONG
    why = (
        reason(REPORTED_AS_BUSY, since=f"{timezone.localtime(since):%d-%m-%Y %H:%M}")
        if is_long
        else reason("order_busy")
    )
    if is_long and not is_reported:
        job.log_event(row, "order.postponed", why, LogEntry.Level.ERROR)
    elif row.busy_since is None:
        job.log_event(row, "order.postponed", why)
    ledger.settle(row, _underway(row), [why], busy_since=since)
    return Outcome("skipped", needs_attention=is_long and not is_reported)


def _not_now(job: Job, row: WorkOrder, why: Reason, error: errors.IntegrationError) -> Outcome:
    """Save that a work order could not go on for a reason that passes by itself."""
    ledger.settle(row, _underway(row), [why])
    job.log.failure("order.postponed", error, outsmart_id=row.outsmart_id)
    return Outcome("failed")


def _underway(row: WorkOrder) -> LedgerState:
    return LedgerState.WAITING if row.step == Step.NEW else LedgerState.SENDING


def _our_fault(job: Job, row: WorkOrder) -> Outcome:
    """Save a work order that hit a bug of ours, log the error, and let the others go on."""
    logger.exception("export of work order %s failed", row.outsmart_id)
    ledger.settle(row, _underway(row), [reason("internal")])
    job.log_event(row, "order.internal_error", reason("internal"), LogEntry.Level.ERROR)
    return Outcome("failed")


def _outcome_unknown(job: Job, row: WorkOrder, error: errors.IntegrationError) -> None:
    ledger.settle(row, LedgerState.SENDING, [reason("not_settled")])
    job.log.failure("order.outcome_unknown", error, outsmart_id=row.outsmart_id)


class _Export(Assessment):
    """Carries out the next step of a work order, and saves what it learns on the way."""

    def __init__(self, job: Job, row: WorkOrder, source: Source) -> None:
        self.king_order = KingOrder(job, row)
        super().__init__(job, row, source)

    def follow_steps(self) -> Outcome:
        is_ours = True
        try:
            return self._carried_out()
        except (LostClaimError, *DATABASE_GONE):
            is_ours = False  # the run that takes over unlocks the order
            raise
        finally:
            if is_ours:
                self.king_order.unlock()

    def _carried_out(self) -> Outcome:
        self.job.guard.found.discard(self.row.outsmart_id)
        step = self.next_step()
        if step.act is Act.WAIT_FOR_KING:
            raise NotSettledError
        carry_out: dict[Act, Callable[[NextStep], Outcome]] = {
            Act.LEAVE: lambda _: Outcome("skipped"),
            Act.LEAVE_UNKNOWN: self._leave_unknown,
            Act.SAVE_AS_DONE: self._book_as_done,
            Act.REJECT: lambda step: self._reject(step.reasons, self.plan),
            Act.HOLD: lambda step: self._hold(step.reasons, self.known.verdict.plan if self.known.verdict else None),
            Act.KEEP: self._keep,
            Act.LEAVE_CHANGED: self._leave_changed,
            Act.UPDATE: self._update,
            Act.ADOPT: self._update,
            Act.CREATE: self._create_order,
        }
        return carry_out[step.act](step)

    # --- Finding out --------------------------------------------------------------------------------------------------

    def _adopt(self, number: str) -> None:
        self.king_order.adopt(number, is_created_by_us=True)
        self.king_order.settled()
        self.job.log_event(self.row, "order.found_again")

    def _start_over(self, known: Known) -> Known:
        self.job.guard.not_created(known.reference)
        ledger.save(self.row, step=Step.NEW, outcome_unknown_until=None)
        return super()._start_over(known)

    def _go_over(self, plan: Plan, steps: differences.Differences, order: Order, to: Order) -> None:
        before = order.number
        moving.Move(self.king_order, self.row, plan).carry_out(steps, order, to)
        self.job.log_event(self.row, "order.moved", reason("moved", number=before, wanted=to.number))

    def _read_order(self, number: str) -> Order | None:
        order = self.king_order.read(number)
        if order is not None:
            seen = linking.mark(order.number, order.debtor_number)
            if self.row.seen_order != seen:
                ledger.save_lazily(self.row, seen_order=seen)
        return order

    # --- Stopping -----------------------------------------------------------------------------------------------------

    def _reject(self, reasons: tuple[Reason, ...], plan: Plan | None = None) -> Outcome:
        self._save_stop(LedgerState.REJECTED, reasons, plan, LogEntry.Level.ERROR)
        _report_failure(self.job, self.row, self.source.work_status)
        return Outcome("rejected")

    def _hold(self, reasons: tuple[Reason, ...], plan: Plan | None = None) -> Outcome:
        self._save_stop(LedgerState.HELD, reasons, plan, LogEntry.Level.WARNING)
        return Outcome("skipped")

    def _save_stop(
        self, state: LedgerState, reasons: tuple[Reason, ...], plan: Plan | None, level: LogEntry.Level
    ) -> None:
        if plan is not None:
            ledger_lines.store_lines(self.row, plan)
        amount = ledger.amount_columns(plan) if plan is not None else {}
        ledger.settle(self.row, state, reasons, attempts=self.row.attempts + 1, step=self.row.step, **amount)
        for why in reasons:
            self.job.log_event(self.row, f"order.{state}", why, level)

    def _leave_changed(self, step: NextStep) -> Outcome:
        """Save what King misses of a work order whose order it closed."""
        row, missing = self.row, supplements.missing(self.job.master_data, self.job.choices, self.row, self.source)
        is_new = [why["code"] for why in row.reasons] != [why.code for why in step.reasons]
        closed_at = row.king_closed_at or timezone.now()
        difference = supplements.stored_lines(missing or [])
        is_new = is_new or difference != row.difference
        ledger.settle(row, LedgerState.CHANGED, step.reasons, king_closed_at=closed_at, difference=difference)
        for why in step.reasons if is_new else ():
            self.job.log_event(row, "order.changed", why, LogEntry.Level.WARNING)
        return Outcome("skipped")

    def _keep(self, step: NextStep) -> Outcome:
        """Send nothing to King; what is left is the confirmation, or a line that still waits for its repair."""
        count = count_of(step.act, self.known, is_written=False)
        if self.row.approval_waits_for != self.known.approval_waits_for:
            ledger.save_lazily(self.row, approval_waits_for=self.known.approval_waits_for)
        if self.known.verdict and self.known.verdict.missing is not None:
            return self._keep_closed(count)
        if not self.plan.is_complete:
            ledger_lines.store_dropped(self.row, self.plan)  # one of two causes may be repaired by now
            return self._incomplete(count, ledger_lines.refused_reasons(self.row))
        return self._finish(count)

    def _keep_closed(self, count: str) -> Outcome:
        """Save that nothing differs from what was sent, or settled by hand, before King closed the order."""
        now = timezone.now()
        columns = {"king_closed_at": self.row.king_closed_at or now, "exported_at": self.row.exported_at or now}
        fingerprint = ledger.plan_fingerprint(self.plan)
        ledger.save_lazily(self.row, plan_fingerprint=fingerprint, difference=[], **columns)
        return self._finish(count)

    def _leave_unknown(self, step: NextStep) -> Outcome:
        ledger.settle(self.row, LedgerState.UNCERTAIN, step.reasons)
        for why in step.reasons:
            self.job.log_event(self.row, "order.uncertain", why, LogEntry.Level.ERROR)
        return Outcome("uncertain")

    # --- After a restore ----------------------------------------------------------------------------------------------

    def _book_as_done(self, _step: NextStep) -> Outcome:
        """Save an order as done again, without a write: the comparison that follows reports differences."""
        row, number = self.row, self.row.king_order_number or ""
        plan = verdict.plan_for(self.job, row, self.source, number=number)
        order = self.king_order.read(number)
        ledger_lines.store_lines(row, plan)
        booked = ledger_lines.saved_lines(row)
        if order is not None:
            self.king_order.save_found(booked, differences.between(plan, booked, order, may_remake=False))
        else:
            as_planned = {line.reference: line.content for line in plan.lines}
            ledger_lines.lines_sent(
                row,
                [
                    msgspec.structs.replace(line, sent=as_planned.get(line.reference))
                    for line in booked
                    if line.reference in as_planned
                ],
            )
        now = timezone.now()
        ledger.save_lazily(row, exported_at=now, confirmed_at=now, is_approved=order is None or order.is_approved)
        ledger.save_lazily(row, plan_fingerprint=ledger.plan_fingerprint(plan))
        ledger.settle(row, LedgerState.DONE, step=Step.CONFIRMED)
        self.job.log_event(row, "order.found_again")
        return Outcome("unchanged")

    # --- Sending ------------------------------------------------------------------------------------------------------

    def _update(self, step: NextStep) -> Outcome:
        """Write into King's order."""
        order = self.known.order
        assert order is not None  # noqa: S101  (read, or there would be a reason to stop)
        if not self.row.king_order_number:
            self.king_order.adopt(order.number, is_created_by_us=False)
        ledger.begin(self.row, self.plan, debtor_number=canonical_debtor(order.debtor_number))
        return self._bring_in_line(step.act, self.plan, order)

    def _create_order(self, step: NextStep) -> Outcome:
        """Create a new order in King and write into it."""
        if self.row.part > 1 and not self.plan.lines:
            return self._withdraw()
        debtor_number = canonical_debtor(self.plan.header.debtor_number)
        seconds = self.job.outcome_unknown_seconds
        ledger.begin_new(self.row, self.plan, debtor_number=debtor_number, seconds=seconds, now=timezone.now())
        try:
            number = self.king_order.create(self.plan.header)
        except errors.ConflictError:
            raise
        except errors.RejectedError as error:
            return self._reject((reason("order_refused", detail=vendor_message(error)),))
        plan = verdict.plan_for(self.job, self.row, self.source, number=number)  # texts may contain the number
        ledger_lines.store_lines(self.row, plan, is_attempted=True)
        return self._bring_in_line(step.act, plan, Order(number=number))

    def _withdraw(self) -> Outcome:
        """Create no supplementary order without lines."""
        refused = [ledger_lines.as_line_reason(line.origin.label, line.reason) for line in self.plan.refused]
        if refused:
            return self._reject(tuple(refused), self.plan)
        supplements.withdraw(self.row)
        return self._finish("unchanged")

    def _bring_in_line(self, act: Act, plan: Plan, order: Order) -> Outcome:
        """Write the difference between the plan and King's order, check it, approve, and save the end."""
        steps = self._compared(plan, order)
        if self.row.after_restore and order.is_approved and not self.row.is_approved:
            ledger.save_lazily(self.row, is_approved=True)
        stopped = self._stopping(steps, order.number)
        if not stopped and steps.removals:
            again = self.king_order.locked(order.number, steps)
            if again is None:
                return self._reject((reason("order_delivered", number=order.number),))
            steps = self._compared(plan, again)
            stopped = self._stopping(steps, order.number)
        if stopped:
            return stopped
        before = {line.reference: line for line in ledger_lines.saved_lines(self.row)}
        refused = self.king_order.apply(steps, order.number)
        written = changes.written(steps, before, refused)
        sent = without(plan, refused)
        differs = self.king_order.check(sent, order.number) if self.king_order.calls else None
        if differs:
            return self._hold((differs,))
        self._log_steps(steps)
        is_wanted = verdict.wants_approval(self.row, self.source, self.job.choices, sent, number=order.number)
        is_wanted = is_wanted and (self.row.is_created_by_us or shared_orders.is_of_us(order))
        is_left = is_wanted and verdict.has_credit(self.row, sent, order)
        is_left = is_left or self.row.part > 1
        if is_wanted and not is_left and not self.known.approval_waits_for:
            problem = self._approve(act, order)
            if problem:
                return self._incomplete("rejected", [problem])
        self.king_order.unlock_meanwhile()
        self._save_written(plan, sent, is_approval_left=is_left and not order.is_approved)
        return self._end(act, sent, written)

    def _approve(self, act: Act, order: Order) -> Reason | None:
        """Approve the order, also for its other work orders; return King's refusal."""
        problem = None
        if self.row.is_created_by_us or not order.is_approved:
            problem = self.king_order.approve(order.number)
        else:
            ledger.save_lazily(self.row, is_approved=True)
        if problem is None and act is not Act.CREATE:  # no one else can know a new order
            shared_orders.approved(self.row, order.number)
        return problem

    def _compared(self, plan: Plan, order: Order) -> differences.Differences:
        booked = ledger_lines.saved_lines(self.row)
        steps = differences.between(plan, booked, order, may_remake=self.king_order.may_remake)
        self.king_order.save_found(booked, steps)
        return steps

    def _log_steps(self, steps: differences.Differences) -> None:
        """Save what stays as King has it, and log what is new about that."""
        before = self.row.notices
        notices = verdict.notices(steps, before=before)
        if notices == before:
            return
        ledger.save_lazily(self.row, notices=notices)
        for why in notices:
            if why not in before:
                self.job.log_event(self.row, "order.notice", msgspec.convert(why, Reason), LogEntry.Level.INFO)

    def _stopping(self, steps: differences.Differences, number: str) -> Outcome | None:
        """Save why nothing may be written, if so."""
        stopped = verdict.stopping(steps, number=number)
        if stopped is None:
            return None
        state, reasons = stopped
        return self._reject(reasons) if state == LedgerState.REJECTED else self._hold(reasons)

    # --- Ending -------------------------------------------------------------------------------------------------------

    def _save_written(self, plan: Plan, sent: Plan, *, is_approval_left: bool) -> None:
        now = timezone.now()
        ended = {"step": Step.LINKED, "exported_at": now} if sent.is_complete else {"step": self.row.step}
        ledger.save_and_free(
            self.row,
            self.job.take_unlocked(),
            plan_fingerprint=ledger.plan_fingerprint(plan),
            outcome_unknown_until=None,
            is_approval_left=is_approval_left,
            approval_waits_for="" if is_approval_left else self.known.approval_waits_for,
            **ledger.amount_columns(sent),
            header_as_read=self.row.header_as_read or self.king_order.header_as_read,
            king_checked_at=now,
            king_closed_at=None,
            **ended,
        )

    def _end(self, act: Act, sent: Plan, written: list[str]) -> Outcome:
        """Save the end of an order that was written; `written` are the lines that changed in King."""
        count = count_of(act, self.known, is_written=bool(self.king_order.calls))
        if not sent.is_complete:
            refused = ledger_lines.refused_reasons(self.row)
            return self._incomplete(count, refused) if self._has_any_in_king() else self._reject(tuple(refused))
        if count != "created":  # logged already, when King gave it its number
            why = reason("lines_written", lines="; ".join(written)) if written else None
            self.job.log_event(self.row, f"order.{count}", why)
        return self._finish(count)

    def _has_any_in_king(self) -> bool:
        """Return False when King accepted nothing at all into an order that it had already."""
        return self.row.is_created_by_us or any(line.king_line_id for line in ledger_lines.saved_lines(self.row))

    def _incomplete(self, count: str, reasons: list[Reason]) -> Outcome:
        ledger.settle(self.row, LedgerState.INCOMPLETE, reasons, step=self.row.step)
        for why in reasons:
            self.job.log_event(self.row, "order.incomplete", why, LogEntry.Level.ERROR)
        return Outcome(count)

    def _finish(self, count: str) -> Outcome:
        if verdict.is_interim(self.row, self.source):
            ledger.settle(self.row, LedgerState.INTERIM)
            return Outcome(count)
        return confirm(self.job, self.row, count)
