"""The next step of a work order: one answer that the export carries out and that dry run and settings impact only show.

What is known is a value. While something must be found out first, the next step is to do so; the caller does that as
far as it may, adds it to what is known and asks again.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping

import msgspec

from integrations.king.records import Order
from kingsync.rules.differences import Differences
from kingsync.rules.outcomes import Reason, reason, with_cause
from kingsync.rules.plans import Plan, PlannedLine


class Act(enum.StrEnum):
    # To be found out first
    LOOK_UP = "look_up"  # ask King for an order of ours whose creation was begun
    TAKE_OVER = "take_over"  # the order that was found belongs to this work order
    START_OVER = "start_over"  # King never created the order
    JUDGE = "judge"  # make the plan and apply the rules
    READ = "read"  # read King's order as it is now
    MOVE = "move"  # take the lines out of their order, to bring them to the one that is wanted now
    LOOK_FOR_LOST = "look_for_lost"  # make sure that King has no order of ours that the ledger does not know
    # Final steps
    LEAVE = "leave"
    WAIT_FOR_TRIGGER = "wait_for_trigger"
    WAIT_FOR_KING = "wait_for_king"  # a call whose answer was lost may still be running
    LEAVE_UNKNOWN = "leave_unknown"  # a person must look: King may or may not have the order
    ASK_KING = "ask_king"  # only King knows, and the caller may not ask
    SAVE_AS_DONE = "book_as_done"  # it was finished before the database was restored
    REJECT = "reject"
    HOLD = "hold"
    KEEP = "keep"  # King has exactly this already
    UPDATE = "update"
    ADOPT = "adopt"  # an order of ours was found in King: continue with it
    CREATE = "create"
    LEAVE_CHANGED = "leave_changed"  # King closed the order, and the work order differs from it: a person decides


COUNTED = {
    Act.LEAVE: "skipped",
    Act.WAIT_FOR_TRIGGER: "skipped",
    Act.WAIT_FOR_KING: "uncertain",
    Act.LEAVE_UNKNOWN: "uncertain",
    Act.ASK_KING: "uncertain",
    Act.SAVE_AS_DONE: "unchanged",
    Act.REJECT: "rejected",
    Act.HOLD: "skipped",
    Act.KEEP: "unchanged",
    Act.CREATE: "created",
    Act.LEAVE_CHANGED: "skipped",
}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of rules and settings. `steps` is what to write into King's order, once it was read.

    `missing` are the lines that King misses, once it closed the order of the work order; else None.
    """

    plan: Plan
    rejects: tuple[Reason, ...] = ()
    holds: tuple[Reason, ...] = ()
    lines: tuple[Reason, ...] = ()
    steps: Differences | None = None
    missing: tuple[PlannedLine, ...] | None = None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Return every reason: rejects before holds before lines."""
        return (*self.rejects, *self.holds, *self.lines)

    @property
    def is_stopped(self) -> bool:
        return bool(self.rejects or self.holds)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a work order; None = not looked up yet.

    `was_at_trigger` is False when no export ever saw it there. `is_begun`: a write of it may have reached King.
    `is_making_begun`: the creation of its order was begun, and its number never received. `is_resting`: an interim
    order that was not named explicitly waits for its next turn at a trigger. `may_ask` is False for a caller that may
    not call King. `moves_to` is the order that the work order should be on instead of `number`. `is_unfinished`: an
    order created by us that never got a complete plan. `approval_waits_for` names the other work orders that must be
    complete before the order is approved. `former_holds`: it
    belongs to an order of a former administration, so nothing of it is judged.
    """

    is_excluded: bool = False
    is_switched_on: bool = True
    is_at_trigger: bool = True
    was_at_trigger: bool = True
    is_begun: bool = False
    is_resting: bool = False
    may_ask: bool = True
    is_outcome_unknown: bool = False
    was_finished: bool = False

    is_making_begun: bool = False
    reference: str = ""
    found: tuple[str, ...] | None = None
    lookup_failure: Reason | None = None
    is_surely_new: bool = False

    former_holds: tuple[Reason, ...] = ()
    number: str = ""
    moves_to: str = ""
    is_found_again: bool = False
    is_unfinished: bool = False
    verdict: Verdict | None = None
    is_in_king: bool = False
    is_approval_due: bool = False
    approval_waits_for: str = ""
    is_order_read: bool = False
    order: Order | None = None


