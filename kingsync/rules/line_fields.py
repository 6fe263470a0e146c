"""Three-way comparison of one line, field by field: what we last sent, what King has, what OutSmart says now."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import TypeAlias

import msgspec

from integrations.king.records import LineChange, OrderLine
from kingsync.rules import conflicts
from kingsync.rules.conflicts import Choice
from kingsync.rules.plans import Content, SavedLine

Value: TypeAlias = str | Decimal | None

# What a work order can set in a line: `Content`'s name of the field → the name in King's record.
STATED = {
    "article": "article_number",
    "text": "text",
    "quantity": "quantity",
    "price": "price",
    "warehouse": "warehouse",
}
# What staff can set in a line, by the names of King's record. The rest is King's own: ids, positions, deliveries.
_SET_BY_STAFF = (*STATED.values(), "description", "to_deliver", "to_invoice", "reference")
# King refills these when the article changes.
_OF_THE_ARTICLE = ("description", "price", "text")
_SHOWN_LENGTH = 80


class FieldConflict(msgspec.Struct, frozen=True):
    """Both sides changed a field to different values; values in display form. `mark`: see `rules.conflicts`."""

    field: str
    before: str
    ours: str
    theirs: str
    mark: str = ""


class FieldKept(msgspec.Struct, frozen=True):
    """A field that King's staff changed and the office did not; values in display form."""

    field: str
    before: str
    theirs: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for a line. `settled`: fields in which both sides agree once `change` is made, by King's names.

    `has_sum`: the quantity to write has the changes of both sides.
    """

    change: LineChange | None
    settled: frozenset[str]
    conflicts: tuple[FieldConflict, ...]
    kept: tuple[FieldKept, ...]
    has_sum: bool = False


def compare(wanted: Content, theirs: OrderLine, booked: SavedLine | None) -> Comparison:
    """Return the outcome for King's line `theirs`, which should match `wanted`."""
    return _Line(theirs, booked).compared(wanted)


def staff_changes(theirs: OrderLine, booked: SavedLine | None) -> tuple[FieldKept, ...]:
    """Return what King's staff changed in a line of ours; without a baseline only in the fields that we sent."""
    return _Line(theirs, booked).kept()


def is_untouched(theirs: OrderLine, booked: SavedLine | None) -> bool:
    """Return True when King's line is certainly as we last wrote it, in every field, and nothing was delivered."""
    if booked is None or booked.as_read is None or theirs.delivered or not theirs.reference:
        return False
    return all(equal(getattr(theirs, name), getattr(booked.as_read, name)) for name in _SET_BY_STAFF)


def arrived(theirs: OrderLine, booked: SavedLine | None) -> Content | None:
    """Return what we sent last; after a lost answer, as far as King's line shows that it arrived."""
    if booked is None or booked.attempted is None:
        return booked.sent if booked else None
    if booked.sent is None:
        return booked.attempted
    said = {field: getattr(booked.attempted, field) for field in STATED}
    heard = {
        field: value
        for field, value in said.items()
        if _is_stated(field, value) and equal(value, getattr(theirs, STATED[field]))
    }
    return msgspec.structs.replace(booked.sent, **heard)


def removed_mark(reference: str, wanted: Content, sent: Content) -> str:
    """Return the mark of a line that King's staff removed and the office changed."""
    return conflicts.mark(reference, *(getattr(each, field) for each in (sent, wanted) for field in STATED))


def dropped_mark(reference: str, theirs: OrderLine) -> str:
    """Return the mark of a line that King's staff changed and whose row the office removed."""
    return conflicts.mark(reference, *(getattr(theirs, name) for name in _SET_BY_STAFF))


def is_edited(wanted: Content, sent: Content) -> bool:
    """Return True when OutSmart's row changed; a change in what our settings send is no edit."""
    for field in STATED:
        ours, before = getattr(wanted, field), getattr(sent, field)
        if _is_stated(field, ours) and _is_stated(field, before) and not equal(ours, before):
            return True
    return False


def rebased(before: OrderLine | None, now: OrderLine, settled: Collection[str]) -> OrderLine | None:
    """Return the baseline of a line after both sides agree on `settled`; other fields keep theirs."""
    if before is None:
        return None
    return msgspec.structs.replace(before, line_id=now.line_id, **{name: getattr(now, name) for name in settled})


def equal(one: Value, other: Value) -> bool:
    """Return True when King treats two values as equal: numbers by value, texts without surrounding blanks."""
    if isinstance(one, str) and isinstance(other, str):
        return one.strip() == other.strip()
    return one == other


