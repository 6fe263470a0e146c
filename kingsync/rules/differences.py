"""What must change in a King order so that it says what the work order says, and nothing of others' work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from integrations.king.records import LineChange, LineKind, Order, OrderLine
from kingsync.rules import matching
from kingsync.rules.plans import BookedLine, Content, Plan, PlannedLine


class Add(msgspec.Struct, frozen=True):
    line: PlannedLine


class Change(msgspec.Struct, frozen=True):
    line: PlannedLine
    king_line_id: str
    change: LineChange


class Remove(msgspec.Struct, frozen=True):
    reference: str
    king_line_id: str


class Conflict(msgspec.Struct, frozen=True):
    """Both sides changed the same line. `theirs` None = King's staff removed it; `ours` None = OutSmart did."""

    reference: str
    label: str
    ours: Content | None
    theirs: Content | None


class Differences(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, in this order: changes, removals, additions.

    `delivered` names lines that would have to change or go but were delivered: then nothing may be done at all.
    `equal` is our reference → King's line, where King says what the plan says; `absent` are booked lines that the plan
    does not want and King does not have.
    """

    changes: tuple[Change, ...] = ()
    removals: tuple[Remove, ...] = ()
    additions: tuple[Add, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    doubles: tuple[str, ...] = ()
    delivered: tuple[str, ...] = ()
    equal: dict[str, str] = {}
    absent: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.changes or self.removals or self.additions or self.conflicts or self.doubles or self.delivered)


def between(plan: Plan, booked: Iterable[BookedLine], order: Order) -> Differences:
    """Return what makes `order` say what `plan` says.

    Only lines that came from this work order are touched, and of those only lines that King's staff left as we sent
    them. A refused line that stands in King from before stays as it is.
    """
    comparison = _Comparison(matching.form_of_references(plan.header.external_number), booked, order)
    for line in plan.lines:
        comparison.planned(line)
    comparison.gone({line.reference for line in plan.lines} | {line.reference for line in plan.refused})
    comparison.restore_sequence(plan)
    return comparison.result()


def content_of(line: OrderLine, like: Content) -> Content:
    """Return what King's line says, in the parts that `like` states: King fills in the rest itself."""
    is_text = line.kind == LineKind.TEXT
    return Content(
        kind=LineKind(line.kind) if line.kind in set(LineKind) else like.kind,
        article="" if is_text else line.article_number,
        text=line.text if like.text else "",
        quantity=None if is_text else line.quantity,
        price=line.price if like.price is not None else None,
        warehouse=line.warehouse if like.warehouse else "",
    )


class _Comparison:
    def __init__(self, form: re.Pattern[str], booked: Iterable[BookedLine], order: Order) -> None:
        self._form = form
        self._booked = {line.reference: line for line in booked}
        self._by_id = {line.line_id: line for line in order.lines}
        self._theirs, self._doubles = self._ours_in(order)
        self._changes: list[Change] = []
        self._removals: list[Remove] = []
        self._additions: list[Add] = []
        self._conflicts: list[Conflict] = []
        self._delivered: list[str] = []
        self._equal: dict[str, str] = {}
        self._absent: tuple[str, ...] = ()

    def _ours_in(self, order: Order) -> tuple[dict[str, OrderLine], tuple[str, ...]]:
        """Find our lines in King's order, by reference or by the id that King gave them."""
        found: dict[str, OrderLine] = {}
        doubles = []
        for line in order.lines:
            if not self._is_ours(line.reference):
                continue
            if line.reference in found:
                doubles.append(line.reference)
            else:
                found[line.reference] = line
        for booked in self._booked.values():
            by_id = self._by_id.get(booked.king_line_id)
            if booked.reference not in found and by_id is not None and not by_id.reference:
                found[booked.reference] = by_id
        return found, tuple(doubles)

    def _is_ours(self, reference: str) -> bool:
        # By its form too: a line whose answer we never heard may be forgotten here when the work order drops it.
        return reference in self._booked or self._form.fullmatch(reference) is not None

    def planned(self, line: PlannedLine) -> None:
        line = self._without_our_own_zero(line)
        theirs, sent = self._theirs.get(line.reference), self._sent(line.reference)
        if theirs is None:
            self._missing(line, sent)
            return
        now = content_of(theirs, line.content)
        if same(now, line.content):
            self._equal[line.reference] = theirs.line_id
            return
        if sent is not None and not same(content_of(theirs, sent), sent):
            if not same(sent, line.content):
                self._conflict(line.reference, line.origin.label, line.content, theirs)
            return  # King's staff changed it and OutSmart did not: theirs stays
        if theirs.delivered:
            self._delivered.append(line.origin.label)
        self._changes.append(Change(line, theirs.line_id, _change(now, line.content)))

    def _without_our_own_zero(self, line: PlannedLine) -> PlannedLine:
        """Leave the price of an imported line to King where the work order says zero.

        OutSmart takes no material without a price: the import wrote zero where King told none.
        """
        if not self._is_imported(line.reference) or line.content.price != 0:
            return line
        return msgspec.structs.replace(line, content=msgspec.structs.replace(line.content, price=None))

    def _missing(self, line: PlannedLine, sent: Content | None) -> None:
        booked = self._booked.get(line.reference)
        if booked is None or not booked.king_line_id or sent is None:
            self._additions.append(Add(line))
        elif not same(sent, line.content):
            self._conflict(line.reference, line.origin.label, line.content, None)

    def gone(self, wanted: set[str]) -> None:
        """Remove lines of ours that the work order no longer has."""
        for reference, theirs in self._theirs.items():
            if reference in wanted or self._is_imported(reference):
                continue
            sent = self._sent(reference)
            if sent is not None and not same(content_of(theirs, sent), sent):
                self._conflict(reference, reference, None, theirs)
                continue
            if theirs.delivered:
                self._delivered.append(theirs.article_number or reference)
            self._removals.append(Remove(reference, theirs.line_id))
        self._absent = tuple(self._booked.keys() - self._theirs.keys() - wanted)

    def restore_sequence(self, plan: Plan) -> None:
        """Send again what should stand below an added line: King appends, and its lines keep their order.

        Only lines under our reference: one that King's order had first stays in King's place.
        """
        added = {step.line.reference for step in self._additions}
        if not added or self._conflicts:
            return
        first = next(index for index, line in enumerate(plan.lines) if line.reference in added)
        self._additions = [step for step in self._additions if step.line.reference not in added]
        for line in plan.lines[first:]:
            theirs = self._theirs.get(line.reference)
            if line.reference in added:
                self._additions.append(Add(line))
            elif theirs is not None and self._is_untouched(line.reference, theirs):
                self._changes = [step for step in self._changes if step.line.reference != line.reference]
                self._removals.append(Remove(line.reference, theirs.line_id))
                self._additions.append(Add(line))

    def _is_untouched(self, reference: str, theirs: OrderLine) -> bool:
        sent = self._sent(reference)
        is_as_sent = sent is None or same(content_of(theirs, sent), sent)
        return bool(theirs.reference) and not theirs.delivered and is_as_sent

    def _is_imported(self, reference: str) -> bool:
        """True for a line that King's order had before the work order: not using it says nothing about the order."""
        booked = self._booked.get(reference)
        return booked is not None and booked.is_imported

    def _sent(self, reference: str) -> Content | None:
        booked = self._booked.get(reference)
        return booked.sent if booked else None

    def _conflict(self, reference: str, label: str, ours: Content | None, theirs: OrderLine | None) -> None:
        if theirs is not None and theirs.delivered:
            self._delivered.append(label)
        like = ours or self._sent(reference)
        said = content_of(theirs, like) if theirs is not None and like is not None else None
        self._conflicts.append(Conflict(reference, label, ours, said))

    def result(self) -> Differences:
        return Differences(
            changes=tuple(self._changes),
            removals=tuple(self._removals),
            additions=tuple(self._additions),
            conflicts=tuple(self._conflicts),
            doubles=self._doubles,
            delivered=tuple(self._delivered),
            equal=self._equal,
            absent=self._absent,
        )


def same(one: Content, other: Content) -> bool:
    """True when two contents say the same to King: numbers by value, texts without blanks at their ends."""
    return (
        one.kind == other.kind
        and one.article == other.article
        and one.text.strip() == other.text.strip()
        and _same_number(one.quantity, other.quantity)
        and _same_number(one.price, other.price)
        and one.warehouse == other.warehouse
    )


def _same_number(one: Decimal | None, other: Decimal | None) -> bool:
    return one == other


def _change(now: Content, wanted: Content) -> LineChange:
    return LineChange(
        article_number=wanted.article if wanted.article != now.article else None,
        text=wanted.text if wanted.text.strip() != now.text.strip() else None,
        quantity=wanted.quantity if not _same_number(wanted.quantity, now.quantity) else None,
        price=wanted.price if not _same_number(wanted.price, now.price) else None,
        warehouse=wanted.warehouse if wanted.warehouse != now.warehouse else None,
    )
