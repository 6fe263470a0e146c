"""What should become of a work order: its plan, and every reason that stops it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import msgspec

from integrations.king.records import Order
from integrations.outsmart.records import WorkOrder as Source
from kingsync.exports import ledger, review_holds, shared_orders, supplements
from kingsync.exports.export_job import Job, PlanningJob
from kingsync.exports.lines import ledger_lines
from kingsync.exports.master_data import MirroredMasterData
from kingsync.messages.reason_texts import StoredReason, stored
from kingsync.models.former_orders import FormerOrder
from kingsync.models.work_orders import AfterRestore, LedgerState, Step, WorkOrder
from kingsync.rules import changes, differences, linking, matching, orders, review, triggers
from kingsync.rules.differences import Conflict, Differences, Notice
from kingsync.rules.mapping import Exports
from kingsync.rules.next_step import Known, Verdict
from kingsync.rules.outcomes import Reason, reason, shown
from kingsync.rules.plans import Plan

OF_FORMER_ADMINISTRATION = frozenset({"in_former_administration", "excluded_in_former_administration"})
# What a person may lift for one work order; the other reasons need their cause repaired or a setting changed. A release
# lifts the first three; an approval of an order of another customer or a former administration is for that order only,
# and of a review for that line.
LIFTED_BY_IS_RELEASED = frozenset({"before_from_date", "nothing_to_invoice", "restored_may_be_in_king"})
LIFTED_BY_RELEASE = LIFTED_BY_IS_RELEASED | {"order_of_other_customer"} | OF_FORMER_ADMINISTRATION | review.CODES
NEVER_AT_TRIGGER = "never_at_trigger"
OFF_TRIGGER = frozenset({NEVER_AT_TRIGGER, "left_the_trigger"})
OUT_OF_PLACE, LEFT_EMPTY = "line_out_of_place", "order_left_empty"
BY_VERIFICATION = frozenset({"king_header_changed", "delivered_in_king", "king_order_gone"})
# Notices that an export leaves as they are: those of verification, and of an order that a work order left.
STAYING = BY_VERIFICATION | {LEFT_EMPTY}


def known_of(
    row: WorkOrder,
    source: Source,
    *,
    is_at_trigger: bool = True,
    is_resting: bool = False,
    is_switched_on: bool = True,
    may_ask: bool = True,
    former: FormerOrder | None = None,
) -> Known:
    """Return what ledger and work order say, before anything is looked up."""
    number = row.king_order_number or ""
    is_found = row.after_restore == AfterRestore.FOUND and bool(number) and not row.plan_fingerprint
    return Known(
        is_excluded=row.state == LedgerState.EXCLUDED,
        is_switched_on=is_switched_on,
        is_at_trigger=is_at_trigger,
        was_at_trigger=not (row.in_hand.is_first_sight or any(why["code"] == NEVER_AT_TRIGGER for why in row.reasons)),
        is_begun=_is_begun(row),
        is_resting=is_resting,
        may_ask=may_ask,
        is_outcome_unknown=ledger.is_outcome_unknown(row),
        was_finished=is_found and source.status == triggers.HANDLED,
        is_making_begun=row.step == Step.PENDING and not number,
        reference=orders.external_number(row.outsmart_id, row.part),
        number=number_of(row, source),
        moves_to=linking.moves_to(wanted_by(row, source), row.king_order_number),
        is_found_again=is_found,
        is_unfinished=is_unfinished(row),
        former_holds=tuple(_former_holds(row, former)),
    )


def _is_begun(row: WorkOrder) -> bool:
    # A supplementary order is a user's decision: no trigger is waited for.
    return row.step != Step.NEW or row.part > 1


def _former_holds(row: WorkOrder, former: FormerOrder | None) -> Iterator[Reason]:
    """Yield why a work order of a former administration is held, until a person released or linked it here."""
    is_begun_here = _is_begun(row) and row.after_restore != AfterRestore.FOUND
    if former is None or is_begun_here:
        return
    why = linking.former_hold(
        former.number,
        key=str(former.administration_id),
        administration=former.administration,
        is_excluded=former.is_excluded,
        accepted=row.accepted_former,
    )
    if why:
        yield why


def is_unfinished(row: WorkOrder) -> bool:
    """Return whether an order created by us never got a complete plan."""
    return row.is_created_by_us and not (row.plan_fingerprint or row.after_restore)


def number_of(row: WorkOrder, source: Source) -> str:
    """Return the number of the King order to update: our own link first; "" for a new order."""
    return row.king_order_number or wanted_by(row, source)


def wanted_by(row: WorkOrder, source: Source) -> str:
    """Return the King order that the work order should be on, by OutSmart or a user's choice; "" if none is named."""
    return linking.wanted(source.king_order_number, row.chosen_order)


