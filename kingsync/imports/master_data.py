"""The import of one kind of master data: reading - asking - writing - done, each a separate phase."""

from __future__ import annotations

from kingsync.imports import deletions
from kingsync.imports.asking_phase import Asking
from kingsync.imports.deletions import DeletedRecord
from kingsync.imports.import_job import Job
from kingsync.imports.phase_state import KindWork
from kingsync.imports.reading_phase import Reading
from kingsync.imports.writing_phase import Writing


def import_kind(job: Job, name: str) -> bool:
    """Continue the scan of a kind where it is; return True when the slice is over before its end."""
    kind = KindWork(job, name)
    kind.staging.forget_other_runs()
    cursor = kind.scan.cursor
    job.claim.heartbeat(kind=name, done=cursor.done)
    if cursor.is_over_limit:
        return False
    deleted: list[DeletedRecord] = []
    if not cursor.is_read:
        if Reading(kind).read_on():
            return True
        # If another worker took over, it goes on alone: from here on we write more than this run's own rows.
        job.claim.renew_lease()
        deleted = deletions.find(kind.kind, kind.scan, job)
        if not Asking(kind).may_write(deleted) or kind.is_dry:
            return False
    return Writing(kind).write_on(deleted)
