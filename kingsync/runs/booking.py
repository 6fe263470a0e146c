"""What a pass stores of records that were posted: links, mirror, log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kingsync.models.runs import LogEntry
from kingsync.rules.outcomes import Reason
from kingsync.rules.records import Row
from kingsync.runs import mirror, record_links
from kingsync.runs.comparing import Compared, Part
from kingsync.runs.import_kinds import Story
from kingsync.runs.log import RunLog
from kingsync.runs.record_links import Link
from kingsync.runs.writing import Refused


def book(story: Story, records: Sequence[Compared], refused: Refused, log: RunLog) -> None:
    """Store what became of the records. `refused` is what OutSmart would not take."""
    for one in records:
        for part in one.parts:
            _take_refusal(part, refused)
            if part.outcome == "rejected" and part.why:
                _tell(part, part.why, log)
    record_links.store(_links(records))
    mirror.store_decoded(story.kind, (one.record for one in records))


def _take_refusal(part: Part, refused: Refused) -> None:
    why = refused.get((part.answer.kind, part.answer.outsmart_id)) if isinstance(part.answer, Row) else None
    if why and part.must_be_posted:
        part.outcome, part.why = "rejected", why


def _links(records: Sequence[Compared]) -> Iterator[Link]:
    for one in records:
        # What OutSmart refused is compared again at the next pass, changed or not.
        is_refused = any(part.outcome == "rejected" and isinstance(part.answer, Row) for part in one.parts)
        for part in one.parts:
            yield _link(part, None if is_refused else one.digest)


def _link(part: Part, digest: bytes | None) -> Link:
    answer, before = part.answer, part.before
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


def _tell(part: Part, why: Reason, log: RunLog) -> None:
    log.add(
        "record.rejected",
        why,
        level=LogEntry.Level.ERROR,
        kind=part.answer.kind,
        outsmart_id=part.answer.outsmart_id if isinstance(part.answer, Row) else part.answer.king_id,
        king_id=part.answer.king_id,
    )
