"""An export run, from top to bottom: read the triggers, process the work orders, settle unknown outcomes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import msgspec
from django.utils import timezone

from integrations import errors
from integrations.outsmart import payloads
from integrations.outsmart.records import WorkOrder as Source
from kingsync.database import lending
from kingsync.exports import deletions, ledger, mass_question, problems, shared_approval, verdict
from kingsync.exports.export_job import Job, NotSettledError, Outcome
from kingsync.exports.export_work_order import DATABASE_GONE, export, refuse_unreadable
from kingsync.exports.king_order import unlock
from kingsync.exports.master_data import MasterDataReader
from kingsync.exports.overview import at_trigger
from kingsync.exports.verification import runs as verification_run
from kingsync.models.in_hand import Problem
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.turns import Caller
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules import linking, triggers
from kingsync.rules.mapping import Exports
from kingsync.rules.next_step import Act, next_step
from kingsync.rules.outcomes import reason
from kingsync.rules.triggers import ALL, COMPLETE, HANDLED
from kingsync.runs import clients
from kingsync.runs.lease import LostClaimError
from kingsync.runs.lifecycle import CancelRequestedError, Claim, Progress
from kingsync.runs.run_log import RunLog
from kingsync.watch import log_context

logger = logging.getLogger(__name__)
REREAD_AFTER_SECONDS = 60.0


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A work order as it was read; `is_retry` = read again by its row id, whatever its status now.

    `outsmart_id` is "" when no id can be read.
    """

    outsmart_id: str
    raw: bytes
    is_interim: bool
    is_retry: bool = False


def run(claim: Claim, choices: Exports, log: RunLog) -> bool:
    """Work on an export run until it is done (False) or the slice is over (True).

    Raises `NotConnectedError`, and those errors of the two systems that stop a run.
    """
    with clients.both(Caller.EXPORT, claim=claim) as (outsmart, king):
        job = Job(claim, choices, king, outsmart, MasterDataReader(king, log), log)
        export_run = ExportRun(job)
        try:
            return export_run.export_all()
        except Exception:
            export_run.keep_unfinished()  # saved only if the run ends: one that goes on reads them again
            raise
        finally:
            job.close()


