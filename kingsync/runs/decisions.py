"""What should become of a work order: its plan, and every reason that stops it. Shared by export and preview."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from integrations.king.records import Order
from integrations.outsmart.records import WorkOrder as Source
from kingsync.models.wording import StoredReason, stored
from kingsync.models.work_orders import AfterRestore, LedgerState, WorkOrder
from kingsync.rules import changes, differences, linking, orders
from kingsync.rules.differences import Conflict, Differences, Notice
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason, reason, shown
from kingsync.rules.plans import Plan
from kingsync.runs import adopted_lines, ledger
from kingsync.runs.facts import KnownFacts
from kingsync.runs.jobs import Job

# What a person may lift for one work order. Not the others: they are lifted by repairing their cause or by a setting.
# A release of the work order lifts the first three; one of another customer's order is for that order only.
LIFTED_BY_IS_RELEASED = frozenset({"before_from_date", "nothing_to_invoice", "restored_may_be_in_king"})
LIFTED_BY_RELEASE = LIFTED_BY_IS_RELEASED | {"order_of_other_customer"}
OUT_OF_PLACE = "line_out_of_place"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the King order to update, "" for a new one. `steps` is what to write there, once it was read."""

    plan: Plan
    number: str
    rejects: tuple[Reason, ...] = ()
    holds: tuple[Reason, ...] = ()
    lines: tuple[Reason, ...] = ()
    steps: Differences | None = None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Return every reason: rejecting before holding before lines."""
        return (*self.rejects, *self.holds, *self.lines)

    @property
    def is_rejected(self) -> bool:
        return bool(self.rejects)

    @property
    def is_held(self) -> bool:
        return bool(self.holds) and not self.rejects

    @property
    def is_stopped(self) -> bool:
        return bool(self.rejects or self.holds)


def decide(job: Job, row: WorkOrder, source: Source) -> Decision:
    """Return what the rules and settings say; what they would refuse has been asked of King itself."""
    number = number_of(row, source)
    if number:
        adopted_lines.take_over(row, number, is_dry=job.claim.run.is_dry)
    plan = plan_for(job, row, source, number=number)
    return judged(row, plan, job.choices, number=number)


def number_of(row: WorkOrder, source: Source) -> str:
    """Return the number of the King order to update: our own link first; "" for a new order."""
    return row.king_order_number or source.king_order_number.strip()


def judged(row: WorkOrder, plan: Plan, choices: Exports, *, number: str) -> Decision:
    """Return what becomes of a plan, with every reason that stops it."""
    if row.state == LedgerState.EXCLUDED:  # a run never comes here; a preview shows it
        reasons = tuple(msgspec.convert(row.reasons, list[Reason]))
        return Decision(plan=plan, number=number, holds=reasons)
    return Decision(
        plan=plan,
        number=number,
        rejects=plan.rejects,
        holds=(*_standing_holds(row, plan), *_linking_holds(choices, row, number)),
        lines=tuple(ledger.as_line_reason(line.origin.label, line.reason) for line in plan.refused),
    )


def with_order(job: Job, row: WorkOrder, source: Source, decision: Decision, order: Order | None) -> Decision:
    """Return the decision with what King's order, as it was just read, adds; None: King has no such open order."""
    if row.state == LedgerState.EXCLUDED:
        return decision
    number = decision.number
    if order is None:
        code = "order_delivered" if row.king_order_number else "unknown_order"
        return msgspec.structs.replace(decision, rejects=(*decision.rejects, reason(code, number=shown(number))))
    steps = differences.between(decision.plan, ledger.booked_lines(row), order)
    state, reasons = stopping(steps, number=number) or (LedgerState.HELD, ())
    rejects, holds = (reasons, ()) if state == LedgerState.REJECTED else ((), reasons)
    return msgspec.structs.replace(
        decision,
        rejects=(*decision.rejects, *rejects, *_debtor_rejects(job, steps, order)),
        holds=(*decision.holds, *_order_holds(job, row, source, order), *holds),
        steps=steps,
    )


