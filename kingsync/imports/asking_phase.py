"""The second phase of the import of a kind: a scan that exceeds the change limit stops, and a person decides."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from kingsync.imports import change_limit, record_links
from kingsync.imports.deletions import DeletedRecord
from kingsync.imports.phase_state import KindWork
from kingsync.models.runs import LogEntry
from kingsync.rules.outcomes import reason


class Asking:
    """Compares what a scan would change with the change limit."""

    def __init__(self, work: KindWork) -> None:
        self._work = work
        self._job, self._kind, self._scan = work.job, work.kind, work.scan

    def may_write(self, deleted: Sequence[DeletedRecord]) -> bool:
        """Return whether the scan may be written; if not, ask for approval."""
        cursor = self._scan.cursor
        deactivated = cursor.deactivated + (len(deleted) if self._kind.active_field else 0)
        if self._work.is_dry:
            self._work.preview_deleted(deleted)
        changing = cursor.changed + deactivated
        # Most scans are within what follows from this administration alone, which is counted several times faster.
        if changing <= change_limit.ALWAYS_ALLOWED or changing <= self._limit(
            record_links.count_here(self._kind.primary)
        ):
            cursor.is_read = True
            return True
        known = record_links.count_in_outsmart(self._kind.primary)
        if changing <= max(self._limit(known), change_limit.allowed_count(self._kind.name)):
            cursor.is_read = True
            return True
        self._report(known, deactivated)
        if not self._work.is_dry:
            self._trip(known, deactivated, deleted)
        return False

    def _limit(self, known: int) -> int:
        return change_limit.limit(known=known, percent=self._job.choices.brake_percent)

    def _report(self, known: int, deactivated: int) -> None:
        """Count the stop as a problem, and log it once."""
        why = reason(
            "change_limit", known=str(known), changed=str(self._scan.cursor.changed), deactivated=str(deactivated)
        )
        is_new = not change_limit.is_tripped(self._kind.name)
        self._job.claim.problem(is_new=is_new)
        if is_new:
            self._job.log.add("import.change_limit_tripped", why, level=LogEntry.Level.ERROR, kind=self._kind.primary)

    def _trip(self, known: int, deactivated: int, deleted: Sequence[DeletedRecord]) -> None:
        claim, changed = self._job.claim, self._scan.cursor.changed
        if self._work.unsaved.is_all:
            self._work.stage(self._work.chunk())
        shown = [
            *self._work.staging.shown(at_most=change_limit.SHOWN_AT_MOST),
            *(each.planned("deactivated") for each in deleted),
        ]
        with transaction.atomic():
            change_limit.trip(
                claim.run, self._kind.name, known=known, changed=changed, deactivated=deactivated, records=shown
            )
            claim.count("skipped", self._work.staging.clear())
            self._scan.cursor.is_over_limit = True
            claim.save(cursor=self._scan.as_cursor())
            self._job.log.write()
