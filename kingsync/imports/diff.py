"""Comparing the records of a scan: the rows they become, and how these differ from what was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from integrations import errors
from kingsync.imports import record_links
from kingsync.imports.record_links import Before
from kingsync.imports.seen_hashes import digest_of
from kingsync.messages.reason_texts import stored
from kingsync.models.import_kinds import MasterData
from kingsync.rules.imports.records import Answer, Dropped, Row
from kingsync.rules.outcomes import Reason, reason

LONGEST_NUMBER = 50


@dataclass(slots=True)
class Part:
    """One answer of a rule: a row or why there is none, and what was sent before. `outcome` is the name of a count."""

    answer: Answer
    before: Before | None
    sent: str
    outcome: str
    why: Reason | None = None

    @property
    def must_be_posted(self) -> bool:
        return self.outcome in {"created", "updated", "deactivated"}

    @property
    def is_new_problem(self) -> bool:
        """Return True when it is rejected and was not before, or for another reason."""
        if self.outcome != "rejected" or self.why is None:
            return False
        before = self.before
        return before is None or (before.state, before.reason) != (record_links.REJECTED, stored(self.why))


@dataclass(slots=True)
class Compared:
    """A record that differs from when it was last processed."""

    raw: bytes
    digest: bytes
    record: Any
    parts: list[Part] = field(default_factory=list)

    @property
    def own(self) -> Part:
        """The record's own answer; the others are about its parts."""
        return self.parts[0]

    @property
    def outcome(self) -> str:
        """The one count that the record adds to: that of its own row, but a changed part makes it updated."""
        first = self.parts[0].outcome
        if first == "unchanged" and len(self.parts) > 1 and any(part.outcome != first for part in self.parts):
            return "updated"
        return first

    @property
    def needs_attention(self) -> bool:
        """True when the record, or a part of it, is rejected."""
        return "rejected" in [part.outcome for part in self.parts]

    @property
    def is_new_problem(self) -> bool:
        return any(part.is_new_problem for part in self.parts)

    @property
    def digest_before(self) -> bytes | None:
        """The hash of its bytes when last processed."""
        before = self.own.before
        return before.source_hash.bytes if before is not None and before.source_hash is not None else None

    @property
    def is_as_saved(self) -> bool:
        """True when there is nothing to post and nothing to save."""
        if self.parts[0].outcome != "unchanged":
            return False
        is_same = all(
            part.outcome == "unchanged" and part.before is not None and part.before.state == record_links.LINKED
            for part in self.parts
        )
        return is_same and not self.is_changed_in_king

    @property
    def is_changed_in_king(self) -> bool:
        """False when only our own settings make the difference."""
        return self.digest_before != self.digest

    @property
    def is_change_by_king(self) -> bool:
        """True when something that OutSmart has would change because of King.

        What OutSmart refused comes again with King's bytes unchanged: then only a row that differs from the sent one
        counts.
        """
        if self.outcome != "updated" or not self.is_changed_in_king:
            return False
        return self.digest_before is not None or any(part.outcome == "updated" for part in self.parts)


def read(kind: MasterData, raws: Iterable[tuple[bytes, bytes]]) -> tuple[list[Compared], list[Reason]]:
    """Return the readable records and the problems of the others. Each comes with the hash of its bytes."""
    good, bad = [], []
    for raw, digest in raws:
        try:
            record = kind.decode(raw)
        except errors.PayloadError as error:
            bad.append(reason("unreadable_record", detail=error.detail or error.path))
            continue
        if len(record.number) > LONGEST_NUMBER:
            bad.append(reason("unreadable_record", detail=f"{record.number[:LONGEST_NUMBER]}..."))
        else:
            good.append(Compared(raw, digest, record))
    return good, bad