def _debtor_rejects(job: Job, steps: Differences, order: Order) -> Iterator[Reason]:
    """Tell beforehand that King takes no line for a blocked debtor, on an order of before the block either."""
    if not (steps.changes or steps.additions):
        return
    debtor = job.facts.checked_debtor(order.debtor_number, is_fresh=_asks_about_all(job.choices))
    if debtor.is_blocked:
        yield reason("blocked_debtor", debtor=debtor.number)


def _order_holds(job: Job, row: WorkOrder, source: Source, order: Order) -> Iterator[Reason]:
    other = ledger.is_of_other(row, order) if row.is_created_by_us else ledger.order_of_other(row, order.number)
    if other:
        yield reason("order_of_another", number=order.number, other=str(other))
    seen = linking.mark(order.number, order.debtor_number)
    yield from customer_holds(job.facts, job.choices, row, source, seen=seen, number=order.number)


def customer_holds(
    facts: KnownFacts, choices: Exports, row: WorkOrder, source: Source, *, seen: str, number: str
) -> Iterator[Reason]:
    """Yield why a King order of another customer needs a yes; `seen` is the order as it was read last."""
    debtor_number = linking.debtor_in(seen, number)
    if not linking.is_of_other_customer(source, debtor_number):
        return
    debtor = facts.debtor(debtor_number)
    why = linking.hold(source, choices, number=number, debtor=debtor, accepted=row.accepted_order)
    if why:
        yield why


def _asks_about_all(choices: Exports) -> bool:
    """Tell that nothing may be sent before every line passes: then King is asked about each, not only when in doubt."""
    return choices.incomplete_orders == "hold"


def plan_for(job: Job, row: WorkOrder, source: Source, *, number: str) -> Plan:
    """Return the King order that should be; asks King about everything that it would refuse, then plans again."""
    while True:
        plan = orders.from_work_order(
            source,
            job.choices,
            facts=job.facts.of(source, job.choices),
            booked=ledger.booked_lines(row),
            king_order_number=number,
            is_new=not number,
        )
        if not job.facts.verify(plan, is_every=_asks_about_all(job.choices)):
            return plan


def stopping(steps: Differences, *, number: str) -> tuple[LedgerState, tuple[Reason, ...]] | None:
    """Return the state and the reasons that keep us from writing a difference to King's order; None: it may be."""
    if steps.delivered:
        return LedgerState.REJECTED, (reason("order_delivered", number=number),)
    if steps.doubles:
        return LedgerState.HELD, (reason("differs_after_sending", detail=", ".join(steps.doubles)),)
    conflicts = tuple(why for each in steps.conflicts for why in _conflict(each))
    return (LedgerState.HELD, conflicts) if conflicts else None


def _conflict(conflict: Conflict) -> Iterator[Reason]:
    for each in conflict.fields:
        yield reason("line_conflict", line=conflict.label, **msgspec.to_builtins(each))
    if conflict.ours is not None:
        yield reason("line_removed", line=conflict.label, ours=changes.told(conflict.ours))
    if conflict.theirs:
        fields = ", ".join(each.field for each in conflict.theirs)
        yield reason("line_dropped", line=conflict.label, fields=fields)


def notices(steps: Differences, *, before: list[StoredReason]) -> list[StoredReason]:
    """Return what people should know although nothing is wrong, as the ledger keeps it.

    `before` are the notices of the last run: a line stays out of its place until it goes or is made anew.
    """
    now = [stored(_notice(each)) for each in steps.notices]
    staying = {line.reference for line in steps.found} - {step.reference for step in steps.removals}
    out_of_place = [why for why in before if why["code"] == OUT_OF_PLACE and why["params"]["reference"] in staying]
    return [*now, *out_of_place]


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
        return [reason("restored_may_be_in_king", reference=orders.external_number(row.outsmart_id))]
    if row.is_interim:
        return [] if choices.create_interim_order else [reason("not_linked_interim")]
    return [] if choices.create_new_order else [reason("not_linked")]
