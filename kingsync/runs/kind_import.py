"""The import of one kind of master data: read - compare - (ask) - post - book.

A first import writes while it reads. A later one reads everything first and holds back what it would write: only
then is it known whether that is more than the brake allows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence

from django.db import transaction

from integrations.king.records import Page
from kingsync.models.links import RecordLink
from kingsync.models.runs import LogEntry
from kingsync.rules.customers import owner_of
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs import brakes, comparing, missing, record_links
from kingsync.runs.ahead import fetched_ahead
from kingsync.runs.booking import Booking
from kingsync.runs.comparing import Compared
from kingsync.runs.held import Held
from kingsync.runs.import_job import Job
from kingsync.runs.import_kinds import STORIES
from kingsync.runs.known import digest_of
from kingsync.runs.missing import Gone
from kingsync.runs.passes import Pass
from kingsync.runs.writing import Chunk, Refused, Writer

# What a page has to tell: records that are not as they were, and why others cannot be read.
News = tuple[list[Compared], list[Reason]]
PAGE = 500
CHUNK = 2000
COMPARED_AT_ONCE = 500
HELD_AT_MOST = 2000
SAVE_SECONDS = 1.0
RETRIED_AT_MOST = 50


class KindImport:
    """One pass over one kind."""

    def __init__(self, job: Job, name: str) -> None:
        self._job, self._story = job, STORIES[name]
        self._choices = self._story.choices(job.choices)
        self._pass = Pass(job.claim, self._story, job.king)
        self._booking = Booking(self._story, job.log, is_first=self._pass.cursor.is_first)
        self._held = Held(job.claim.run, self._story, self._choices)
        self._held.forget_other_runs()
        self._is_dry = job.claim.run.is_dry
        # What was read since the last save; of the records, those that are not compared with what was sent yet.
        self._records: list[Compared] = []
        self._uncompared: list[Compared] = []
        self._counts: Counter[str] = Counter()
        self._saved_at = time.monotonic()
        # Nothing of this pass stands in the database yet: a short one is written from memory, and begun again if it is
        # killed.
        self._is_unsaved = self._pass.is_new

    def work(self) -> bool:
        """Go through the pass; True when the slice is over before its end."""
        cursor = self._pass.cursor
        self._job.claim.beat(kind=self._story.name, done=cursor.done)
        gone: list[Gone] = []
        if cursor.is_braked:
            return False
        if not cursor.is_read:
            if self._read():
                return True
            # Whoever took over meanwhile goes on alone: from here on more is written than this run's own rows.
            self._job.claim.pulse()
            gone = missing.find(self._story, self._pass, self._job)
            if not self._may_write(gone) or self._is_dry:
                return False
        return self._write(gone)

    # --- Reading ------------------------------------------------------------------------------------------------------

    def _read(self) -> bool:
        """Read to the last page; True when the slice is over before it."""
        cursor = self._pass.cursor
        if cursor.is_over:
            return False
        pages = self._job.king.iter_pages(
            self._story.kind, after=cursor.after or "", changed_since=self._pass.changed_since, size=PAGE
        )
        # Rows are made where pages are fetched while this thread waits for the database: at a first import. Later there
        # is little to make, and less to wait for.
        if cursor.is_first:
            self._pass.known  # noqa: B018  (read now: the thread that fetches has no database)
        with fetched_ahead(pages, self._looked_at, is_early=cursor.is_first) as ahead, self._writer() as writer:
            self._job.claim.beat(kind=self._story.name, total=self._pass.expected_total)
            for page, news in ahead:
                self._take(page, news)
                if page.next_after and self._may_stop_here():
                    self._compare()
                    self._job.claim.pulse()
                    self._pass.remember_unmet()
                    self._save(writer)
                    writer.finish()
                    return True
                self._save_now_and_then(writer)
            self._retry_refused()
            self._compare()
            if cursor.is_first or self._is_dry or not self._is_unsaved:
                self._save(writer)
            writer.finish()
        return False

    def _may_stop_here(self) -> bool:
        """True at the end of a slice; not where a trial must tell what is gone, since it keeps nothing in between."""
        must_go_on = self._is_dry and self._pass.is_proof and self._job.choices.missing == "deactivate"
        return self._job.claim.is_slice_over and not must_go_on

    def _writer(self) -> Writer:
        return Writer(self._job.outsmart, self._story.posted, self._book, self._job.claim.pulse)

    def _looked_at(self, page: Page) -> tuple[Page, News]:
        """Do what needs no database, in the thread that fetches: leave out what is known, make rows of the rest."""
        known, skips = self._pass.known, self._pass.skips_known
        digests = [digest_of(raw) for raw in page.records]
        is_met = known.meet_all(digests)
        new = [
            (bytes(raw), digest)
            for raw, digest, met in zip(page.records, digests, is_met, strict=True)
            if not (met and skips)
        ]
        return page, self._news(new)

    def _news(self, raws: Sequence[tuple[bytes, bytes]]) -> News:
        records, unreadable = comparing.read(self._story, raws)
        comparing.answer(self._story, records, self._choices)
        return records, unreadable

    def _take(self, page: Page, news: News) -> None:
        self._counts["read"] += len(page.records)
        self._counts["unchanged"] += len(page.records) - _size(news)
        self._pass.cursor.done += len(page.records)
        self._pass.cursor.after, self._pass.cursor.is_over = page.next_after, not page.next_after
        self._hear(news)

    def _hear(self, news: News) -> None:
        records, unreadable = news
        for why in unreadable:
            self._counts["rejected"] += 1
            self._pass.cursor.is_whole = False
            self._counts["trouble"] += 1
            if not self._job.log.was_told("record.unreadable", why, kind=self._story.primary):
                self._counts["new_problems"] += 1
                self._job.log.add("record.unreadable", why, level=LogEntry.Level.ERROR, kind=self._story.primary)
            if self._is_dry:
                self._tell("rejected", comparing.unreadable(self._story, why))
        self._uncompared += records

    def _compare(self) -> None:
        """Compare what was read with what was sent: for many pages at once, since it costs a query."""
        records, self._uncompared = self._uncompared, []
        if not self._pass.cursor.is_first:
            comparing.compare(self._story, records)
            # It is still there, whatever it says now.
            self._pass.known.meet_all(before for one in records if (before := one.digest_before))
        for one in records:
            if one.is_as_booked:
                self._counts["unchanged"] += 1
                continue
            self._records.append(one)
            self._pass.cursor.changed += one.is_change_by_king
            self._pass.cursor.deactivated += one.outcome == "deactivated"

    def _retry_refused(self) -> None:
        """Ask King again for what OutSmart refused: an incremental pass would not show it."""
        if self._pass.is_full or not self._job.king.can_look_up:
            return
        read = {one.record.number for one in [*self._records, *self._uncompared]}
        wanted = [number for number in self._refused() if number not in read]
        found = [self._job.king.find_record(self._story.kind, number) for number in wanted]
        news = self._news(comparing.with_digests(raw for raw in found if raw))
        self._counts["read"] += _size(news)
        self._hear(news)

    def _refused(self) -> Iterable[str]:
        """Return the numbers of records that OutSmart refused, or something that belongs to them."""
        links = RecordLink.objects.filter(
            kind__in=self._story.posted, state=record_links.REJECTED, source_hash__isnull=True
        ).values_list("kind", "king_id")[:RETRIED_AT_MOST]
        is_own = {kind: kind == self._story.primary for kind in self._story.posted}
        return dict.fromkeys(king_id if is_own[kind] else owner_of(king_id) for kind, king_id in links)

    # --- Saving how far it is -----------------------------------------------------------------------------------------

    def _save_now_and_then(self, writer: Writer) -> None:
        most = CHUNK if self._pass.cursor.is_first else HELD_AT_MOST
        if self._pass.cursor.is_first or len(self._uncompared) >= COMPARED_AT_ONCE:
            self._compare()
        if len(self._records) >= most or time.monotonic() - self._saved_at >= SAVE_SECONDS:
            self._save(writer)

    def _save(self, writer: Writer) -> None:
        """Hand over what was read since the last time, with its counts and how far reading is."""
        self._compare()
        if self._is_dry:
            self._preview(self._chunk())
        elif self._pass.cursor.is_first:
            writer.put(self._chunk())
        else:
            self._hold(self._chunk())

    def _chunk(self) -> Chunk:
        """Take out what was read since the last time."""
        chunk = Chunk(self._records, self._counts, self._pass.as_cursor(), self._pass.cursor.done)
        self._records, self._counts, self._saved_at = [], Counter(), time.monotonic()
        self._is_unsaved = False
        return chunk

    def _hold(self, chunk: Chunk) -> None:
        with transaction.atomic():
            self._held.add(chunk.records)
            self._count(chunk)
        self._job.claim.heed()

    def _book(self, chunk: Chunk, refused: Refused) -> None:
        with transaction.atomic():
            if chunk.records:
                self._booking.book(chunk.records, refused)
                chunk.counts += comparing.counts_of(chunk.records)
            self._held.forget(chunk.held_mark)
            self._count(chunk)
        self._job.claim.heed()

    def _count(self, chunk: Chunk) -> None:
        """Store counts and cursor in one go: neither runs ahead of the other."""
        for outcome, number in chunk.counts.items():
            self._job.claim.count(outcome, number)
        self._job.claim.save(done=chunk.done, cursor=chunk.cursor)
        self._job.log.write()

    # --- The brake ----------------------------------------------------------------------------------------------------

    def _may_write(self, gone: Sequence[Gone]) -> bool:
        """Stop before writing when the pass would change too much; a person decides."""
        cursor, name = self._pass.cursor, self._story.name
        deactivated = cursor.deactivated + (len(gone) if self._story.active_field else 0)
        if self._is_dry:
            self._preview_gone(gone)
        if cursor.changed + deactivated <= brakes.ALWAYS_ALLOWED:
            cursor.is_read = True
            return True
        known = RecordLink.objects.filter(kind=self._story.primary, state=record_links.LINKED, is_active=True).count()
        limit = brakes.limit(known=known, percent=self._job.choices.brake_percent)
        if cursor.changed + deactivated <= max(limit, brakes.allowed_count(name)):
            cursor.is_read = True
            return True
        why = reason("brake", known=str(known), changed=str(cursor.changed), deactivated=str(deactivated))
        is_new = not brakes.is_pulled(name)
        self._job.claim.problem(is_new=is_new)
        if is_new:
            self._job.log.add("import.braked", why, level=LogEntry.Level.ERROR, kind=self._story.primary)
        if not self._is_dry:
            self._pull(known, deactivated, gone)
        return False

    def _pull(self, known: int, deactivated: int, gone: Sequence[Gone]) -> None:
        claim, changed = self._job.claim, self._pass.cursor.changed
        if self._is_unsaved:
            self._hold(self._chunk())
        shown = [*self._held.shown(at_most=brakes.SHOWN_AT_MOST), *(each.planned("deactivated") for each in gone)]
        with transaction.atomic():
            brakes.pull(
                claim.run, self._story.name, known=known, changed=changed, deactivated=deactivated, records=shown
            )
            claim.count("skipped", self._held.clear())
            self._pass.cursor.is_braked = True
            claim.save(cursor=self._pass.as_cursor())
            self._job.log.write()

    # --- Writing what was held ----------------------------------------------------------------------------------------

    def _write(self, gone: Sequence[Gone]) -> bool:
        """Write what was held; True when the slice is over before the end."""
        cursor = self._pass.cursor
        # First of all: another slice, which may have to write the rest, would not know of them any more.
        missing.mark(self._story, gone, self._job)
        with self._writer() as writer:
            if self._is_unsaved:
                writer.put(self._chunk())
            for mark, records in self._held.batches():
                writer.put(Chunk(records, Counter(), self._pass.as_cursor(), cursor.done, mark))
                if self._job.claim.is_slice_over:
                    writer.finish()
                    return True
            writer.finish()
        if not cursor.is_first:
            brakes.let_go(self._story.name)
        self._pass.finish()
        return False

    # --- Dry run ------------------------------------------------------------------------------------------------------

    def _preview(self, chunk: Chunk) -> None:
        chunk.counts += comparing.counts_of(chunk.records)
        for one in chunk.records:
            for part in one.parts:
                if part.outcome != "unchanged":
                    self._tell(part.outcome, comparing.planned(part))
        self._count(chunk)
        self._job.claim.heed()

    def _preview_gone(self, gone: Sequence[Gone]) -> None:
        for each in gone:
            outcome = "deactivated" if self._story.active_field else "skipped"
            self._job.claim.count(outcome)
            self._tell(outcome, each.planned(outcome))

    def _tell(self, outcome: str, entry: dict[str, object]) -> None:
        self._job.claim.plan.append(entry)
        self._job.claim.sample(outcome, entry)


def _size(news: News) -> int:
    records, unreadable = news
    return len(records) + len(unreadable)
