"""Records deleted at source. Only a scan that is proven complete may report them."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from django.db import transaction
from django.utils import timezone

from integrations.king.reader import KingReader
from kingsync.imports import batch_post, diff, record_links
from kingsync.imports.import_job import Job
from kingsync.imports.progress import Scan
from kingsync.messages.reason_texts import stored
from kingsync.models.import_kinds import POSTS, MasterData
from kingsync.models.links import RecordLink
from kingsync.models.runs import LogEntry
from kingsync.rules.imports.records import Row
from kingsync.rules.outcomes import Reason, reason

T = TypeVar("T")
BATCH = 500
# How many are looked up in King one by one before any counts as deleted.
ASKED = 20


@dataclass(frozen=True)
class DeletedRecord:
    """A record that OutSmart has and King no longer has."""

    link_id: int
    kind: str
    king_id: str
    outsmart_id: str
    name: str
    sent: str

    def planned(self, outcome: str) -> dict[str, object]:
        """Return the dry run's entry."""
        changes = {"active": ["1", "0"]} if outcome == "deactivated" else {}
        why = reason("deleted_in_king")
        return diff.entry(self.kind, self.king_id, outcome, name=self.name, why=why, changes=changes)


def find(kind: MasterData, scan: Scan, job: Job) -> list[DeletedRecord]:
    """Return the records to deactivate; deletes the links of those that were never sent.

    None counts as deleted if King still has a single one of a sample: then its pages were incomplete.
    """
    if not scan.is_proof:
        return []
    is_dry = job.claim.run.is_dry
    deleted = []
    for link in _unseen(kind, scan):
        if link.sent and link.state != RecordLink.State.DELETED:
            deleted.append(_deleted(link))
        elif not is_dry and not link.sent:
            link.delete()
    if job.choices.missing != "deactivate" or not deleted:
        return []
    if _is_one_there(kind, deleted, job.king):
        job.log.add("import.not_whole", reason("scan_not_whole"), level=LogEntry.Level.WARNING, kind=kind.primary)
        return []
    return deleted


def mark(kind: MasterData, deleted: Sequence[DeletedRecord], job: Job) -> None:
    """Deactivate what OutSmart can deactivate, and report that the rest stays. Nothing is ever deleted there."""
    for batch in _batches(deleted):
        rows = [_inactive(each, kind) for each in batch] if kind.active_field else []
        refused = batch_post.post(job.outsmart, kind.primary, rows, may_go_on=job.claim.renew_lease)
        with transaction.atomic():
            for each in batch:
                why = refused.get(each.outsmart_id)
                _save(kind, each, why)
                _report(kind, each, why, job)
            record_links.forget_parts(kind.posted, [each.king_id for each in batch if each.outsmart_id not in refused])
            job.claim.save()
        job.claim.raise_if_cancelled()


def _unseen(kind: MasterData, scan: Scan) -> Iterator[RecordLink]:
    for batch in _batches(scan.seen_hashes.unseen()):
        hashes = [uuid.UUID(bytes=each) for each in batch]
        yield from RecordLink.objects.filter(kind=kind.primary, source_hash__in=hashes)


def _deleted(link: RecordLink) -> DeletedRecord:
    return DeletedRecord(link.pk, link.kind, link.king_id, link.outsmart_id, link.name, link.sent)


def _is_one_there(kind: MasterData, deleted: Sequence[DeletedRecord], king: KingReader) -> bool:
    if not king.can_look_up:
        return False
    step = max(1, len(deleted) // ASKED)
    sample = deleted[::step][:ASKED]
    return any(king.find_record(kind.king_kind, each.king_id) is not None for each in sample)


def _inactive(each: DeletedRecord, kind: MasterData) -> Row:
    payload = msgspec.structs.replace(
        msgspec.json.decode(each.sent, type=POSTS[each.kind].payload), **{kind.active_field: "0"}
    )
    return Row(kind=each.kind, king_id=each.king_id, outsmart_id=each.outsmart_id, payload=payload, is_active=False)


def _save(kind: MasterData, each: DeletedRecord, refused: Reason | None) -> None:
    if refused:
        changes: dict[str, object] = {"reason": stored(refused)}
    elif kind.active_field:
        sent = record_links.sent_text(_inactive(each, kind))
        why = stored(reason("deleted_in_king"))
        changes = {"state": record_links.DELETED, "is_active": False, "sent": sent, "reason": why}
    else:
        changes = {"state": record_links.DELETED, "reason": stored(reason("deleted_in_king_stays"))}
    RecordLink.objects.filter(pk=each.link_id).update(synced_at=timezone.now(), **changes)


def _report(kind: MasterData, each: DeletedRecord, refused: Reason | None, job: Job) -> None:
    number = f"{each.kind} {each.king_id}"
    if refused:
        job.claim.count("rejected")
        job.claim.ended(number, "rejected")
        is_new = not job.log.was_reported("record.rejected", refused, kind=each.kind, king_id=each.king_id)
        job.claim.problem(is_new=is_new, about=number)
        if is_new:
            job.log.add(
                "record.rejected",
                refused,
                level=LogEntry.Level.ERROR,
                kind=each.kind,
                outsmart_id=each.outsmart_id,
                king_id=each.king_id,
            )
        return
    outcome = "deactivated" if kind.active_field else "skipped"
    job.claim.count(outcome)
    job.claim.ended(number, outcome)
    why = reason("deleted_in_king" if kind.active_field else "deleted_in_king_stays")
    job.log.add("record.deleted_at_source", why, kind=each.kind, outsmart_id=each.outsmart_id, king_id=each.king_id)


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(rows)
    while batch := list(itertools.islice(rest, BATCH)):
        yield batch