def answer(kind: MasterData, records: Iterable[Compared], choices: Any) -> None:
    """Set the outcome of each record as if nothing of it was ever sent. Needs no database."""
    for one in records:
        one.parts = [Part(given, None, "", "") for given in kind.answers(one.record, choices)]
        for part in one.parts:
            if isinstance(part.answer, Row):
                part.sent = record_links.sent_text(part.answer)
            _judge(part)


def compare(kind: MasterData, records: Sequence[Compared]) -> None:
    """Update the outcome of each answered record by what was sent of it before."""
    known = _known(kind, records)
    for one in records:
        for part in one.parts:
            part.before = known.get((part.answer.kind, part.answer.king_id))
            if part.before is not None:
                _judge(part)
    _compare_with_former([part for one in records for part in one.parts if part.outcome in {"created", "skipped"}])


def _compare_with_former(parts: Iterable[Part]) -> None:
    """Update the outcome of records that are new here, but that OutSmart has from a former administration."""
    codes = {(part.answer.kind, part.answer.outsmart_id): part for part in parts if isinstance(part.answer, Row)}
    for key, before in record_links.of_former(codes.keys()).items():
        part = codes.get(key)
        if part is not None:
            here = part.before
            part.before = before._replace(state=here.state, reason=here.reason) if here else before
            _judge(part)


def with_digests(raws: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    return [(raw, digest_of(raw)) for raw in raws]


def _known(kind: MasterData, records: Iterable[Compared]) -> Mapping[tuple[str, str], Before]:
    king_ids = {part.answer.king_id for one in records for part in one.parts}
    return record_links.of(kind.posted, king_ids) if king_ids else {}


def _judge(part: Part) -> None:
    """Set the outcome of a row that OutSmart would accept, or of one that is dropped."""
    answer, before = part.answer, part.before
    if isinstance(answer, Dropped):
        part.outcome, part.why = ("rejected" if answer.is_impossible else "skipped"), answer.reason
        return
    part.why = None
    if before is None or not before.sent:
        # A record that is inactive from the start is of no use in OutSmart.
        part.outcome, part.why = ("created", None) if answer.is_active else ("skipped", reason("inactive_never_sent"))
    elif before.sent == part.sent:
        part.outcome = "unchanged"
    else:
        part.outcome = "deactivated" if before.is_active and not answer.is_active else "updated"


def changes_of(part: Part) -> dict[str, list[object]]:
    """Return field → [as sent before, as it would be sent now], for the fields that differ."""
    if not isinstance(part.answer, Row):
        return {}
    before = msgspec.json.decode(part.before.sent) if part.before and part.before.sent else {}
    after = msgspec.json.decode(part.sent)
    fields = dict.fromkeys([*after, *before])
    return {name: [before.get(name, ""), after.get(name, "")] for name in fields if before.get(name) != after.get(name)}


def planned(part: Part) -> dict[str, object]:
    """Return the dry run's entry for one row."""
    answer = part.answer
    return entry(
        answer.kind,
        answer.king_id,
        part.outcome,
        name=answer.name,
        why=part.why,
        changes=changes_of(part) if part.outcome in {"updated", "deactivated"} else {},
        row=answer.payload if isinstance(answer, Row) else None,
    )


def entry(
    kind: str,
    king_id: str,
    action: str,
    *,
    name: str = "",
    why: Reason | None = None,
    changes: Mapping[str, object] | None = None,
    row: msgspec.Struct | None = None,
) -> dict[str, object]:
    """Return the dry run's entry for one record; `king_id` is "" where its number cannot be read."""
    return {
        "kind": kind,
        "king_id": king_id,
        "name": name,
        "action": action,
        "reason": stored(why) if why else None,
        "changes": changes or {},
        "row": msgspec.to_builtins(row) if row else None,
    }


def counts_of(records: Iterable[Compared]) -> Counter[str]:
    records = list(records)
    found = Counter(one.outcome for one in records)
    rejected = [one for one in records if one.needs_attention]
    if rejected:
        found["attention"] = len(rejected)
        found["new_problems"] = sum(one.is_new_problem for one in rejected)
    return found