class NextStep(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, and why."""

    act: Act
    reasons: tuple[Reason, ...] = ()


def next_step(known: Known) -> NextStep:
    """Return the next step for this state of knowledge about a work order."""
    return _not_taken_up(known) or _of_begun(known) or _of_judged(known)


def follow(known: Known, learn: Mapping[Act, Callable[[Known], Known]]) -> tuple[Known, NextStep]:
    """Look up, through `learn`, what must be known first; return everything known and the final step."""
    while (step := next_step(known)).act in learn:
        known = learn[step.act](known)
    return known, step


def count_of(act: Act, known: Known, *, is_written: bool) -> str:
    """Return the count of a work order whose last step this was. `is_written`: King's order was, or will be."""
    if act not in (Act.UPDATE, Act.ADOPT):
        is_incomplete = act is Act.KEEP and known.verdict is not None and not known.verdict.plan.is_complete
        return "rejected" if is_incomplete else COUNTED[act]
    # An order that we created and never finished counts as created, also when another run or try began it.
    if known.is_unfinished:
        return "created"
    return "updated" if is_written else "unchanged"


def _not_taken_up(known: Known) -> NextStep | None:
    if known.is_excluded:
        return NextStep(act=Act.LEAVE)
    if not known.is_switched_on:
        return NextStep(act=Act.LEAVE, reasons=(reason("exports_off"),))
    # What was begun is finished whatever its status now.
    if not known.is_at_trigger and (known.is_resting or not known.is_begun):
        why = "left_the_trigger" if known.was_at_trigger else "never_at_trigger"
        return NextStep(act=Act.WAIT_FOR_TRIGGER, reasons=(reason(why),))
    if known.former_holds and not known.was_finished:
        return NextStep(act=Act.HOLD, reasons=known.former_holds)
    return None


def _of_begun(known: Known) -> NextStep | None:
    """Return the step of an order that King may or may not have created, or that was finished before."""
    if known.is_making_begun:
        return _of_pending(known)
    return NextStep(act=Act.SAVE_AS_DONE) if known.was_finished else None


def _of_pending(known: Known) -> NextStep:
    if known.lookup_failure:
        return _unknown(with_cause("not_looked_up", known.lookup_failure))
    if known.found is None:
        return NextStep(act=Act.LOOK_UP if known.may_ask else Act.ASK_KING)
    if len(known.found) > 1:
        return _unknown(reason("several_orders", count=str(len(known.found)), reference=known.reference))
    if known.found:
        return NextStep(act=Act.TAKE_OVER)
    return NextStep(act=Act.WAIT_FOR_KING if known.is_outcome_unknown else Act.START_OVER)


def _unknown(why: Reason) -> NextStep:
    return NextStep(act=Act.LEAVE_UNKNOWN, reasons=(why,))


def _of_judged(known: Known) -> NextStep:
    if known.moves_to:
        return NextStep(act=Act.WAIT_FOR_KING if known.is_outcome_unknown else Act.MOVE)
    verdict = known.verdict
    if verdict is None:
        return NextStep(act=Act.JUDGE)
    if known.number and not known.is_order_read:
        return NextStep(act=_of_unread(known, verdict), reasons=verdict.reasons)
    return NextStep(act=_of_read(known, verdict), reasons=verdict.reasons)


def _of_unread(known: Known, verdict: Verdict) -> Act:
    if verdict.is_stopped:
        return Act.READ
    if known.is_in_king and not known.is_approval_due:
        return Act.KEEP
    return Act.WAIT_FOR_KING if known.is_outcome_unknown else Act.READ  # what is read now may still change


def _of_read(known: Known, verdict: Verdict) -> Act:
    if verdict.missing is not None:
        return Act.LEAVE_CHANGED if verdict.missing else Act.KEEP
    if verdict.is_stopped:
        return Act.REJECT if verdict.rejects else Act.HOLD
    if known.number:
        return Act.ADOPT if known.is_found_again else Act.UPDATE
    return Act.CREATE if known.is_surely_new else Act.LOOK_FOR_LOST