def shown(value: Value) -> str:
    """Return a value for display, long texts cut; "-" for none."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    text = " ".join((value or "").split())
    return (text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…") or "-"


def _is_stated(field: str, value: Value) -> bool:
    # An empty text is a value; an empty price or warehouse leaves it to King.
    return field == "text" or value not in (None, "")


class _Line:
    """King's line and its history."""

    def __init__(self, theirs: OrderLine, booked: SavedLine | None) -> None:
        self._theirs = theirs
        self._sent = arrived(theirs, booked)
        self._baseline = booked.as_read if booked else None
        self._booked = booked

    def compared(self, wanted: Content) -> Comparison:
        writes: dict[str, Value] = {}
        settled: set[str] = set()
        contested: list[FieldConflict] = []
        sums: list[FieldKept] = []
        for field, name in STATED.items():
            ours, theirs = getattr(wanted, field), getattr(self._theirs, name)
            if equal(ours, theirs) and _is_stated(field, ours):
                settled.add(name)
            elif self._is_edited(field, ours):
                conflict = self._conflict(field, ours, name) if self._is_set_by_staff(name) else None
                choice = self._chosen(conflict) if conflict else Choice.OUTSMART
                if conflict and choice is None:
                    contested.append(conflict)
                elif choice is Choice.OUTSMART:
                    writes[name] = ours
                elif choice is Choice.SUM:
                    writes[name] = both = conflicts.total(self._last_sent(name), ours, theirs)
                    sums.append(FieldKept(field, shown(self._last_sent(name)), shown(both)))
        contested += self._settle_description(writes)
        decided = {*settled, *writes, *(STATED.get(each.field, each.field) for each in contested)}
        kept = (*self.kept(but=decided | self._replaced(writes)), *sums)
        if "article_number" in writes:
            writes |= self._kept_from_another_article(wanted, writes)
            settled.update(_OF_THE_ARTICLE)
        settled.update(writes)
        return Comparison(
            change=msgspec.structs.replace(LineChange(), **writes) if writes else None,
            settled=frozenset(settled - {STATED.get(each.field, each.field) for each in kept}),
            conflicts=tuple(contested),
            kept=kept,
            has_sum=bool(sums),
        )

    def _conflict(self, field: str, ours: Value, name: str) -> FieldConflict:
        before, theirs = self._last_sent(name), getattr(self._theirs, name)
        reference = self._booked.reference if self._booked else ""
        mark = conflicts.mark(reference, field, before, ours, theirs)
        return FieldConflict(field, shown(before), shown(ours), shown(theirs), mark)

    def _chosen(self, conflict: FieldConflict) -> Choice | None:
        choice = conflicts.chosen(self._booked, conflict.mark)
        return None if choice is Choice.SUM and conflict.field != "quantity" else choice

    def _is_edited(self, field: str, ours: Value) -> bool:
        if self._sent is None:  # we do not know what we sent: King's line is to match the plan
            return bool(ours)
        return _is_stated(field, ours) and not equal(ours, getattr(self._sent, field))

    def _is_set_by_staff(self, name: str) -> bool:
        ours = list(self._ours(name))
        return bool(ours) and not any(equal(getattr(self._theirs, name), value) for value in ours)

    def _ours(self, name: str) -> Iterator[Value]:
        """Yield the values that King's line may have in a field without staff's doing; nothing when unknown."""
        if self._baseline is not None:
            yield getattr(self._baseline, name)
        field = next((field for field, in_king in STATED.items() if in_king == name), "")
        if self._sent is None or not field:
            return
        sent = getattr(self._sent, field)
        if sent not in (None, "") or (field == "text" and self._baseline is None):
            yield sent

    def _before(self, name: str) -> str:
        return shown(next(self._ours(name), None))

    def _last_sent(self, name: str) -> Value:
        """Return what we sent, else what King made of it."""
        ours = list(self._ours(name))
        return ours[-1] if ours else None

    def kept(self, but: Collection[str] = ()) -> tuple[FieldKept, ...]:
        changed = [name for name in _SET_BY_STAFF if name not in but and self._is_set_by_staff(name)]
        if "article_number" in changed and "description" in changed:
            changed.remove("description")  # King filled that in for the article
        return tuple(
            FieldKept(
                next((field for field, in_king in STATED.items() if in_king == name), name),
                self._before(name),
                shown(getattr(self._theirs, name)),
            )
            for name in changed
        )

    def _kept_from_another_article(self, wanted: Content, writes: dict[str, Value]) -> dict[str, Value]:
        """Return what must be written together with another article, or King would fill in that article's defaults."""
        found: dict[str, Value] = {}
        for name in ("price", "text"):
            stated = getattr(wanted, name)
            if name in writes:
                continue
            if self._is_set_by_staff(name) and name not in self._replaced(writes):
                found[name] = getattr(self._theirs, name)
            elif stated not in (None, ""):
                found[name] = stated
        return found

    def _replaced(self, writes: dict[str, Value]) -> set[str]:
        """Return what goes with King's article when another one is written."""
        if "article_number" not in writes:
            return set()
        return {"description", "price"} if self._is_set_by_staff("article_number") else {"description"}

    def _settle_description(self, writes: dict[str, Value]) -> list[FieldConflict]:
        """Return the description that staff wrote and that cannot be written back along with another article.

        A user who chose to keep it keeps King's article. With an article of staff's own, King filled it in.
        """
        if "article_number" not in writes or not self._is_set_by_staff("description"):
            return []
        if self._is_set_by_staff("article_number"):
            return []
        conflict = self._conflict("description", writes["article_number"], "description")
        choice = self._chosen(conflict)
        if choice is Choice.KING:
            del writes["article_number"]
        return [] if choice else [conflict]
