"""Staging: records of a scan that may not be written before it is complete; in the database, to survive a crash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from kingsync.imports import diff
from kingsync.imports.diff import Compared
from kingsync.king_mirror.bulk_upsert import Same, copy_into
from kingsync.models import tenants
from kingsync.models.change_limit_trips import StagedRecord
from kingsync.models.import_kinds import MasterData
from kingsync.models.runs import SyncRun

BATCH = 1000


class Staging:
    """The staged records of one scan, in the order in which they were read."""

    def __init__(self, run: SyncRun, kind: MasterData, choices: Any) -> None:
        self._run, self._kind, self._choices = run, kind, choices

    def forget_other_runs(self) -> None:
        """Purge what interrupted runs staged: a new scan reads it again."""
        StagedRecord.objects.filter(kind=self._kind.name).exclude(run=self._run).delete()

    def add(self, records: Sequence[Compared]) -> None:
        if not records:
            return
        same: Same = {"tenant_id": tenants.current_id(), "run_id": self._run.pk, "kind": self._kind.name}
        copy_into(StagedRecord._meta.db_table, ("raw",), ((one.raw,) for one in records), same=same)

    def batches(self) -> Iterator[tuple[int, list[Compared]]]:
        """Yield what is staged, compared again: another slice may be writing it.

        Each batch comes with the mark up to which `forget` purges.
        """
        last = 0
        while True:
            rows = list(self._rows().filter(pk__gt=last).order_by("pk").values_list("pk", "raw")[:BATCH])
            if not rows:
                return
            last = rows[-1][0]
            raws = diff.with_digests(bytes(raw) for _, raw in rows)
            records, _ = diff.read(self._kind, raws)
            diff.answer(self._kind, records, self._choices)
            diff.compare(self._kind, records)
            yield last, records

    def forget(self, mark: int) -> None:
        """Purge what was written: everything up to the mark."""
        if mark:
            self._rows().filter(pk__lte=mark).delete()

    def clear(self) -> int:
        """Purge everything; return how many there were."""
        count, _ = self._rows().delete()
        return count

    def shown(self, *, at_most: int) -> list[dict[str, object]]:
        """Return the first ones, for the page of the change limit."""
        found: list[dict[str, object]] = []
        for _, records in self.batches():
            found += [_shown(one) for one in records if one.outcome in {"updated", "deactivated"}]
            if len(found) >= at_most:
                break
        return found[:at_most]

    def _rows(self) -> QuerySet[StagedRecord]:
        return StagedRecord.objects.filter(run=self._run, kind=self._kind.name)


def _shown(one: Compared) -> dict[str, object]:
    return {
        "king_id": one.own.answer.king_id,
        "name": one.own.answer.name,
        "action": one.outcome,
        "changes": diff.changes_of(one.own),
    }
