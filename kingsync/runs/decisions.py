"""What should become of a work order: its plan, and every reason that stops it. Shared by export and preview."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from integrations.outsmart.records import WorkOrder as Source
from kingsync.models.wording import StoredReason, stored
from kingsync.models.work_orders import AfterRestore, LedgerState, WorkOrder
from kingsync.rules import changes, orders
from kingsync.rules.differences import Conflict, Differences, Notice
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import Plan
from kingsync.runs import imported_lines, ledger
from kingsync.runs.jobs import Job

# What a person may lift for one work order. Not the others: they are lifted by repairing their cause or by a setting.
LIFTED_BY_RELEASE = frozenset({"before_from_date", "nothing_to_invoice", "restored_may_be_in_king"})
OUT_OF_PLACE = "line_out_of_place"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the King order to update, "" for a new one. Reasons: rejecting before holding before lines."""

    plan: Plan
    number: str
    reasons: tuple[Reason, ...]
    is_rejected: bool
    is_held: bool


def decide(job: Job, row: WorkOrder, source: Source) -> Decision:
    """Return what the rules and settings say; what they would refuse has been asked of King itself."""
    number = number_of(row, source)
    if number:
        imported_lines.take_over(row, number, is_dry=job.claim.run.is_dry)
    plan = plan_for(job, row, source, number=number)
    return judged(row, plan, job.choices, number=number)


def number_of(row: WorkOrder, source: Source) -> str:
    """Return the number of the King order to update: our own link first; "" for a new order."""
    return row.king_order_number or source.king_order_number.strip()


def judged(row: WorkOrder, plan: Plan, choices: Exports, *, number: str) -> Decision:
    """Return what becomes of a plan, with every reason that stops it."""
    if row.state == LedgerState.EXCLUDED:  # a run never comes here; a preview shows it
        reasons = tuple(msgspec.convert(row.reasons, list[Reason]))
        return Decision(plan=plan, number=number, reasons=reasons, is_rejected=False, is_held=True)
    holds = [*_standing_holds(row, plan), *_linking_holds(choices, row, number)]
    lines = [ledger.as_line_reason(line.origin.label, line.reason) for line in plan.refused]
    return Decision(
        plan=plan,
        number=number,
        reasons=(*plan.rejects, *holds, *lines),
        is_rejected=bool(plan.rejects),
        is_held=bool(holds) and not plan.rejects,
    )


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
        if not job.facts.verify(plan):
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
    return [why for why in plan.holds if not (row.is_released and why.code in LIFTED_BY_RELEASE)]


def _linking_holds(choices: Exports, row: WorkOrder, number: str) -> list[Reason]:
    if number:
        return []
    if row.after_restore == AfterRestore.UNSURE and not row.is_released:
        return [reason("restored_may_be_in_king", reference=orders.external_number(row.outsmart_id))]
    if row.is_interim:
        return [] if choices.create_interim_order else [reason("not_linked_interim")]
    return [] if choices.create_new_order else [reason("not_linked")]
