"""Find out the next step of a work order by reading only: a dry run stops there, an export saves what it learns."""

from __future__ import annotations

import msgspec

from integrations import errors
from integrations.king.records import Order
from integrations.outsmart.records import WorkOrder as Source
from kingsync.exports import moving
from kingsync.exports import verdict as verdicts
from kingsync.exports.export_job import Job
from kingsync.exports.lines import adopted_lines, ledger_lines
from kingsync.messages.reason_texts import reason_of
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import linking
from kingsync.rules.differences import Differences
from kingsync.rules.next_step import Act, Known, NextStep, count_of, follow
from kingsync.rules.plans import Plan
from kingsync.runs.retry import with_retry


class Assessment:
    """What is known of one work order (`known`), and what comes next."""

    def __init__(self, job: Job, row: WorkOrder, source: Source, *, is_at_trigger: bool = True) -> None:
        self.job, self.row, self.source = job, row, source
        self._is_at_trigger = is_at_trigger
        number = verdicts.number_of(row, source)
        self._former = job.former_orders.of({row.outsmart_id: number}).get(row.outsmart_id)
        self.known = self._begun()

    def next_step(self) -> NextStep:
        """Return the final step. Raises King's errors, except where they decide nothing."""
        self.known, step = follow(
            self.known,
            {
                Act.LOOK_UP: self._look_up,
                Act.TAKE_OVER: self._take_over,
                Act.START_OVER: self._start_over,
                Act.MOVE: self._move,
                Act.JUDGE: self._judge,
                Act.READ: self._read,
                Act.LOOK_FOR_LOST: self._look_for_lost,
            },
        )
        return step

    @property
    def plan(self) -> Plan:
        """Return the plan, also of a work order whose next step is known without one."""
        if self.known.verdict is None:
            self.known = self._judge(self.known)
        assert self.known.verdict is not None  # noqa: S101  (judged before; for the type checker)
        return self.known.verdict.plan

    def count(self, step: NextStep) -> str:
        """Return the count that the work order would add to."""
        return count_of(step.act, self.known, is_written=self._would_write())

    def _would_write(self) -> bool:
        verdict, order = self.known.verdict, self.known.order
        if verdict is None or order is None or verdict.steps is None:
            return False
        is_approved = self.known.is_approval_due and not verdicts.has_credit(self.row, verdict.plan, order)
        return is_approved or not verdict.steps.is_empty

    def _begun(self) -> Known:
        return verdicts.known_of(self.row, self.source, is_at_trigger=self._is_at_trigger, former=self._former)

    # --- Finding out --------------------------------------------------------------------------------------------------

    def _look_up(self, known: Known) -> Known:
        """Look in King for an order whose creation was begun."""
        try:
            found = with_retry(lambda: self.job.king.find_orders(reference=known.reference))
        except (errors.TenantActionError, errors.UnreachableError):
            raise
        except errors.IntegrationError as error:
            return msgspec.structs.replace(known, lookup_failure=reason_of(error))
        return msgspec.structs.replace(known, found=tuple(order.number for order in found))

    def _take_over(self, known: Known) -> Known:
        """Continue with the order that King turns out to have."""
        (number,) = known.found or ()
        self._adopt(number)
        return msgspec.structs.replace(
            known,
            number=number,
            moves_to=linking.moves_to(verdicts.wanted_by(self.row, self.source), number),
            is_making_begun=False,
            is_outcome_unknown=False,
            is_found_again=True,
            is_unfinished=verdicts.is_unfinished(self.row),
        )

    def _adopt(self, number: str) -> None:
        self.row.king_order_number, self.row.is_created_by_us = number, True

    def _start_over(self, known: Known) -> Known:
        """Continue without an order: King never created it."""
        return msgspec.structs.replace(known, is_making_begun=False)

    def _judge(self, known: Known) -> Known:
        """Make the plan; what it would refuse has been checked with King itself."""
        job, row = self.job, self.row
        if known.number:
            adopted_lines.take_over(row, known.number, is_dry=job.claim.run.is_dry)
        plan = verdicts.plan_for(job, row, self.source, number=known.number)
        return verdicts.with_plan(known, row, self.source, plan, job.choices, listed=job.listed_numbers)

    def _move(self, known: Known) -> Known:
        """Go over to the order that is wanted now, unless one of the two orders forbids it."""
        there = self._on_other_order(known)
        verdict, to = there.verdict, there.order
        assert verdict is not None  # noqa: S101  (judged before; for the type checker)
        if verdict.is_stopped or to is None:
            return there
        order = with_retry(lambda: self.job.king.get_order(number=known.number))
        try:
            steps = moving.steps_out_of(self.row, verdict.plan, order, to.number)
            assert order is not None  # noqa: S101  (no order, no steps; for the type checker)
            self._go_over(verdict.plan, steps, order, to)
        except moving.MoveStoppedError as stopped:
            verdict = msgspec.structs.replace(verdict, holds=(*verdict.holds, stopped.why))
            return msgspec.structs.replace(there, verdict=verdict)
        return there

    def _on_other_order(self, known: Known) -> Known:
        """Return what is known of the work order as if it were on the other order, with none of its lines yet."""
        row, before = self.row, ledger_lines.saved_lines(self.row)
        ledger_lines.remember(row, moving.unsent(before))
        try:
            there = self._judge(msgspec.structs.replace(known, number=known.moves_to, moves_to=""))
            return self._read(there)
        finally:
            ledger_lines.remember(row, before)

    def _go_over(self, _plan: Plan, _steps: Differences, _order: Order, to: Order) -> None:
        ledger_lines.remember(self.row, moving.unsent(ledger_lines.saved_lines(self.row)))
        self.row.king_order_number, self.row.is_created_by_us = to.number, False

    def _read(self, known: Known) -> Known:
        """Read King's order as it is now.

        For an order that is stopped anyway it only adds further reasons: then a failing read changes nothing.
        """
        verdict = known.verdict
        assert verdict is not None  # noqa: S101  (judged before; for the type checker)
        try:
            order = self._read_order(known.number)
        except (errors.TenantActionError, errors.UnreachableError):
            raise
        except errors.IntegrationError:
            if not verdict.is_stopped:
                raise
            return msgspec.structs.replace(known, is_order_read=True)
        verdict = verdicts.with_order(self.job, self.row, self.source, verdict, order, number=known.number)
        return msgspec.structs.replace(known, is_order_read=True, order=order, verdict=verdict)

    def _read_order(self, number: str) -> Order | None:
        return with_retry(lambda: self.job.king.get_order(number=number))

    def _look_for_lost(self, known: Known) -> Known:
        """Make sure that King has no order of this work order; if one was found, start over with it."""
        if self.job.guard.before_create(self.row):
            return self._begun()
        return msgspec.structs.replace(known, is_surely_new=True)
