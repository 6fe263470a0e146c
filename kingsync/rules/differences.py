"""What must change in a King order so that it matches the work order, without touching other people's work."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from integrations.king.records import LineChange, LineKind, NewLine, Order, OrderLine
from kingsync.rules import conflicts, line_fields, matching, sequence
from kingsync.rules.conflicts import Choice
from kingsync.rules.line_fields import FieldConflict, FieldKept
from kingsync.rules.plans import Content, Plan, PlannedLine, SavedLine


class Add(msgspec.Struct, frozen=True):
    """A line to add. `again`: King's line that it replaces, all of whose fields it must get."""

    line: PlannedLine
    again: OrderLine | None = None

    @property
    def new_line(self) -> NewLine:
        """The line to add; a re-added one keeps King's values where the work order leaves them to King."""
        content, before = self.line.content, self.again
        price, text, warehouse = content.price, content.text, content.warehouse
        if before is not None:
            text = text or before.text
            if price is None and before.price is not None and before.price >= 0:  # King accepts no other
                price = before.price
            if content.kind == LineKind.ARTICLE:
                warehouse = warehouse or before.warehouse
        return NewLine(
            kind=content.kind,
            reference=self.line.reference,
            article_number=content.article,
            text=text,
            quantity=content.quantity,
            price=price,
            warehouse=warehouse,
        )


class Change(msgspec.Struct, frozen=True):
    """Fields to write in a line. `settled`: fields in which both sides then agree, by King's names."""

    line: PlannedLine
    king_line_id: str
    change: LineChange
    settled: frozenset[str] = frozenset()


class Remove(msgspec.Struct, frozen=True):
    reference: str
    king_line_id: str
    # King's own reference of the line: ours, unless staff or an import gave it another one.
    king_reference: str = ""


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides changed the same line, so a person must decide.

    `fields` are those both changed; otherwise the line is gone on one side: `ours` is the row whose line King's staff
    removed, and `sent` what it was; `theirs` what staff changed in a line whose row the office removed. `mark` is that
    of a line that is gone, see `kingsync.rules.conflicts`.
    """

    reference: str
    label: str
    fields: tuple[FieldConflict, ...] = ()
    ours: Content | None = None
    sent: Content | None = None
    theirs: tuple[FieldKept, ...] = ()
    mark: str = ""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What stays as King has it, for information: a field (`kept`), a removed line, or a line out of sequence."""

    reference: str
    label: str
    kept: FieldKept | None = None
    is_removed: bool = False
    is_out_of_place: bool = False


