"""One work order to King, exactly once: the durable steps.

    pending → created → lines → approved → linked → confirmed

King has no idempotency key and no transaction. Each step is stored before the next call goes out; after a crash or a
lost answer King is asked by our reference, and only what is missing is sent. See king.md 2.3 and 2.4.
"""

from __future__ import annotations

import logging

import msgspec
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from integrations import errors
from integrations.king.records import Order
from integrations.outsmart.records import WorkOrder as Source
from kingsync.models.runs import LogEntry
from kingsync.models.wording import reason_of
from kingsync.models.work_orders import AfterRestore, LedgerState, Step, WorkOrder
from kingsync.rules import differences, orders
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import Plan
from kingsync.runs import decisions, ledger
from kingsync.runs.confirming import confirm
from kingsync.runs.jobs import Job, NotSettledError, Outcome
from kingsync.runs.king_orders import KingOrder, is_in_doubt, without, words
from kingsync.runs.lifecycle import CancelRequestedError, LostClaimError
from kingsync.runs.patience import patiently

logger = logging.getLogger(__name__)
# Our lock on the tenant went with the connection: whoever goes on now would not be alone.
DATABASE_GONE = (OperationalError, InterfaceError)
HANDLED = "Afgehandeld"
FINISHED = ("Compleet", HANDLED)


def export(job: Job, row: WorkOrder, source: Source) -> Outcome:
    """Bring one work order to King, or book why not.

    Raises `NotSettledError`; errors that stop the whole run (unreachable, credentials, lost claim) pass through.
    """
    try:
        return _Export(job, row, source).run()
    except errors.ConflictError as error:
        return _not_now(job, row, reason("order_busy"), error)
    except errors.OutcomeUnknownError as error:
        _in_doubt(job, row, error)
        raise NotSettledError from None
    except (errors.UnreachableError, errors.TenantActionError):
        raise
    except errors.IntegrationError as error:
        return _not_now(job, row, reason_of(error), error)
    except (LostClaimError, CancelRequestedError, NotSettledError, *DATABASE_GONE):
        raise
    except Exception:  # noqa: BLE001  (one record: booked as ours, told to whoever watches, the others go on)
        return _our_fault(job, row)


def _not_now(job: Job, row: WorkOrder, why: Reason, error: errors.IntegrationError) -> Outcome:
    """Book a work order that could not go on for a reason that passes by itself."""
    ledger.settle(row, _underway(row), [why])
    job.log.failure("order.postponed", error, outsmart_id=row.outsmart_id)
    return Outcome("failed")


def _underway(row: WorkOrder) -> LedgerState:
    return LedgerState.WAITING if row.step == Step.NEW else LedgerState.SENDING


def _our_fault(job: Job, row: WorkOrder) -> Outcome:
    """Book a work order that met a bug of ours, tell whoever watches the logs, and let the others go on."""
    logger.exception("export of work order %s failed", row.outsmart_id)
    ledger.settle(row, _underway(row), [reason("internal")])
    job.note(row, "order.internal_error", reason("internal"), LogEntry.Level.ERROR)
    return Outcome("failed")


def _in_doubt(job: Job, row: WorkOrder, error: errors.IntegrationError) -> None:
    ledger.settle(row, LedgerState.SENDING, [reason("not_settled")])
    job.log.failure("order.in_doubt", error, outsmart_id=row.outsmart_id)


