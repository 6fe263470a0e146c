"""The first phase of the import of a kind: read King page by page, and find what differs from what was sent.

A first import writes while it reads. A later one stages what it would write: only at the end is it known whether that
exceeds the change limit.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from integrations.king.records import Page
from kingsync.imports import diff, record_links
from kingsync.imports.diff import Compared
from kingsync.imports.phase_state import KindWork
from kingsync.imports.seen_hashes import digest_of
from kingsync.imports.writer import Writer
from kingsync.king_mirror.prefetch import prefetched
from kingsync.models.links import RecordLink
from kingsync.models.runs import LogEntry
from kingsync.rules.imports.customers import owner_of
from kingsync.rules.outcomes import Reason

# What a page yields: records that differ from before, and why others cannot be read.
NewRecords = tuple[list[Compared], list[Reason]]
PAGE = 500
CHUNK = 2000
COMPARED_AT_ONCE = 500
STAGED_AT_MOST = 2000
SAVE_SECONDS = 1.0
RETRIED_AT_MOST = 50


class Reading:
    """Reads to the last page, or to the end of the slice."""

    def __init__(self, work: KindWork) -> None:
        self._work = work
        self._job, self._kind, self._scan = work.job, work.kind, work.scan
        # Records not yet compared with what was sent.
        self._uncompared: list[Compared] = []

    def read_on(self) -> bool:
        """Read to the last page; return True when the slice is over before it."""
        cursor = self._scan.cursor
        if cursor.is_over:
            return False
        pages = self._job.king.iter_pages(
            self._kind.king_kind, after=cursor.after or "", changed_since=self._scan.changed_since, size=PAGE
        )
        # In a first import another thread makes the rows while this one waits for the database. Later there is little
        # to make, and less to wait for.
        if cursor.is_first:
            self._scan.seen_hashes  # noqa: B018  (loaded now: that thread has no database)
        with (
            prefetched(pages, self._looked_at, is_early=cursor.is_first) as prefetched_pages,
            self._work.writer() as writer,
        ):
            self._job.claim.heartbeat(kind=self._kind.name, total=self._scan.expected_total)
            for page, new_records in prefetched_pages:
                self._take(page, new_records)
                if page.next_after and self._may_stop_here():
                    self._compare()
                    self._job.claim.renew_lease()
                    self._scan.save_unseen()
                    self._save(writer)
                    writer.finish()
                    return True
                self._save_periodically(writer)
            self._retry_refused()
            self._compare()
            if cursor.is_first or self._work.is_dry or not self._work.unsaved.is_all:
                self._save(writer)
            writer.finish()
        return False

    def _may_stop_here(self) -> bool:
        """Return True at the end of a slice; not if a dry run must list deletions: it stores nothing in between."""
        must_go_on = self._work.is_dry and self._scan.is_proof and self._job.choices.missing == "deactivate"
        return self._job.claim.is_slice_over and not must_go_on

    def _looked_at(self, page: Page) -> tuple[Page, NewRecords]:
        """Do what needs no database, perhaps in another thread: drop known records, make rows of the others."""
        known, skips = self._scan.seen_hashes, self._scan.skips_seen
        digests = [digest_of(raw) for raw in page.records]
        is_seen = known.mark_seen_all(digests)
        new = [
            (bytes(raw), digest)
            for raw, digest, met in zip(page.records, digests, is_seen, strict=True)
            if not (met and skips)
        ]
        return page, self._new_records(new)

    def _new_records(self, raws: Sequence[tuple[bytes, bytes]]) -> NewRecords:
        records, unreadable = diff.read(self._kind, raws)
        diff.answer(self._kind, records, self._work.choices)
        return records, unreadable

    def _take(self, page: Page, new_records: NewRecords) -> None:
        self._work.unsaved.counts["read"] += len(page.records)
        self._work.unsaved.counts["unchanged"] += len(page.records) - _size(new_records)
        self._scan.cursor.done += len(page.records)
        self._scan.cursor.after, self._scan.cursor.is_over = page.next_after, not page.next_after
        self._take_new(new_records)

    def _take_new(self, new_records: NewRecords) -> None:
        records, unreadable = new_records
        for why in unreadable:
            self._work.unsaved.counts["rejected"] += 1
            self._scan.cursor.is_whole = False
            is_new = not self._job.log.was_reported("record.unreadable", why, kind=self._kind.primary)
            self._work.unsaved.unreadable.append(is_new)
            if is_new:
                self._job.log.add("record.unreadable", why, level=LogEntry.Level.ERROR, kind=self._kind.primary)
            if self._work.is_dry:
                self._work.report("rejected", diff.entry(self._kind.primary, "", "rejected", why=why))
        self._uncompared += records

    def _compare(self) -> None:
        """Compare the records read with what was sent: for many pages at once, since it costs a query."""
        records, self._uncompared = self._uncompared, []
        if not self._scan.cursor.is_first:
            diff.compare(self._kind, records)
            # It still exists, whatever it says now.
            self._scan.seen_hashes.mark_seen_all(before for one in records if (before := one.digest_before))
        for one in records:
            if one.is_as_saved:
                self._work.unsaved.counts["unchanged"] += 1
                continue
            self._work.unsaved.records.append(one)
            self._scan.cursor.changed += one.is_change_by_king
            self._scan.cursor.deactivated += one.outcome == "deactivated"

    def _retry_refused(self) -> None:
        """Read again from King what OutSmart refused: an incremental scan would not return it."""
        if self._scan.is_full or not self._job.king.can_look_up:
            return
        read = {one.record.number for one in [*self._work.unsaved.records, *self._uncompared]}
        wanted = [number for number in self._refused() if number not in read]
        found = [self._job.king.find_record(self._kind.king_kind, number) for number in wanted]
        new_records = self._new_records(diff.with_digests(raw for raw in found if raw))
        self._work.unsaved.counts["read"] += _size(new_records)
        self._take_new(new_records)

    def _refused(self) -> Iterable[str]:
        """Return the numbers of records that OutSmart refused, or of whose parts it refused one."""
        links = RecordLink.objects.filter(
            kind__in=self._kind.posted, state=record_links.REJECTED, source_hash__isnull=True
        ).values_list("kind", "king_id")[:RETRIED_AT_MOST]
        is_own = {kind: kind == self._kind.primary for kind in self._kind.posted}
        return dict.fromkeys(king_id if is_own[kind] else owner_of(king_id) for kind, king_id in links)

    def _save_periodically(self, writer: Writer) -> None:
        most = CHUNK if self._scan.cursor.is_first else STAGED_AT_MOST
        if self._scan.cursor.is_first or len(self._uncompared) >= COMPARED_AT_ONCE:
            self._compare()
        if len(self._work.unsaved.records) >= most or time.monotonic() - self._work.unsaved.saved_at >= SAVE_SECONDS:
            self._save(writer)

    def _save(self, writer: Writer) -> None:
        """Write, stage or preview what was read since the last save, with its counts and how far reading is."""
        self._compare()
        if self._work.is_dry:
            self._work.preview(self._work.chunk())
        elif self._scan.cursor.is_first:
            writer.put(self._work.chunk())
        else:
            self._work.stage(self._work.chunk())


def _size(new_records: NewRecords) -> int:
    records, unreadable = new_records
    return len(records) + len(unreadable)