class ExportRun:
    def __init__(self, job: Job) -> None:
        self.job = job
        # Row ids, each with the end of the doubt by `time.monotonic`, which no one can set.
        self.unsettled: dict[str, float] = {}
        self._row: WorkOrder | None = None
        self._begun, self._has_begun = "", False
        self._done = job.claim.run.progress_done

    def export_all(self) -> bool:
        self.job.guard.check_journal()
        self._free_left_locks()
        self.job.master_data.fill_empty_mirror()
        for candidate in self.candidates():
            self._one(candidate)
            if self.job.claim.is_slice_over:
                self._settle()
                return True
        self._settle()
        if not self.job.claim.run.options.get("work_orders"):
            shared_approval.approve_waiting(self.job)
            verification_run.after_export(self.job)
        return False

    def _free_left_locks(self) -> None:
        """Unlock orders that a killed run left locked, before anything else can fail."""
        for row in ledger.still_locked():
            unlock(self.job, row, row.king_order_number or "")

    @property
    def is_whatever_status(self) -> bool:
        """Return whether a user named these work orders and saw that their status would not start an export."""
        return bool(self.job.claim.run.options.get(SyncRun.WHATEVER_STATUS))

    # --- Reading ------------------------------------------------------------------------------------------------------

    def candidates(self) -> Iterator[Candidate]:
        wanted = self.job.claim.run.options.get("work_orders") or []
        if wanted:
            yield from self._by_id(wanted)
            return
        if self.job.claim.run.listed is None:
            yield from self._of_new_list()
        else:
            yield from self._of_earlier_list(self.job.claim.run.listed)
        yield from self._by_id(sorted(self.job.guard.found))

    def _of_new_list(self) -> Iterator[Candidate]:
        """Read OutSmart's list, once a run: keep what later slices need of it, and begin with what was read."""
        now, listed = timezone.now(), self._listed()
        read = {key: each.raw for key, each in listed.items()}
        mass_question.require_answer(self.job.claim.run, read, from_date=self.job.choices.from_date)
        read_at = time.monotonic()
        for outsmart_id in self._dealt_with():
            listed.pop(outsmart_id, None)
            self.job.listed_numbers.pop(outsmart_id, None)
        retries = [each for each in ledger.retried(self.job.claim.run) if each not in listed]
        if not self.job.claim.run.is_dry:  # which lists what leaves no row, too
            self._deal_with_rowless(listed)
        readable = list(_readable(listed))
        missing = at_trigger.missing(readable)
        self.job.unseen = set(missing)
        total = self._done + len(listed) + len(retries)
        self._save_list(total, at_trigger.as_cursor(len(readable), missing, now=now), listed)
        while listed:
            outsmart_id, candidate = next(iter(listed.items()))
            del listed[outsmart_id]  # frees memory as work proceeds
            yield self._fresh(outsmart_id, candidate, read_at)
        yield from self._by_id(retries)

    def _deal_with_rowless(self, listed: dict[str, Candidate]) -> None:
        """Count what leaves no row in the ledger now: no later slice could tell that it was dealt with."""
        for key, candidate in list(listed.items()):
            if not candidate.outsmart_id:
                self._one(listed.pop(key))
            elif payloads.marks(candidate.raw).is_archived:
                del listed[key]
                self.job.claim.count("read")
                self.job.claim.count("skipped")
                self.job.claim.ended(candidate.outsmart_id, "skipped")
                self._done += 1

    def _save_list(self, total: int, cursor: dict[str, object], listed: dict[str, Candidate]) -> None:
        """Save what the list says, and keep it for later slices; a resumed preview starts again."""
        run, numbers = self.job.claim.run, self.job.listed_numbers
        entries = [[outsmart_id, numbers.get(outsmart_id, "")] for outsmart_id in listed]
        saved: Progress = {"kind": "work_orders", "done": self._done, "total": total, "cursor": cursor}
        if not run.is_dry:
            saved["listed"] = {"after": self._done, "work_orders": entries}
        self.job.claim.heartbeat(**saved)

    def _of_earlier_list(self, listed: dict[str, Any]) -> Iterator[Candidate]:
        """Go on with the list of an earlier slice; each work order is read again when its turn comes."""
        done_before = self._dealt_with()
        left = listed["work_orders"][max(0, self._done - listed["after"]) :]
        left = [(outsmart_id, number) for outsmart_id, number in left if outsmart_id not in done_before]
        self.job.listed_numbers |= {outsmart_id: number for outsmart_id, number in left if number}
        names = {outsmart_id for outsmart_id, _number in left}
        retries = [each for each in ledger.retried(self.job.claim.run) if each not in names]
        self.job.claim.heartbeat(kind="work_orders", total=self._done + len(left) + len(retries))
        for outsmart_id, _number in left:
            candidate = self._read_again(outsmart_id)
            if candidate is None:
                self.job.listed_numbers.pop(outsmart_id, None)
                self._done += 1
            else:
                yield candidate
        yield from self._by_id(retries)

    def _read_again(self, outsmart_id: str) -> Candidate | None:
        """Read a work order of an earlier slice's list; None when it left the trigger before anything was begun."""
        raw = self._read(outsmart_id)
        before = WorkOrder.objects.filter(outsmart_id=outsmart_id).values_list("is_interim", flat=True).first()
        if raw is None:
            if before is not None:
                self._gone(outsmart_id)
            return None
        is_interim = self._is_interim(raw, before=bool(before))
        candidate = Candidate(outsmart_id=outsmart_id, raw=raw, is_interim=is_interim, is_retry=True)
        return candidate if before is not None or self._is_still_wanted(candidate) else None

    def _is_still_wanted(self, candidate: Candidate) -> bool:
        try:
            return self.is_at_trigger(payloads.work_order(candidate.raw), candidate)
        except errors.PayloadError:
            return True  # it is rejected with what is wrong

    def _listed(self) -> dict[str, Candidate]:
        """Read both triggers; a work order at the final one is not an interim one."""
        choices = self.job.choices
        found: dict[str, Candidate] = {}
        if choices.interim_updates and choices.order_update_status:
            for outsmart_id, raw in self._at(ALL, choices.order_update_status):
                key = outsmart_id or f"interim {len(found)}"
                found[key] = Candidate(outsmart_id=outsmart_id, raw=raw, is_interim=True)
        for outsmart_id, raw in self._at(COMPLETE, choices.work_order_status):
            key = outsmart_id or f"final {len(found)}"
            found[key] = Candidate(outsmart_id=outsmart_id, raw=raw, is_interim=False)
        return found

    def _at(self, status: str, work_status: str) -> Iterator[tuple[str, bytes]]:
        """Yield the work orders of these statuses with their ids, and every row that cannot be read so far."""
        for raw in self.job.outsmart.iter_work_orders(status=status, work_status=work_status):
            marks = payloads.marks(raw)
            # OutSmart's filter is not proven exact: compare as text here.
            is_at = marks.work_status in (None, work_status) and (status != COMPLETE or marks.status in (None, status))
            if (is_at and marks.status != HANDLED) or not marks.outsmart_id:
                number = linking.wanted(marks.king_order_number)
                if number and not marks.is_archived:
                    self.job.listed_numbers[marks.outsmart_id] = number
                yield marks.outsmart_id, raw

    def _dealt_with(self) -> set[str]:
        """Return the work orders that an earlier slice of this run finished."""
        run = self.job.claim.run
        if run.attempt == 1:
            return set()
        return set(
            WorkOrder.objects.filter(last_run=run).exclude(state="sending").values_list("outsmart_id", flat=True)
        )

    def _fresh(self, outsmart_id: str, candidate: Candidate, read_at: float) -> Candidate:
        """Read a work order again when the list is old: the office may have changed it meanwhile."""
        if time.monotonic() - read_at < REREAD_AFTER_SECONDS or not candidate.outsmart_id:
            return candidate
        raw = self._read(outsmart_id)
        return msgspec.structs.replace(candidate, raw=raw, is_retry=True) if raw is not None else candidate

    def _by_id(self, wanted: list[str]) -> Iterator[Candidate]:
        for outsmart_id in wanted:
            raw = self._read(str(outsmart_id))
            if raw is None:
                self._gone(str(outsmart_id))
                continue
            before = WorkOrder.objects.filter(outsmart_id=str(outsmart_id), is_interim=True).exists()
            is_interim = self._is_interim(raw, before=before)
            yield Candidate(outsmart_id=str(outsmart_id), raw=raw, is_interim=is_interim, is_retry=True)

    def _read(self, outsmart_id: str) -> bytes | None:
        try:
            return self.job.outsmart.get_work_order(outsmart_id=outsmart_id)
        except errors.NotFoundError:
            return None

    def _gone(self, outsmart_id: str) -> None:
        row = WorkOrder.objects.filter(outsmart_id=outsmart_id).first()
        why = deletions.reason_of(row) if row else reason(deletions.NOTHING_LEFT)
        self._begun, self._has_begun = outsmart_id, True
        if row is None:
            self._count(Outcome("skipped", needs_attention=True), None)
            self.job.log.add("order.deleted_at_source", why, level=LogEntry.Level.WARNING, outsmart_id=outsmart_id)
            return
        ledger.settle(row, LedgerState.HELD, [why], last_run=self.job.claim.run)
        self._count(Outcome("skipped"), row)
        self._begun = ""
        self.job.log_event(row, "order.deleted_at_source", why, LogEntry.Level.WARNING)

    def _is_interim(self, raw: bytes, *, before: bool) -> bool:
        marks = payloads.marks(raw)
        return triggers.is_interim(
            self.job.choices, status=marks.status, work_status=marks.work_status or "", before=before
        )

    # --- One work order -----------------------------------------------------------------------------------------------

    def _one(self, candidate: Candidate) -> None:
        self.job.listed_numbers.pop(candidate.outsmart_id, None)
        self._row, self._begun, self._has_begun = None, candidate.outsmart_id, True
        with log_context.bound(work_order=candidate.outsmart_id):
            outcome = self._guarded(candidate)
        if outcome:
            self._count(outcome, self._row)
        self._begun = ""
        self._done += 1
        # Counts first: what a work order came to is lost with the process when its log cannot be written.
        self.job.claim.heartbeat(done=self._done)
        self.job.log.write_periodically()

    def _count(self, outcome: Outcome, row: WorkOrder | None) -> None:
        """Count a work order by its outcome, and whether that is a new problem; `row` is its ledger row.

        Not before it has one: after a slice that is cut short it is read again.
        """
        outsmart_id = row.outsmart_id if row else self._begun
        self.job.claim.count("read")
        self.job.claim.ended(outsmart_id, outcome.count)
        problem = problems.found(row) if row else None
        if outcome.needs_attention and problem is None:
            problem = Problem.NEW
        self.job.claim.count(outcome.count)
        problems.count(self.job.claim, problem, outsmart_id=outsmart_id)

    def keep_unfinished(self) -> None:
        """Keep what was begun and not ended when the run stops: read, and so failed (`lifecycle.finish`)."""
        ended = {outsmart_id for _, outsmart_id in self.job.claim.run.ended()}
        for outsmart_id in {self._begun, *self.unsettled} - ended - {""}:
            self.job.claim.count("read")
            self.job.claim.ended(outsmart_id, "failed")

    def _guarded(self, candidate: Candidate) -> Outcome | None:
        """Keep a work order that triggers a bug of ours from stopping the others."""
        try:
            return self._outcome(candidate)
        except (
            errors.IntegrationError,
            errors.TooLargeHereError,
            LostClaimError,
            CancelRequestedError,
            *DATABASE_GONE,
        ):
            raise
        except Exception:  # one record: logged, the others go on
            logger.exception("work order %s could not be dealt with", candidate.outsmart_id)
            why, level = reason("internal"), LogEntry.Level.ERROR
            self.job.log.add("order.internal_error", why, level=level, outsmart_id=candidate.outsmart_id)
            return Outcome("failed")

    def _outcome(self, candidate: Candidate) -> Outcome | None:
        """Return how the work order ended; None when it is settled at the end of the run."""
        try:
            source = payloads.work_order(candidate.raw)
        except errors.PayloadError as error:
            return self._unreadable(candidate, error)
        if source.is_archived and not self.is_whatever_status:
            return Outcome("skipped")
        is_new = source.outsmart_id in self.job.unseen
        self._row = row = ledger.seen(
            source, candidate.raw, is_interim=candidate.is_interim, run=self.job.claim.run, is_new=is_new
        )
        stopped = self._not_ours(row, source, candidate)
        if stopped:
            return stopped
        try:
            return export(self.job, row, source)
        except NotSettledError:
            self.unsettled[source.outsmart_id] = time.monotonic() + self._seconds_of_doubt(row)
            return None

    def _unreadable(self, candidate: Candidate, error: errors.PayloadError) -> Outcome:
        """Save a work order that cannot be read as rejected; without an id there is no row to save it in."""
        if not candidate.outsmart_id:
            self.job.log.failure("order.unreadable", error)
            return Outcome("failed")
        marks = payloads.marks(candidate.raw)
        if marks.is_archived:
            return Outcome("skipped")
        run = self.job.claim.run
        self._row = row = ledger.seen_unreadable(
            candidate.outsmart_id, marks, candidate.raw, is_interim=candidate.is_interim, run=run
        )
        if row.state == LedgerState.EXCLUDED:
            return Outcome("skipped")
        return refuse_unreadable(self.job, row, marks, error)

    def _not_ours(self, row: WorkOrder, source: Source, candidate: Candidate) -> Outcome | None:
        """Skip what a person excluded, and what left the trigger before anything was sent."""
        at_trigger = self.is_at_trigger(source, candidate)
        step = next_step(verdict.known_of(row, source, is_at_trigger=at_trigger))
        if step.act is Act.WAIT_FOR_TRIGGER:
            ledger.settle(row, LedgerState.HELD, step.reasons)
        return Outcome("skipped") if step.act in (Act.LEAVE, Act.WAIT_FOR_TRIGGER) else None

    def is_at_trigger(self, source: Source, candidate: Candidate) -> bool:
        """Return whether a work order is at its trigger; one from OutSmart's list of the trigger is."""
        if not candidate.is_retry or self.is_whatever_status:
            return True
        return triggers.is_at_trigger(self.job.choices, source, is_interim=candidate.is_interim)

    # --- Unknown outcomes ---------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Wait until no call can be running any more, then look up orders with an unknown outcome and finish them."""
        self.job.finish_call()
        if not self._has_begun:
            return  # there was nothing to do: the heartbeat after reading the list was just now
        for outsmart_id in self.unsettled:
            row = WorkOrder.objects.filter(outsmart_id=outsmart_id).first()
            if row is None:  # the database was restored to a state without this work order
                raise LostClaimError(str(LostClaimError.__doc__))
            self._wait_for(row)
            outcome = self._settled(row)
            self._count(outcome, row)
        self.job.log.write()
        self.job.claim.heartbeat(done=self._done)

    def _wait_for(self, row: WorkOrder) -> None:
        """Wait until the outcome is certain: for as long as ever, also when the machine's clock is set meanwhile."""
        if row.outcome_unknown_until is None:
            return
        until = max(self.unsettled[row.outsmart_id], time.monotonic() + self._seconds_of_doubt(row))
        while (left := until - time.monotonic()) > 0:
            self.job.heartbeat()
            with lending.parked():
                time.sleep(min(1.0, max(0.01, left)))
        if ledger.is_outcome_unknown(row):  # the clock was set back
            ledger.save(row, outcome_unknown_until=timezone.now())

    def _seconds_of_doubt(self, row: WorkOrder) -> float:
        """Return how long a call may still be running; never longer than from now."""
        until = row.outcome_unknown_until
        left = (until - timezone.now()).total_seconds() if until else 0.0
        return min(max(left, 0.0), self.job.outcome_unknown_seconds)

    def _settled(self, row: WorkOrder) -> Outcome:
        source = payloads.work_order(row.source.encode())
        try:
            return export(self.job, row, source)
        except NotSettledError:
            return Outcome("uncertain", needs_attention=True)


def _readable(listed: dict[str, Candidate]) -> Iterator[str]:
    """Yield the ids of the work orders that the ledger will have: neither archived nor without an id."""
    for candidate in listed.values():
        if candidate.outsmart_id and not payloads.marks(candidate.raw).is_archived:
            yield candidate.outsmart_id