class _Export:
    def __init__(self, job: Job, row: WorkOrder, source: Source) -> None:
        self.job, self.row, self.source = job, row, source
        self.king_order = KingOrder(job, row)
        self.is_created = False

    def run(self) -> Outcome:
        is_ours = True
        try:
            return self._brought()
        except (LostClaimError, *DATABASE_GONE):
            is_ours = False  # whoever takes over frees the order
            raise
        finally:
            if is_ours:
                self.king_order.unlock()

    def _brought(self) -> Outcome:
        row = self.row
        self.job.guard.found.discard(row.outsmart_id)
        if row.step == Step.PENDING and not row.king_order_number and not self._found_pending():
            return Outcome("uncertain")
        if self._was_finished_before():
            return self._found_finished()
        decision = decisions.decide(self.job, row, self.source)
        plan, number = decision.plan, decision.number
        if decision.is_rejected:
            return self._reject(decision.reasons, plan)
        if decision.is_held:
            return self._hold(decision.reasons, plan)
        if number and ledger.is_in_king(row, plan) and not self._wants_approval(plan):
            return self._unchanged(plan)
        return self._send(plan, number)

    # --- Stopping -----------------------------------------------------------------------------------------------------

    def _reject(self, reasons: tuple[Reason, ...], plan: Plan | None = None) -> Outcome:
        self._book_stop(LedgerState.REJECTED, reasons, plan, LogEntry.Level.ERROR)
        status = self.job.choices.failure_status.strip()
        if status and self.source.work_status != status:
            self._tell_failure(status)
        return Outcome("rejected")

    def _tell_failure(self, status: str) -> None:
        try:
            self.job.outsmart.set_work_status(outsmart_id=self.row.outsmart_id, work_status=status)
        except errors.TenantActionError:
            raise
        except errors.IntegrationError as error:
            self.job.log.failure("order.status_not_set", error, outsmart_id=self.row.outsmart_id)

    def _hold(self, reasons: tuple[Reason, ...], plan: Plan | None = None) -> Outcome:
        self._book_stop(LedgerState.HELD, reasons, plan, LogEntry.Level.WARNING)
        return Outcome("skipped")

    def _book_stop(
        self, state: LedgerState, reasons: tuple[Reason, ...], plan: Plan | None, level: LogEntry.Level
    ) -> None:
        if plan is not None:
            ledger.store_lines(self.row, plan)
        ledger.settle(self.row, state, reasons, attempts=self.row.attempts + 1)
        for why in reasons:
            self.job.note(self.row, f"order.{state}", why, level)

    def _unchanged(self, plan: Plan) -> Outcome:
        """Nothing to tell King; what is left is the confirmation, or a line that still waits for its repair."""
        if not plan.is_complete:
            ledger.store_dropped(self.row, plan)  # one of two causes may be repaired by now
            return self._incomplete("rejected", ledger.refused_reasons(self.row))
        return self._finish("unchanged")

    # --- Finding the order --------------------------------------------------------------------------------------------

    def _found_pending(self) -> bool:
        """Look for an order whose creation was begun; False when nobody can tell (booked as uncertain).

        Not found after the wait = it was never made, and may be made now.
        """
        reference = orders.external_number(self.row.outsmart_id)
        try:
            found = patiently(lambda: self.job.king.find_orders(reference=reference))
        except (errors.TenantActionError, errors.UnreachableError):
            raise
        except errors.IntegrationError as error:
            return self._uncertain(reason("not_looked_up", detail=str(error)))
        if len(found) > 1:
            return self._uncertain(reason("several_orders", count=str(len(found)), reference=reference))
        if found:
            self.is_created = True
            self.king_order.adopt(found[0].number, is_created_by_us=True)
            self.king_order.settled()
            self.job.note(self.row, "order.found_again")
        elif is_in_doubt(self.row):
            raise NotSettledError
        else:
            self.job.guard.not_created(self.row.outsmart_id)
            ledger.book(self.row, step=Step.NEW, doubtful_until=None)
        return True

    def _uncertain(self, why: Reason) -> bool:
        ledger.settle(self.row, LedgerState.UNCERTAIN, [why])
        self.job.note(self.row, "order.uncertain", why, LogEntry.Level.ERROR)
        return False

    # --- After a restore ----------------------------------------------------------------------------------------------

    def _was_finished_before(self) -> bool:
        """Tell whether OutSmart knows that the order is in King, while our books only found it again."""
        row = self.row
        is_found = row.after_restore == AfterRestore.FOUND and bool(row.king_order_number) and not row.plan_fingerprint
        return is_found and self.source.status == HANDLED

    def _found_finished(self) -> Outcome:
        """Book an order as done again, without a write: what differs is told by the comparison that follows."""
        row, number = self.row, self.row.king_order_number or ""
        plan = decisions.plan_for(self.job, row, self.source, number=number)
        order = self.king_order.read(number)
        ledger.store_lines(row, plan)
        booked = ledger.booked_lines(row)
        if order is not None:
            self.king_order.book_found(booked, differences.between(plan, booked, order, may_make_anew=False))
        else:
            as_planned = {line.reference: line.content for line in plan.lines}
            ledger.lines_sent(
                row,
                [
                    msgspec.structs.replace(line, sent=as_planned.get(line.reference))
                    for line in booked
                    if line.reference in as_planned
                ],
            )
        now = timezone.now()
        ledger.note(row, exported_at=now, confirmed_at=now, is_approved=order is None or order.is_approved)
        ledger.note(row, plan_fingerprint=ledger.plan_fingerprint(plan))
        ledger.settle(row, LedgerState.DONE, step=Step.CONFIRMED)
        self.job.note(row, "order.found_again")
        return Outcome("unchanged")

    # --- Sending ------------------------------------------------------------------------------------------------------

    def _send(self, plan: Plan, number: str) -> Outcome:
        if not number and self.job.guard.before_create(self.row):
            return self._brought()
        order = self._existing(number) if number else self._create(plan)
        if isinstance(order, Outcome):
            return order
        if number:
            ledger.begin(self.row, plan)
        else:  # texts may name the new number
            plan = decisions.plan_for(self.job, self.row, self.source, number=order.number)
            ledger.store_lines(self.row, plan, is_attempted=True)
        return self._bring_in_line(plan, order)

    def _existing(self, number: str) -> Order | Outcome:
        """Return King's order of this number as it is now, or book why it cannot be used."""
        if is_in_doubt(self.row):
            raise NotSettledError  # what is read now may change yet
        other = None if self.row.is_created_by_us else ledger.order_of_other(self.row, number)
        if other:
            return self._hold((reason("order_of_another", number=number, other=str(other)),))
        order = self.king_order.read(number)
        if order is None:
            code = "order_delivered" if self.row.king_order_number else "unknown_order"
            return self._reject((reason(code, number=number),))
        theirs = ledger.is_of_other(self.row, order)
        if theirs:
            return self._hold((reason("order_of_another", number=number, other=theirs),))
        if not self.row.king_order_number:
            self.king_order.adopt(order.number, is_created_by_us=False)
        return order

    def _create(self, plan: Plan) -> Order | Outcome:
        ledger.begin(self.row, plan, is_new=True)
        try:
            number = self.king_order.create(plan.header)
        except errors.ConflictError:
            raise
        except errors.RejectedError as error:
            return self._reject((reason("order_refused", detail=words(error)),))
        self.is_created = True
        return Order(number=number)

    def _bring_in_line(self, plan: Plan, order: Order) -> Outcome:
        """Write the difference between the plan and King's order, check it, approve, and book the end."""
        steps = self._compared(plan, order)
        if self.row.after_restore and order.is_approved and not self.row.is_approved:
            ledger.note(self.row, is_approved=True)
        stopped = self._stopping(steps, order.number)
        if not stopped and steps.removals:
            again = self.king_order.locked(order.number, steps)
            if again is None:
                return self._reject((reason("order_delivered", number=order.number),))
            steps = self._compared(plan, again)
            stopped = self._stopping(steps, order.number)
        if stopped:
            return stopped
        refused = self.king_order.apply(steps, order.number)
        sent = without(plan, refused)
        differs = self.king_order.check(sent, order.number) if self.king_order.calls else None
        if differs:
            return self._hold((differs,))
        self._note(steps)
        if self._wants_approval(sent):
            problem = self.king_order.approve(order.number)
            if problem:
                return self._incomplete("rejected", [problem])
        self.king_order.unlock_meanwhile()
        return self._book_end(plan, sent)

    def _compared(self, plan: Plan, order: Order) -> differences.Differences:
        booked = ledger.booked_lines(self.row)
        steps = differences.between(plan, booked, order, may_make_anew=self.king_order.may_make_anew)
        self.king_order.book_found(booked, steps)
        return steps

    def _note(self, steps: differences.Differences) -> None:
        """Book what stays as King has it, and log what is new of that."""
        before = self.row.notices
        notices = decisions.notices(steps, before=before)
        if notices == before:
            return
        ledger.note(self.row, notices=notices)
        for why in notices:
            if why not in before:
                self.job.note(self.row, "order.notice", msgspec.convert(why, Reason), LogEntry.Level.INFO)

    def _stopping(self, steps: differences.Differences, number: str) -> Outcome | None:
        """Book why nothing may be written, if so."""
        stopped = decisions.stopping(steps, number=number)
        if stopped is None:
            return None
        state, reasons = stopped
        return self._reject(reasons) if state == LedgerState.REJECTED else self._hold(reasons)

    def _wants_approval(self, plan: Plan) -> bool:
        row = self.row
        wanted = self.job.choices.approve_order and not self._is_interim and plan.is_complete
        return wanted and row.is_created_by_us and not row.is_approved

    @property
    def _is_interim(self) -> bool:
        # Work that went back to an earlier status while we were busy is not finished either.
        return self.row.is_interim or self.source.status not in FINISHED

    # --- Ending -------------------------------------------------------------------------------------------------------

    def _book_end(self, plan: Plan, sent: Plan) -> Outcome:
        # An order that we made and never finished counts as created, also when another run or try began it.
        is_new = self.row.is_created_by_us and not (self.row.plan_fingerprint or self.row.after_restore)
        count = "created" if is_new else "updated" if self.king_order.calls else "unchanged"
        ledger.note(self.row, plan_fingerprint=ledger.plan_fingerprint(plan), doubtful_until=None)
        if not sent.is_complete:
            return self._incomplete(count, ledger.refused_reasons(self.row))
        ledger.note(self.row, step=Step.LINKED, exported_at=timezone.now())
        if count != "created":  # told already, when King gave it its number
            self.job.note(self.row, f"order.{count}")
        return self._finish(count)

    def _incomplete(self, count: str, reasons: list[Reason]) -> Outcome:
        ledger.settle(self.row, LedgerState.INCOMPLETE, reasons)
        for why in reasons:
            self.job.note(self.row, "order.incomplete", why, LogEntry.Level.ERROR)
        return Outcome(count, trouble=count != "rejected")

    def _finish(self, count: str) -> Outcome:
        if self._is_interim:
            ledger.settle(self.row, LedgerState.INTERIM)
            return Outcome(count)
        return confirm(self.job, self.row, count)
