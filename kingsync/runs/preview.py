"""A dry run of an export: the exact King orders that would result, without a write anywhere."""

from __future__ import annotations

from typing import Any

import msgspec

from integrations import errors
from integrations.outsmart import payloads
from integrations.outsmart.records import WorkOrder as Source
from kingsync.models.runs import SyncRun
from kingsync.models.turns import Caller
from kingsync.models.wording import StoredReason, sentence, stored
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import differences
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import Plan
from kingsync.runs import clients, decisions, ledger, problems
from kingsync.runs.decisions import Decision, decide, notices
from kingsync.runs.exports import Candidate, ExportRun
from kingsync.runs.facts import FactsFinder
from kingsync.runs.jobs import Job
from kingsync.runs.lifecycle import Claim
from kingsync.runs.log import RunLog
from kingsync.runs.patience import patiently
from kingsync.runs.problems import Trouble

# So few work orders are kept with the run, for its page; those that would be sent come first.
KEPT = 20
SENT = ("created", "updated")


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """What an export would do with a work order: the count it would end in, why, and what it would write."""

    outcome: str
    reasons: tuple[Reason, ...]
    number: str
    notices: tuple[StoredReason, ...] = ()
    steps: differences.Differences | None = None


def run(claim: Claim, choices: Exports, log: RunLog) -> bool:
    """Put into `claim.plan`, per work order, what would be sent. Reads only; King and OutSmart stay as they are."""
    kept: list[dict[str, object]] = []
    with clients.both(Caller.IMPORT, claim=claim) as (outsmart, king):
        job = Job(claim, choices, king, outsmart, FactsFinder(king, log, is_dry=True), log)
        exports = ExportRun(job)
        for candidate in exports.candidates():
            claim.count("read")
            outcome, entry, trouble = _one(exports, candidate)
            claim.count(outcome)
            problems.count(claim, trouble)
            claim.plan.append(_told(entry))
            kept.append(entry)
            kept.sort(key=lambda each: each["action"] not in SENT)
            del kept[KEPT:]
            claim.beat(done=len(claim.plan))
    _keep(claim, kept)
    return False


def _keep(claim: Claim, entries: list[dict[str, object]]) -> None:
    claim.run.samples = {"work_orders": entries}
    SyncRun.objects.filter(pk=claim.run.pk, attempt=claim.attempt).update(samples=claim.run.samples)


def _one(exports: ExportRun, candidate: Candidate) -> tuple[str, dict[str, object], Trouble | None]:
    """Return the count and the entry of a work order, its reasons as the database keeps them, and its trouble."""
    try:
        source = payloads.work_order(candidate.raw)
    except errors.PayloadError as error:
        return _unreadable(candidate, error)
    if source.is_archived:
        entry: dict[str, object] = {
            "outsmart_id": source.outsmart_id,
            "action": "skipped",
            "reasons": [stored(reason("archived"))],
            "reason": "archived",
        }
        return "skipped", entry, None
    job = exports.job
    row = ledger.seen(source, candidate.raw, is_interim=candidate.is_interim, run=job.claim.run)
    decision = decide(job, row, source)
    if exports.has_left(row, source, candidate):
        foreseen = Foreseen(outcome="skipped", reasons=(reason("left_the_trigger"),), number=decision.number)
    else:
        foreseen = _foreseen(job, row, source, decision)
    trouble = problems.foreseen(row, [stored(why) for why in foreseen.reasons])
    return foreseen.outcome, _entry(source, decision.plan, foreseen), trouble


def _unreadable(candidate: Candidate, error: errors.PayloadError) -> tuple[str, dict[str, object], Trouble | None]:
    """Return the count and the entry of a work order that cannot be read; without its id the ledger has no place."""
    outcome = "rejected" if candidate.outsmart_id else "failed"
    why = stored(reason("unreadable_work_order", detail=error.detail))
    row = WorkOrder.objects.filter(outsmart_id=candidate.outsmart_id).first() or WorkOrder()
    entry: dict[str, object] = {
        "outsmart_id": candidate.outsmart_id,
        "order_number": payloads.marks(candidate.raw).order_number,
        "action": outcome,
        "reasons": [why],
        "reason": str(error),
    }
    return outcome, entry, problems.foreseen(row, [why])


def _foreseen(job: Job, row: WorkOrder, source: Source, decision: Decision) -> Foreseen:
    number = decision.number
    if number:
        order = patiently(lambda: job.king.get_order(number=number))
        decision = decisions.with_order(job, row, source, decision, order)
    steps = decision.steps
    kept = tuple(notices(steps, before=row.notices)) if steps and not decision.is_stopped else ()
    return Foreseen(outcome=_outcome(decision), reasons=decision.reasons, number=number, notices=kept, steps=steps)


def _outcome(decision: Decision) -> str:
    if decision.is_rejected:
        return "rejected"
    if decision.is_held:
        return "skipped"
    if decision.steps is None:
        return "created"
    return "unchanged" if decision.steps.is_empty else "updated"


def _entry(source: Source, plan: Plan, foreseen: Foreseen) -> dict[str, object]:
    return {
        "outsmart_id": source.outsmart_id,
        "order_number": source.order_number,
        "king_order_number": foreseen.number or None,
        "action": foreseen.outcome,
        "reasons": [stored(why) for why in foreseen.reasons],
        "notices": list(foreseen.notices),
        "header": msgspec.to_builtins(plan.header),
        "lines": _lines(plan, foreseen.steps),
        "removed": [step.reference for step in foreseen.steps.removals] if foreseen.steps else [],
    }


def _lines(plan: Plan, steps: differences.Differences | None) -> list[dict[str, object]]:
    marks = _marks(steps) if steps else {}
    sent: list[dict[str, object]] = [
        {
            **msgspec.to_builtins(line.content),
            "kind": line.origin.source.value,
            "king_kind": line.content.kind.value,
            "source": line.origin.label,
            "reference": line.reference,
            "action": marks.get(line.reference, "unchanged" if steps else "new"),
            "registered_minutes": line.registered_minutes,
            "rounded_minutes": line.rounded_minutes,
        }
        for line in plan.lines
    ]
    dropped: list[dict[str, object]] = [
        {
            "kind": line.origin.source.value,
            "source": line.origin.label,
            "reference": line.reference,
            "action": "refused" if line.is_refused else "left_out",
            "registered_minutes": line.registered_minutes,
            "reason": stored(line.reason),
        }
        for line in plan.dropped
    ]
    return sent + dropped


def _marks(steps: differences.Differences) -> dict[str, str]:
    marks = {step.line.reference: "changed" for step in steps.changes}
    marks |= {step.line.reference: "new" for step in steps.additions}
    return marks | {each.reference: "conflict" for each in steps.conflicts}


def _told(entry: dict[str, Any]) -> dict[str, object]:
    """Return an entry with its reasons in words."""
    told = {**entry, "reasons": [sentence(why) for why in entry["reasons"]]}
    if "notices" in entry:
        told["notices"] = [sentence(why) for why in entry["notices"]]
    if "lines" in entry:
        told["lines"] = [_line_told(line) for line in entry["lines"]]
    return told


def _line_told(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "reason": sentence(line["reason"])} if "reason" in line else line
