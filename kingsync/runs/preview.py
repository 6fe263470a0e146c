"""A dry run of an export: the exact King orders that would result, without a write anywhere."""

from __future__ import annotations

import msgspec

from integrations import errors
from integrations.outsmart import payloads
from integrations.outsmart.records import WorkOrder as Source
from kingsync.models.wording import sentence, stored
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import differences
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason
from kingsync.rules.plans import Plan
from kingsync.runs import clients, ledger
from kingsync.runs.decisions import Decision, decide
from kingsync.runs.exports import Candidate, ExportRun
from kingsync.runs.facts import FactsFinder
from kingsync.runs.jobs import Job
from kingsync.runs.lifecycle import Claim
from kingsync.runs.log import RunLog
from kingsync.runs.patience import patiently


def run(claim: Claim, choices: Exports, log: RunLog) -> bool:
    """Put into `claim.plan`, per work order, what would be sent. Reads only; King and OutSmart stay as they are."""
    with clients.both() as (outsmart, king):
        job = Job(claim, choices, king, outsmart, FactsFinder(king, log, is_dry=True), log)
        for candidate in ExportRun(job).candidates():
            claim.count("read")
            outcome, entry = _one(job, candidate)
            claim.count(outcome)
            claim.plan.append(entry)
            claim.beat(done=len(claim.plan))
    return False


def _one(job: Job, candidate: Candidate) -> tuple[str, dict[str, object]]:
    try:
        source = payloads.work_order(candidate.raw)
    except errors.PayloadError as error:
        return "failed", {"action": "failed", "reason": str(error)}
    if source.is_archived:
        return "skipped", {"outsmart_id": source.outsmart_id, "action": "skipped", "reason": "archived"}
    row = ledger.seen(source, candidate.raw, is_interim=candidate.is_interim, run=job.claim.run)
    decision = decide(job, row, source)
    outcome, steps = _steps(job, row, decision)
    return outcome, _entry(source, decision, outcome, steps)


def _steps(job: Job, row: WorkOrder, decision: Decision) -> tuple[str, differences.Differences | None]:
    """Return what would be counted, and the difference with King's order where there is one."""
    if decision.is_rejected:
        return "rejected", None
    if decision.is_held:
        return "skipped", None
    if not decision.number:
        return "created", None
    number = decision.number
    order = patiently(lambda: job.king.get_order(number=number))
    if order is None:
        return "rejected", None
    steps = differences.between(decision.plan, ledger.booked_lines(row), order)
    return ("unchanged" if steps.is_empty else "updated"), steps


def _entry(
    source: Source, decision: Decision, outcome: str, steps: differences.Differences | None
) -> dict[str, object]:
    plan = decision.plan
    return {
        "outsmart_id": source.outsmart_id,
        "order_number": source.order_number,
        "king_order_number": decision.number or None,
        "action": outcome,
        "reasons": [_told(why) for why in decision.reasons],
        "header": msgspec.to_builtins(plan.header),
        "lines": _lines(plan, steps),
        "removed": [step.reference for step in steps.removals] if steps else [],
    }


def _lines(plan: Plan, steps: differences.Differences | None) -> list[dict[str, object]]:
    marks = _marks(steps) if steps else {}
    sent: list[dict[str, object]] = [
        {
            "kind": line.origin.source.value,
            "source": line.origin.label,
            "reference": line.reference,
            "action": marks.get(line.reference, "unchanged" if steps else "new"),
            "registered_minutes": line.registered_minutes,
            "rounded_minutes": line.rounded_minutes,
            **msgspec.to_builtins(line.content),
        }
        for line in plan.lines
    ]
    dropped: list[dict[str, object]] = [
        {
            "kind": line.origin.source.value,
            "source": line.origin.label,
            "reference": line.reference,
            "action": "refused" if line.is_refused else "left_out",
            "reason": sentence(stored(line.reason)),
        }
        for line in plan.dropped
    ]
    return sent + dropped


def _marks(steps: differences.Differences) -> dict[str, str]:
    marks = {step.line.reference: "changed" for step in steps.changes}
    marks |= {step.line.reference: "new" for step in steps.additions}
    return marks | {each.reference: "conflict" for each in steps.conflicts}


def _told(why: Reason) -> str:
    return sentence(stored(why))