def with_plan(
    known: Known,
    row: WorkOrder,
    source: Source,
    plan: Plan,
    choices: Exports,
    *,
    listed: Mapping[str, str] = MappingProxyType({}),
) -> Known:
    """Return what is known with a plan, every reason that stops it, and whether King has it already.

    `listed`: see `shared_orders.waits_for`.
    """
    verdict = Verdict(
        plan=plan,
        rejects=plan.rejects,
        holds=(
            *_standing_holds(row, plan),
            *_linking_holds(choices, row, known.number),
            *(() if known.number else review_holds.of_new_order(choices, row, plan)),
        ),
        lines=tuple(ledger_lines.as_line_reason(line.origin.label, line.reason) for line in plan.refused),
    )
    is_wanted = wants_approval(row, source, choices, plan, number=known.number)
    waits_for = shared_orders.waits_for(row, known.number, listed) if is_wanted and known.number else ""
    return msgspec.structs.replace(
        known,
        verdict=verdict,
        is_in_king=known.number == row.king_order_number and ledger.is_in_king(row, plan),
        is_approval_due=is_wanted and not row.is_approval_left and not waits_for,
        approval_waits_for=waits_for,
    )


def wants_approval(row: WorkOrder, source: Source, choices: Exports, plan: Plan, *, number: str) -> bool:
    """Return whether we should approve the order as far as this work order goes; `number` is "" for a new one."""
    if not choices.approve_order or row.part > 1 or is_interim(row, source) or not plan.is_complete:
        return False
    is_approved = row.is_approved and number == row.king_order_number
    return not is_approved and (not number or shared_orders.is_created_by_us(row, number))


def is_interim(row: WorkOrder, source: Source) -> bool:
    # Work that went back to an earlier status meanwhile is not finished either.
    return row.is_interim or source.status not in triggers.FINISHED


def has_credit(row: WorkOrder, plan: Plan, order: Order) -> bool:
    """Return whether the order has a line below zero: approving such an order is left to a user."""
    return plan.has_credit or _has_credit_of_others(row, plan, order)


def _has_credit_of_others(row: WorkOrder, plan: Plan, order: Order) -> bool:
    """Return whether a line of King's own is a credit; ours match the plan by now."""
    form = matching.form_of_references(plan.header.external_number)
    ours = {line.king_line_id for line in ledger_lines.saved_lines(row)}
    others = [line for line in order.lines if line.line_id not in ours and not form.fullmatch(line.reference)]
    return any(line.quantity is not None and line.quantity < 0 for line in others)


def with_order(
    job: Job, row: WorkOrder, source: Source, verdict: Verdict, order: Order | None, *, number: str
) -> Verdict:
    """Return the verdict completed by King's order as just read; None: King has no such open order."""
    if order is None:
        missing = None
        if number == row.king_order_number:
            missing = supplements.missing(job.master_data, job.choices, row, source)
        return msgspec.structs.replace(
            verdict,
            missing=None if missing is None else tuple(each.line for each in missing),
            rejects=(*verdict.rejects, _not_open(row, shown(number))),
            holds=(
                *verdict.holds,
                *review_holds.of_order_as_last_read(job.choices, row, verdict.plan, number=number),
            ),
        )
    steps = differences.between(verdict.plan, ledger_lines.saved_lines(row), order)
    state, reasons = stopping(steps, number=number) or (LedgerState.HELD, ())
    rejects, holds = (reasons, ()) if state == LedgerState.REJECTED else ((), reasons)
    return msgspec.structs.replace(
        verdict,
        rejects=(*verdict.rejects, *rejects, *_debtor_rejects(job, steps, order)),
        holds=(
            *verdict.holds,
            *_order_holds(job, row, source, order),
            *holds,
            *review_holds.of_order(job.choices, row, verdict.plan, steps, order),
        ),
        steps=steps,
    )


def _not_open(row: WorkOrder, number: str) -> Reason:
    """Return why King has no such open order, as far as it can be known."""
    if number != row.king_order_number:
        return reason("unknown_order", number=number)
    is_approved = row.is_approved or row.is_seen_approved
    return reason("order_delivered", number=number, variant="approved" if is_approved else "not_approved")


def _debtor_rejects(job: Job, steps: Differences, order: Order) -> Iterator[Reason]:
    """Yield in advance that King accepts no line for a blocked debtor, not even on an older order."""
    if not (steps.changes or steps.additions):
        return
    debtor = job.master_data.checked_debtor(order.debtor_number, is_fresh=_asks_about_all(job.choices))
    if debtor.is_blocked:
        yield reason("blocked_debtor", debtor=debtor.number)


