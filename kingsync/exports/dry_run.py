"""A dry run of an export: the exact King orders that would result, without a write anywhere."""

from __future__ import annotations

from typing import Any

import msgspec

from integrations import errors
from integrations.outsmart import payloads
from integrations.outsmart.records import WorkOrder as Source
from kingsync.exports import ledger, problems
from kingsync.exports.assessment import Assessment
from kingsync.exports.export_job import Job
from kingsync.exports.export_run import Candidate, ExportRun
from kingsync.exports.master_data import MasterDataReader
from kingsync.exports.restore_guard import DryGuard
from kingsync.exports.verdict import notices
from kingsync.messages.reason_texts import StoredReason, reason_of, sentence, stored
from kingsync.models.in_hand import Problem
from kingsync.models.runs import SyncRun
from kingsync.models.turns import Caller
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import differences
from kingsync.rules.mapping import Exports
from kingsync.rules.next_step import Act, NextStep
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import Plan
from kingsync.runs import clients
from kingsync.runs.lifecycle import Claim
from kingsync.runs.run_log import RunLog

# How many work orders are stored with the run, for its page; those that would be sent come first.
KEPT = 20
SENT = ("created", "adopted", "updated")


class DryRunResult(msgspec.Struct, frozen=True, kw_only=True):
    """The dry run of a work order: the count it would add to, why, and what would be written."""

    action: str
    count: str
    reasons: tuple[Reason, ...]
    number: str = ""
    plan: Plan
    notices: tuple[StoredReason, ...] = ()
    steps: differences.Differences | None = None


def run(claim: Claim, choices: Exports, log: RunLog) -> bool:
    """Put into `claim.plan`, per work order, what would be sent. Reads only; King and OutSmart stay as they are."""
    kept: list[dict[str, object]] = []
    if claim.attempt > 1:
        claim.start_again()
    with clients.both(Caller.IMPORT, claim=claim) as (outsmart, king):
        job = Job(claim, choices, king, outsmart, MasterDataReader(king, log, is_dry=True), log)
        exports = ExportRun(job)
        job.guard.check_journal()
        for candidate in exports.candidates():
            claim.count("read")
            count, entry, problem = _one(exports, candidate)
            claim.count(count)
            problems.count(claim, problem, outsmart_id=candidate.outsmart_id)
            claim.plan.append(_summary_of(entry))
            kept.append(entry)
            kept.sort(key=lambda each: each["action"] not in SENT)
            del kept[KEPT:]
            claim.heartbeat(done=len(claim.plan))
    _keep(claim, kept)
    return False


def _keep(claim: Claim, entries: list[dict[str, object]]) -> None:
    claim.run.dry_run_examples = {"work_orders": entries}
    SyncRun.objects.filter(pk=claim.run.pk, attempt=claim.attempt).update(dry_run_examples=claim.run.dry_run_examples)


def _one(exports: ExportRun, candidate: Candidate) -> tuple[str, dict[str, object], Problem | None]:
    """Return the count and the entry of a work order, its reasons as stored, and its problem."""
    try:
        source = payloads.work_order(candidate.raw)
    except errors.PayloadError as error:
        return _unreadable(candidate, error)
    if source.is_archived and not exports.is_whatever_status:
        entry: dict[str, object] = {
            "outsmart_id": source.outsmart_id,
            "action": "skipped",
            "reasons": [stored(reason("archived"))],
            "reason": "archived",
        }
        return "skipped", entry, None
    job = exports.job
    job.listed_numbers.pop(source.outsmart_id, None)
    row = ledger.seen(source, candidate.raw, is_interim=candidate.is_interim, run=job.claim.run)
    if isinstance(job.guard, DryGuard):
        job.guard.recall(row)
    job.guard.found.discard(row.outsmart_id)
    result = _dry_run_result(Assessment(job, row, source, is_at_trigger=exports.is_at_trigger(source, candidate)))
    problem = problems.expected(row, [stored(why) for why in result.reasons])
    return result.count, _entry(source, result), problem


def _unreadable(candidate: Candidate, error: errors.PayloadError) -> tuple[str, dict[str, object], Problem | None]:
    """Return the count and the entry of an unreadable work order; without its id it has no ledger row."""
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
    return outcome, entry, problems.expected(row, [why])


def _dry_run_result(assessment: Assessment) -> DryRunResult:
    """Return the dry run of a work order. Raises what ends a run."""
    try:
        return _of_step(assessment, assessment.next_step())
    except (errors.TenantActionError, errors.UnreachableError):
        raise
    except errors.ConflictError:
        return _put_off(assessment, "skipped", reason("order_busy"))
    except errors.IntegrationError as error:
        return _put_off(assessment, "failed", reason_of(error))


def _of_step(assessment: Assessment, step: NextStep) -> DryRunResult:
    row, known, count = assessment.row, assessment.known, assessment.count(step)
    steps = known.verdict.steps if known.verdict else None
    is_sent = step.act in (Act.UPDATE, Act.ADOPT)
    return DryRunResult(
        action=_action(step.act, count),
        count=count,
        reasons=_reasons(row, step),
        number=known.number,
        plan=assessment.plan,
        notices=tuple(notices(steps, before=row.notices)) if steps and is_sent else (),
        steps=steps,
    )


def _action(act: Act, count: str) -> str:
    """Return what would happen to the order, which is not always what the work order counts as."""
    actions = {Act.ADOPT: "adopted", Act.KEEP: "unchanged"}
    return actions.get(act, "updated" if act is Act.UPDATE and count == "created" else count)


def _put_off(assessment: Assessment, count: str, why: Reason) -> DryRunResult:
    return DryRunResult(action=count, count=count, reasons=(why,), number=assessment.known.number, plan=assessment.plan)


def _reasons(row: WorkOrder, step: NextStep) -> tuple[Reason, ...]:
    if step.act is Act.WAIT_FOR_KING:
        return (reason("not_settled"),)
    return tuple(msgspec.convert(row.reasons, list[Reason])) if step.act is Act.LEAVE else step.reasons


def _entry(source: Source, result: DryRunResult) -> dict[str, object]:
    plan = result.plan
    return {
        "outsmart_id": source.outsmart_id,
        "order_number": source.order_number,
        "king_order_number": result.number or None,
        "action": result.action,
        "count": result.count,
        "reasons": [stored(why) for why in result.reasons],
        "notices": list(result.notices),
        "header": msgspec.to_builtins(plan.header),
        "lines": _lines(plan, result.steps, is_new=result.steps is None and result.action != "unchanged"),
        "removed": [step.reference for step in result.steps.removals] if result.steps else [],
    }


def _lines(plan: Plan, steps: differences.Differences | None, *, is_new: bool) -> list[dict[str, object]]:
    marks = _marks(steps) if steps else {}
    sent: list[dict[str, object]] = [
        {
            **msgspec.to_builtins(line.content),
            "kind": line.origin.source.value,
            "king_kind": line.content.kind.value,
            "source": line.origin.label,
            "reference": line.reference,
            "action": marks.get(line.reference, "new" if is_new else "unchanged"),
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


def _summary_of(entry: dict[str, Any]) -> dict[str, object]:
    """Return an entry with its reasons as sentences."""
    summary = {**entry, "reasons": [sentence(why) for why in entry["reasons"]]}
    if "notices" in entry:
        summary["notices"] = [sentence(why) for why in entry["notices"]]
    if "lines" in entry:
        summary["lines"] = [_line_summary(line) for line in entry["lines"]]
    return summary


def _line_summary(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "reason": sentence(line["reason"])} if "reason" in line else line
