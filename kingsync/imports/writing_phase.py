"""The last phase of the import of a kind: write staged records, report deletions, and end the scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kingsync.imports import change_limit, deletions
from kingsync.imports.deletions import DeletedRecord
from kingsync.imports.phase_state import KindWork
from kingsync.imports.writer import Chunk


class Writing:
    """Writes in the order of reading."""

    def __init__(self, work: KindWork) -> None:
        self._work = work
        self._job, self._kind, self._scan = work.job, work.kind, work.scan

    def write_on(self, deleted: Sequence[DeletedRecord]) -> bool:
        """Write the staged records; return True when the slice is over before the end."""
        cursor = self._scan.cursor
        # First of all: another slice, which may have to write the rest, would no longer know these records.
        deletions.mark(self._kind, deleted, self._job)
        with self._work.writer() as writer:
            if self._work.unsaved.is_all:
                writer.put(self._work.chunk())
            for mark, records in self._work.staging.batches():
                writer.put(Chunk(records, Counter(), (), self._scan.as_cursor(), cursor.done, mark))
                if self._job.claim.is_slice_over:
                    writer.finish()
                    return True
            writer.finish()
        if not cursor.is_first:
            change_limit.reset_limit(self._kind.name)
        self._scan.finish()
        return False