def _order_holds(job: Job, row: WorkOrder, source: Source, order: Order) -> Iterator[Reason]:
    other = ledger.is_of_other(row, order) if order.number == row.king_order_number else ""
    if other:
        yield reason("order_of_another", number=order.number, other=other)
    seen = linking.mark(order.number, order.debtor_number)
    yield from customer_holds(job.master_data, job.choices, row, source, seen=seen, number=order.number)


def customer_holds(
    master_data: MirroredMasterData, choices: Exports, row: WorkOrder, source: Source, *, seen: str, number: str
) -> Iterator[Reason]:
    """Yield why a King order of another customer needs approval; `seen` is the order as last read."""
    debtor_number = linking.debtor_in(seen, number)
    if not linking.is_of_other_customer(source, debtor_number):
        return
    debtor = master_data.debtor(debtor_number)
    why = linking.hold(source, choices, number=number, debtor=debtor, accepted=row.accepted_order)
    if why:
        yield why


def _asks_about_all(choices: Exports) -> bool:
    """Return whether every line must pass before anything is sent: then King is asked about each of them."""
    return choices.incomplete_orders == "hold"


def plan_for(job: PlanningJob, row: WorkOrder, source: Source, *, number: str) -> Plan:
    """Return the King order that should be; asks King about everything it would refuse, then plans again."""
    if row.part > 1:
        return supplements.plan_of(job.master_data, job.choices, row, source)
    while True:
        plan = orders.from_work_order(
            source,
            job.choices,
            master_data=job.master_data.of(source, job.choices),
            booked=ledger_lines.saved_lines(row),
            king_order_number=number,
            is_new=not number,
        )
        doubted = review.doubted(plan, job.choices)
        if not job.master_data.verify(plan, also=doubted, is_every=_asks_about_all(job.choices)):
            return plan


def stopping(steps: Differences, *, number: str) -> tuple[LedgerState, tuple[Reason, ...]] | None:
    """Return the state and the reasons that keep us from writing to King's order; None if nothing does."""
    if steps.delivered:
        return LedgerState.REJECTED, (reason("order_delivered", number=number),)
    if steps.doubles:
        return LedgerState.HELD, (reason("differs_after_sending", detail=", ".join(steps.doubles)),)
    conflicts = tuple(why for each in steps.conflicts for why in _conflict(each))
    return (LedgerState.HELD, conflicts) if conflicts else None


def _conflict(conflict: Conflict) -> Iterator[Reason]:
    for each in conflict.fields:
        of_line = {"line": conflict.label, "reference": conflict.reference}
        yield reason("line_conflict", **of_line, **msgspec.to_builtins(each))
    of_line = {"line": conflict.label, "reference": conflict.reference, "mark": conflict.mark}
    if conflict.ours is not None:
        before, ours = changes.described(conflict.sent), changes.described(conflict.ours)
        yield reason("line_removed", **of_line, before=before, ours=ours)
    if conflict.theirs:
        fields = ", ".join(each.field for each in conflict.theirs)
        before = ", ".join(each.before for each in conflict.theirs)
        theirs = ", ".join(each.theirs for each in conflict.theirs)
        yield reason("line_dropped", **of_line, fields=fields, before=before, theirs=theirs)


def notices(steps: Differences, *, before: list[StoredReason]) -> list[StoredReason]:
    """Return what users should know although nothing is wrong, in the ledger's form.

    `before` are the notices of the last run: a line stays out of its place until it goes or is re-added.
    """
    now = [stored(_notice(each)) for each in steps.notices]
    staying = {line.reference for line in steps.found} - {step.reference for step in steps.removals}
    out_of_place = [why for why in before if why["code"] == OUT_OF_PLACE and why["params"]["reference"] in staying]
    return [*now, *out_of_place, *(why for why in before if why["code"] in STAYING)]


def _notice(notice: Notice) -> Reason:
    if notice.kept is not None:
        return reason("king_value_stays", line=notice.label, **msgspec.to_builtins(notice.kept))
    if notice.is_removed:
        return reason("removed_line_stays_away", line=notice.label)
    return reason(OUT_OF_PLACE, line=notice.label, reference=notice.reference)


def _standing_holds(row: WorkOrder, plan: Plan) -> list[Reason]:
    return [why for why in plan.holds if not (row.is_released and why.code in LIFTED_BY_IS_RELEASED)]


def _linking_holds(choices: Exports, row: WorkOrder, number: str) -> list[Reason]:
    if number:
        return []
    if row.after_restore == AfterRestore.UNSURE and not row.is_released:
        return [reason("restored_may_be_in_king", reference=orders.external_number(row.outsmart_id, row.part))]
    if row.part > 1 or linking.is_new_chosen(row.chosen_order):
        return []
    if row.is_interim:
        return [] if choices.create_interim_order else [reason("not_linked_interim")]
    return [] if choices.create_new_order else [reason("not_linked")]
