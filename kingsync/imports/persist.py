"""Persisting the records of a scan that were posted: links, mirror, log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kingsync.imports import record_links
from kingsync.imports.diff import Compared, Part
from kingsync.imports.record_links import Link
from kingsync.imports.writer import Refused
from kingsync.king_mirror import mirror
from kingsync.models.import_kinds import MasterData
from kingsync.models.runs import LogEntry
from kingsync.rules.imports.records import Row
from kingsync.rules.outcomes import Reason
from kingsync.runs.run_log import RunLog


class RecordSaver:
    """Persists the results of one scan of a kind. `is_first` is a hint that nothing of the kind is stored yet."""

    def __init__(self, kind: MasterData, log: RunLog, *, is_first: bool) -> None:
        self._kind, self._log = kind, log
        self._are_links_new = self._is_mirror_new = is_first

    def save(self, records: Sequence[Compared], refused: Refused) -> None:
        """Save the outcome of the records. `refused` is what OutSmart refused."""
        if refused:
            for one in records:
                for part in one.parts:
                    _take_refusal(part, refused)
        rejected = [part for one in records for part in one.parts if part.outcome == "rejected"]
        _load_before(rejected)
        for part in rejected:
            if part.why and part.is_new_problem:
                _log_rejection(part, part.why, self._log)
        if len(self._kind.posted) > 1 and not self._are_links_new:
            self._forget_parts(records)
        self._are_links_new = record_links.store(_links(records), are_new=self._are_links_new)
        decoded = [one.record for one in records]
        self._is_mirror_new = mirror.store_decoded(self._kind.king_kind, decoded, are_new=self._is_mirror_new)

    def _forget_parts(self, records: Sequence[Compared]) -> None:
        """Take the rejected parts of these records off the list; those that King still has are saved again."""
        record_links.forget_parts(self._kind.posted, [one.own.answer.king_id for one in records])


def _take_refusal(part: Part, refused: Refused) -> None:
    why = refused.get((part.answer.kind, part.answer.outsmart_id)) if isinstance(part.answer, Row) else None
    if why and part.must_be_posted:
        part.outcome, part.why = "rejected", why


def _load_before(parts: Sequence[Part]) -> None:
    """Look up whether records that were not compared (those of a first import) were already rejected."""
    unknown = [part for part in parts if part.before is None]
    if unknown:
        found = record_links.of({part.answer.kind for part in unknown}, {part.answer.king_id for part in unknown})
        for part in unknown:
            part.before = found.get((part.answer.kind, part.answer.king_id))


def _links(records: Sequence[Compared]) -> Iterator[Link]:
    for one in records:
        # What OutSmart refused is compared again in the next scan, changed or not.
        is_refused = one.needs_attention and any(
            part.outcome == "rejected" and isinstance(part.answer, Row) for part in one.parts
        )
        digest = None if is_refused else one.digest
        for part in one.parts:
            yield _link(part, digest)


def _link(part: Part, digest: bytes | None) -> Link:
    answer, before = part.answer, part.before
    if isinstance(answer, Row) and part.must_be_posted:  # by far the most, and many: without names
        is_active, sent = answer.is_active, part.sent
        kind, king_id, name = answer.kind, answer.king_id, answer.name
        return Link(kind, king_id, answer.outsmart_id, name, record_links.LINKED, is_active, digest, sent, part.why)
    is_sent = isinstance(answer, Row) and part.outcome not in {"rejected", "skipped"}
    return Link(
        kind=answer.kind,
        king_id=answer.king_id,
        outsmart_id=answer.outsmart_id if isinstance(answer, Row) else answer.king_id,
        name=part.answer.name,
        state=record_links.LINKED if is_sent else _state_of(part),
        is_active=answer.is_active if isinstance(answer, Row) else bool(before and before.is_active),
        source_hash=digest,
        sent=part.sent if is_sent else (before.sent if before else ""),
        why=part.why,
    )


def _state_of(part: Part) -> str:
    return record_links.REJECTED if part.outcome == "rejected" else record_links.SKIPPED


def _log_rejection(part: Part, why: Reason, log: RunLog) -> None:
    log.add(
        "record.rejected",
        why,
        level=LogEntry.Level.ERROR,
        kind=part.answer.kind,
        outsmart_id=part.answer.outsmart_id if isinstance(part.answer, Row) else part.answer.king_id,
        king_id=part.answer.king_id,
    )