class Differences(msgspec.Struct, frozen=True, kw_only=True):
    """The steps to carry out, in this order: changes, removals, additions.

    `delivered` names lines that would have to change or go but were delivered: then nothing may be done at all. `found`
    are the planned lines that King has, to be saved before anything is written; `absent` are saved lines that are not
    in King, and not in the plan or to be added again.
    """

    changes: tuple[Change, ...] = ()
    removals: tuple[Remove, ...] = ()
    additions: tuple[Add, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    notices: tuple[Notice, ...] = ()
    doubles: tuple[str, ...] = ()
    delivered: tuple[str, ...] = ()
    found: tuple[SavedLine, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.changes or self.removals or self.additions or self.conflicts or self.doubles or self.delivered)


def between(plan: Plan, booked: Iterable[SavedLine], order: Order, *, may_remake: bool = True) -> Differences:
    """Return the steps that make `order` match `plan` without losing anything that King's staff did.

    Only lines that came from this work order are touched, and of those only the fields that OutSmart changed. A refused
    line that King already has stays as it is. `may_remake`: whether untouched lines may be removed and re-added
    below an added one.
    """
    comparison = _Comparison(matching.form_of_references(plan.header.external_number), booked, order)
    for line in plan.lines:
        comparison.planned(line)
    comparison.gone({line.reference for line in plan.lines} | {line.reference for line in plan.refused})
    if may_remake:
        comparison.restore_sequence(plan)
    comparison.report_places(plan)
    return comparison.result()


def by_staff(external_number: str, booked: Iterable[SavedLine], order: Order) -> Differences:
    """Return as notices what King's staff did to the lines that we wrote; `delivered` names those that were delivered.

    A line is labelled by its reference: what the work order calls it is not known here.
    """
    comparison = _Comparison(matching.form_of_references(external_number), booked, order)
    comparison.compare_with_saved()
    return comparison.result()


class _Comparison:
    def __init__(self, form: re.Pattern[str], booked: Iterable[SavedLine], order: Order) -> None:
        self._form = form
        self._booked = {line.reference: line for line in booked}
        self._order = order
        self._theirs, self._doubles = self._ours_in(order)
        self._changes: dict[str, Change] = {}
        self._removals: dict[str, Remove] = {}
        self._additions: dict[str, Add] = {}
        self._conflicts: list[Conflict] = []
        self._notices: list[Notice] = []
        self._delivered: list[str] = []
        self._found: list[SavedLine] = []
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
        by_id = {line.line_id: line for line in order.lines if not self._is_ours(line.reference)}
        for booked in self._booked.values():
            if booked.reference not in found and booked.king_line_id in by_id:
                found[booked.reference] = by_id[booked.king_line_id]
        return found, tuple(doubles)

    def _is_ours(self, reference: str) -> bool:
        # By its form too: a line whose answer was lost may be unknown here once the work order drops it.
        return reference in self._booked or self._form.fullmatch(reference) is not None

    def planned(self, line: PlannedLine) -> None:
        line = self._without_our_own_zero(line)
        theirs = self._theirs.get(line.reference)
        if theirs is None:
            self._missing(line)
        else:
            self._standing(line, theirs)

    def compare_with_saved(self) -> None:
        for reference, booked in self._booked.items():
            theirs = self._theirs.get(reference)
            if conflicts.is_given_up(booked):
                continue
            if theirs is not None:
                self._found.append(booked)
                self._compare_as_written(theirs, booked)
            elif booked.king_line_id:
                self._notices.append(Notice(reference=reference, label=reference, is_removed=True))

    def _compare_as_written(self, theirs: OrderLine, booked: SavedLine) -> None:
        reference = booked.reference
        if theirs.delivered:
            self._delivered.append(reference)
        # King itself counts these down when it delivers.
        ignored = ("to_deliver", "to_invoice") if theirs.delivered else ()
        changed = (kept for kept in line_fields.staff_changes(theirs, booked) if kept.field not in ignored)
        self._notices += [Notice(reference=reference, label=reference, kept=kept) for kept in changed]

    def _without_our_own_zero(self, line: PlannedLine) -> PlannedLine:
        """Leave the price of an imported line to King where the work order says zero.

        OutSmart requires a price for a material: the import wrote zero where King gave none.
        """
        booked = self._booked.get(line.reference)
        if booked is None or not booked.is_imported or line.content.price != 0:
            return line
        if booked.sent is not None and booked.sent.price is not None:
            return line
        return msgspec.structs.replace(line, content=msgspec.structs.replace(line.content, price=None))

    def _missing(self, line: PlannedLine) -> None:
        booked = self._booked.get(line.reference)
        if booked is None or not booked.king_line_id or booked.sent is None:
            self._additions[line.reference] = Add(line)
            return
        mark = line_fields.removed_mark(line.reference, line.content, booked.sent)
        choice = conflicts.chosen(booked, mark)
        label, is_edited = line.origin.label, line_fields.is_edited(line.content, booked.sent)
        if is_edited and choice is Choice.OUTSMART:
            self._absent += (line.reference,)
            self._additions[line.reference] = Add(line)
        elif is_edited and choice is None:
            self._conflicts.append(
                Conflict(reference=line.reference, label=label, ours=line.content, sent=booked.sent, mark=mark)
            )
        else:
            self._notices.append(Notice(reference=line.reference, label=line.origin.label, is_removed=True))

    def _standing(self, line: PlannedLine, theirs: OrderLine) -> None:
        booked, label = self._booked.get(line.reference), line.origin.label
        if self._must_forget_price(line, theirs, booked):
            self._removals[line.reference] = Remove(line.reference, theirs.line_id, theirs.reference)
            self._additions[line.reference] = Add(line)
            return
        compared = line_fields.compare(line.content, theirs, booked)
        self._notices += [Notice(reference=line.reference, label=label, kept=kept) for kept in compared.kept]
        if compared.conflicts:
            self._conflicts.append(Conflict(reference=line.reference, label=label, fields=compared.conflicts))
        is_to_do = compared.conflicts or compared.change
        if is_to_do and theirs.delivered:
            self._delivered.append(label)
        if compared.change and not compared.conflicts:
            self._changes[line.reference] = Change(line, theirs.line_id, compared.change, compared.settled)
        sent = line_fields.arrived(theirs, booked) if is_to_do else line.content
        if sent is not None:
            settled = () if is_to_do else compared.settled
            found = self._as_found(line, theirs, sent, settled)
            self._found.append(_with_our_quantity(found, line) if compared.has_sum else found)

    def _must_forget_price(self, line: PlannedLine, theirs: OrderLine, booked: SavedLine | None) -> bool:
        """Return True when King's own price must replace ours: King fills it in for a new line only.

        Where staff touched the line it stays as it is, including its price.
        """
        if not line.is_price_kings or booked is None or booked.sent is None or booked.sent.price is None:
            return False
        is_filled_in = not line_fields.equal(line.content.article, booked.sent.article)  # for another article
        return not is_filled_in and not booked.is_imported and line_fields.is_untouched(theirs, booked)

    def _as_found(self, line: PlannedLine, theirs: OrderLine, sent: Content, settled: Iterable[str]) -> SavedLine:
        booked = self._booked.get(line.reference)
        before = booked or SavedLine(reference=line.reference, key=line.origin.key)
        return msgspec.structs.replace(
            before,
            sent=sent,
            attempted=None,
            as_read=line_fields.rebased(before.as_read, theirs, frozenset(settled)),
            king_line_id=theirs.line_id,
            choices={mark: choice for mark, choice in before.choices.items() if mark != conflicts.GIVEN_UP},
        )

    def gone(self, wanted: set[str]) -> None:
        """Remove lines of ours that the work order no longer has."""
        for reference, theirs in self._theirs.items():
            booked = self._booked.get(reference)
            if reference in wanted or self._is_imported(reference) or conflicts.is_given_up(booked):
                continue
            label = theirs.article_number or (matching.label_of(booked) if booked else reference)
            changed = line_fields.staff_changes(theirs, booked)
            mark = line_fields.dropped_mark(reference, theirs)
            is_contested = bool(changed) and conflicts.chosen(booked, mark) is None
            if is_contested:
                self._conflicts.append(Conflict(reference=reference, label=label, theirs=changed, mark=mark))
            if theirs.delivered:
                self._delivered.append(label)
            if not is_contested:
                self._removals[reference] = Remove(reference, theirs.line_id, theirs.reference)
        self._absent += tuple(self._booked.keys() - self._theirs.keys() - wanted)

    def restore_sequence(self, plan: Plan) -> None:
        """Re-add what belongs below an added line, where that loses nothing."""
        if not self._additions or self._conflicts:
            return
        standing = [line for line in self._order.lines if line.line_id not in self._leaving_ids()]
        untouched = {
            reference
            for reference, line in self._theirs.items()
            if line_fields.is_untouched(line, self._booked.get(reference))
        }
        anew = sequence.remade(
            [line.reference for line in plan.lines],
            added=self._additions.keys(),
            standing={line.line_id: line.position for line in standing},
            ours={
                reference: line.line_id for reference, line in self._theirs.items() if not self._is_imported(reference)
            },
            untouched=untouched,
        )
        for line in plan.lines:
            if line.reference in anew:
                theirs = self._theirs[line.reference]
                change = self._changes.pop(line.reference, None)
                self._removals[line.reference] = Remove(line.reference, theirs.line_id, theirs.reference)
                self._additions[line.reference] = Add(line, theirs if change is None else _changed(theirs, change))
        self._additions = {
            line.reference: self._additions[line.reference] for line in plan.lines if line.reference in self._additions
        }

    def _leaving_ids(self) -> set[str]:
        return {step.king_line_id for step in self._removals.values()}

    def _is_imported(self, reference: str) -> bool:
        """Return True for a line that King's order had before the work order: leaving it unused means nothing."""
        booked = self._booked.get(reference)
        return booked is not None and booked.is_imported

    def report_places(self, plan: Plan) -> None:
        """Report the added lines that end up below lines they should precede."""
        if self._conflicts:
            return
        staying = {
            line.reference
            for line in plan.lines
            if line.reference in self._theirs and not self._is_imported(line.reference)
        } - self._removals.keys()
        below = False
        for line in reversed(plan.lines):
            below = below or line.reference in staying
            if below and line.reference in self._additions:
                self._notices.append(Notice(reference=line.reference, label=line.origin.label, is_out_of_place=True))

    def result(self) -> Differences:
        return Differences(
            changes=tuple(self._changes.values()),
            removals=tuple(self._removals.values()),
            additions=tuple(self._additions.values()),
            conflicts=tuple(self._conflicts),
            notices=tuple(self._notices),
            doubles=self._doubles,
            delivered=tuple(self._delivered),
            found=tuple(self._found),
            absent=self._absent,
        )


def _with_our_quantity(found: SavedLine, line: PlannedLine) -> SavedLine:
    """Return the line with OutSmart's quantity as its baseline: from there on, King's is the work of its staff."""
    if found.as_read is None:
        return found
    as_read = msgspec.structs.replace(found.as_read, quantity=line.content.quantity)
    return msgspec.structs.replace(found, as_read=as_read)


def _changed(theirs: OrderLine, step: Change) -> OrderLine:
    """Return King's line as the change would make it; fields that King fills in for another article stay open."""
    written = {name: getattr(step.change, name) for name in step.change.__struct_fields__}
    written = {name: value for name, value in written.items() if value is not None}
    if "article_number" in written:
        written = {"price": None, "text": ""} | written
    return msgspec.structs.replace(theirs, **written)


def same(one: Content, other: Content) -> bool:
    """Return True when King would treat two contents as the same."""
    return one.kind == other.kind and all(
        line_fields.equal(getattr(one, field), getattr(other, field)) for field in line_fields.STATED
    )
