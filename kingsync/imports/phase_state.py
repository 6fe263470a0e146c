"""State shared by the phases of a scan of a kind: position, unsaved records, and how they are saved and counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction

from kingsync.imports import diff
from kingsync.imports.deletions import DeletedRecord
from kingsync.imports.diff import Compared
from kingsync.imports.import_job import Job
from kingsync.imports.persist import RecordSaver
from kingsync.imports.progress import Scan
from kingsync.imports.staging import Staging
from kingsync.imports.writer import Chunk, Refused, Writer
from kingsync.models.import_kinds import MASTER_DATA
from kingsync.models.runs import NEW_PROBLEM, STILL_WAITING


@dataclass
class Unsaved:
    """What was read since the last save; `is_all`: nothing of this scan is stored, and it starts over if killed."""

    is_all: bool
    records: list[Compared] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    # Of each record that could not be read, whether that is new.
    unreadable: list[bool] = field(default_factory=list)
    saved_at: float = field(default_factory=time.monotonic)


class KindWork:
    """One scan of one kind, in any phase."""

    def __init__(self, job: Job, name: str) -> None:
        self.job, self.kind = job, MASTER_DATA[name]
        self.choices = self.kind.choices(job.choices)
        self.scan = Scan(job.claim, self.kind, job.king)
        self.staging = Staging(job.claim.run, self.kind, self.choices)
        self.is_dry = job.claim.run.is_dry
        self.unsaved = Unsaved(is_all=self.scan.is_new)
        self._saver = RecordSaver(self.kind, job.log, is_first=self.scan.cursor.is_first)

    def writer(self) -> Writer:
        return Writer(self.job.outsmart, self.kind.posted, self.persist, self.job.claim.renew_lease)

    def chunk(self) -> Chunk:
        """Return, and clear, what was read since the last save."""
        taken, self.unsaved = self.unsaved, Unsaved(is_all=False)
        return Chunk(taken.records, taken.counts, taken.unreadable, self.scan.as_cursor(), self.scan.cursor.done)

    def stage(self, chunk: Chunk) -> None:
        """Stage records in the database until the whole scan may be written."""
        with transaction.atomic():
            self.staging.add(chunk.records)
            self._count(chunk)
        self.job.claim.raise_if_cancelled()

    def persist(self, chunk: Chunk, refused: Refused) -> None:
        """Save records that were posted."""
        with transaction.atomic():
            if chunk.records:
                self._saver.save(chunk.records, refused)
                chunk.counts += diff.counts_of(chunk.records)
                self._keep(chunk.records)
            self.staging.forget(chunk.staging_mark)
            self._count(chunk)
        self.job.claim.raise_if_cancelled()

    def preview(self, chunk: Chunk) -> None:
        """Show what a dry run would write."""
        chunk.counts += diff.counts_of(chunk.records)
        for one in chunk.records:
            for part in one.parts:
                if part.outcome != "unchanged":
                    self.report(part.outcome, diff.planned(part))
        self._count(chunk)
        self.job.claim.raise_if_cancelled()

    def preview_deleted(self, deleted: Sequence[DeletedRecord]) -> None:
        for each in deleted:
            outcome = "deactivated" if self.kind.active_field else "skipped"
            self.job.claim.count(outcome)
            self.report(outcome, each.planned(outcome))

    def report(self, outcome: str, entry: dict[str, object]) -> None:
        self.job.claim.plan.append(entry)
        self.job.claim.sample(outcome, entry)

    def _keep(self, records: Sequence[Compared]) -> None:
        """Keep which records these were, for the page of the run."""
        kind = self.kind.primary.value
        for one in records:
            number = f"{kind} {one.own.answer.king_id}"
            if one.outcome != "unchanged":
                self.job.claim.ended(number, one.outcome)
            if one.needs_attention:
                self.job.claim.ended(number, NEW_PROBLEM if one.is_new_problem else STILL_WAITING)

    def _count(self, chunk: Chunk) -> None:
        """Store counts and cursor together: neither runs ahead of the other."""
        unknown = f"{self.kind.primary.value} "
        for is_new in chunk.unreadable:
            self.job.claim.ended(unknown, "rejected")
            self.job.claim.problem(is_new=is_new, about=unknown)
        for outcome, number in chunk.counts.items():
            self.job.claim.count(outcome, number)
        self.job.claim.save(done=chunk.done, cursor=chunk.cursor)
        self.job.log.write()
