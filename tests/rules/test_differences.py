"""What must change in a King order, and what must be left alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from integrations.king.records import LineKind, Order, OrderLine
from kingsync.rules import differences, line_fields, matching
from kingsync.rules.plans import Content, Header, Origin, Plan, PlannedLine, SavedLine, Source

HEADER = Header(
    debtor_number="1",
    external_number="OS-1",
    reference="",
    order_date=None,
    delivery_date=None,
    is_approved_at_once=False,
)


def planned(reference: str, quantity: str = "1", article: str = "A") -> PlannedLine:
    content = Content(kind=LineKind.ARTICLE, article=article, quantity=Decimal(quantity), warehouse="1")
    origin = Origin(source=Source.MATERIAL, key=reference, label=article)
    return PlannedLine(origin=origin, reference=reference, content=content)


def plan(*lines: PlannedLine) -> Plan:
    return Plan(header=HEADER, lines=lines, dropped=())


def booked(line: PlannedLine, king_line_id: str) -> SavedLine:
    return SavedLine(
        reference=line.reference,
        key=line.reference,
        sent=line.content,
        as_read=in_king(line, king_line_id),
        king_line_id=king_line_id,
    )


def in_king(line: PlannedLine, king_line_id: str, *, quantity: str = "", reference: str | None = None) -> OrderLine:
    content = line.content
    return OrderLine(
        line_id=king_line_id,
        position=int(king_line_id),
        kind=content.kind,
        article_number=content.article,
        quantity=Decimal(quantity) if quantity else content.quantity,
        warehouse=content.warehouse,
        reference=line.reference if reference is None else reference,
    )


def order(*lines: OrderLine) -> Order:
    return Order(number="7", lines=lines)


STAFF = OrderLine(line_id="90", position=90, kind="ART", article_number="VAN-KING", quantity=Decimal(1))
ON_TOP = msgspec.structs.replace(STAFF, position=0)
ONE, TWO, THREE = planned("1-M1"), planned("1-M2", article="B"), planned("1-M3", article="C")


def test_a_new_order_gets_every_line_in_sequence() -> None:
    steps = differences.between(plan(ONE, TWO), [], order())

    assert [step.line.reference for step in steps.additions] == ["1-M1", "1-M2"]
    assert not (steps.changes)
    assert not (steps.removals)
    assert not (steps.conflicts)


def test_nothing_changed_means_nothing_to_do() -> None:
    steps = differences.between(plan(ONE), [booked(ONE, "1")], order(in_king(ONE, "1"), STAFF))

    assert steps.is_empty


def test_a_price_that_the_import_did_not_know_stays_kings() -> None:
    free = msgspec.structs.replace(ONE, content=msgspec.structs.replace(ONE.content, price=Decimal(0)))
    imported = msgspec.structs.replace(booked(ONE, "1"), is_imported=True)
    theirs = msgspec.structs.replace(in_king(ONE, "1", reference=""), price=Decimal("8.95"))

    by_import = differences.between(plan(free), [imported], order(theirs))
    unread = msgspec.structs.replace(booked(ONE, "1"), as_read=None)
    by_hand = differences.between(plan(free), [unread], order(theirs))

    assert by_import.is_empty
    assert [step.change.price for step in by_hand.changes] == [Decimal(0)]


def test_a_changed_quantity_changes_only_the_quantity() -> None:
    more = planned("1-M1", "3")

    (change,) = differences.between(plan(more), [booked(ONE, "1")], order(in_king(ONE, "1"))).changes

    assert change.king_line_id == "1"
    assert change.change.quantity == Decimal(3)
    assert (change.change.article_number, change.change.text, change.change.warehouse) == (None, None, None)


def test_a_line_gone_from_the_work_order_is_removed_and_staff_lines_stay() -> None:
    lines = [booked(ONE, "1"), booked(TWO, "2")]

    steps = differences.between(plan(ONE), lines, order(in_king(ONE, "1"), in_king(TWO, "2"), STAFF))

    assert [(step.reference, step.king_line_id) for step in steps.removals] == [("1-M2", "2")]
    assert not (steps.changes)
    assert not (steps.additions)


def test_a_line_that_arrived_without_our_knowing_is_found_by_its_reference() -> None:
    unanswered = SavedLine(reference="1-M1", key="1-M1")

    steps = differences.between(plan(ONE), [unanswered], order(in_king(ONE, "1")))

    assert steps.is_empty
    assert [(line.reference, line.king_line_id, line.sent) for line in steps.found] == [("1-M1", "1", ONE.content)]


def test_a_line_that_staff_changed_stays_as_long_as_outsmart_did_not() -> None:
    assert differences.between(plan(ONE), [booked(ONE, "1")], order(in_king(ONE, "1", quantity="9"))).is_empty


def test_a_line_that_staff_removed_stays_away_as_long_as_outsmart_did_not_change_it() -> None:
    assert differences.between(plan(ONE), [booked(ONE, "1")], order(STAFF)).is_empty


def test_a_line_changed_on_both_sides_is_a_conflict_with_both_values() -> None:
    steps = differences.between(plan(planned("1-M1", "3")), [booked(ONE, "1")], order(in_king(ONE, "1", quantity="9")))

    ((field,),) = [each.fields for each in steps.conflicts]
    assert (field.field, field.before, field.ours, field.theirs) == ("quantity", "1", "3", "9")
    assert not steps.changes


def test_a_line_that_both_sides_changed_to_the_same_is_no_conflict() -> None:
    lines = [booked(ONE, "1")]

    assert differences.between(plan(planned("1-M1", "9")), lines, order(in_king(ONE, "1", quantity="9"))).is_empty


def test_a_line_removed_by_outsmart_and_changed_by_staff_is_a_conflict() -> None:
    steps = differences.between(plan(), [booked(ONE, "1")], order(in_king(ONE, "1", quantity="9")))

    ((field,),) = [each.theirs for each in steps.conflicts]
    assert (field.field, field.before, field.theirs) == ("quantity", "1", "9")


def test_a_line_in_the_middle_sends_the_untouched_lines_below_it_again() -> None:
    lines = [booked(ONE, "1"), booked(THREE, "3")]

    steps = differences.between(plan(ONE, TWO, THREE), lines, order(ON_TOP, in_king(ONE, "1"), in_king(THREE, "3")))

    assert [step.king_line_id for step in steps.removals] == ["3"]
    assert [step.line.reference for step in steps.additions] == ["1-M2", "1-M3"]
    assert not steps.notices


@pytest.mark.parametrize(
    "below",
    [
        [in_king(THREE, "3"), STAFF],
        [msgspec.structs.replace(in_king(THREE, "3"), price=Decimal(40))],
        [msgspec.structs.replace(in_king(THREE, "3"), description="Op maat")],
        [msgspec.structs.replace(in_king(THREE, "3"), to_deliver=Decimal(1))],
        [msgspec.structs.replace(in_king(THREE, "3"), delivered=Decimal(1))],
    ],
    ids=["staff's own line", "price", "description", "quantity to deliver", "delivered"],
)
def test_a_line_in_the_middle_goes_to_the_end_where_making_anew_would_lose_something(below: list[OrderLine]) -> None:
    lines = [booked(ONE, "1"), booked(THREE, "3")]

    steps = differences.between(plan(ONE, TWO, THREE), lines, order(in_king(ONE, "1"), *below))

    assert [step.line.reference for step in steps.additions] == ["1-M2"]
    assert not steps.removals
    assert not steps.changes
    assert [each.reference for each in steps.notices if each.is_out_of_place] == ["1-M2"]


def test_a_line_made_anew_gets_what_king_had_filled_in() -> None:
    priced = msgspec.structs.replace(in_king(THREE, "3"), price=Decimal(58), text="Let op")
    lines = [booked(ONE, "1"), msgspec.structs.replace(booked(THREE, "3"), as_read=priced)]

    steps = differences.between(plan(ONE, TWO, THREE), lines, order(in_king(ONE, "1"), priced))

    assert [(step.new_line.price, step.new_line.text) for step in steps.additions] == [
        (None, ""),
        (Decimal(58), "Let op"),
    ]


def test_another_article_takes_along_the_price_that_staff_set() -> None:
    theirs = msgspec.structs.replace(in_king(ONE, "1"), price=Decimal(40))
    other = planned("1-M1", article="Z")

    (change,) = differences.between(plan(other), [booked(ONE, "1")], order(theirs)).changes

    assert (change.change.article_number, change.change.price) == ("Z", Decimal(40))
    assert "price" not in change.settled


def test_an_unheard_change_that_arrived_is_no_work_of_staff() -> None:
    unheard = msgspec.structs.replace(booked(ONE, "1"), attempted=planned("1-M1", "3").content)

    (change,) = differences.between(
        plan(planned("1-M1", "5")), [unheard], order(in_king(ONE, "1", quantity="3"))
    ).changes

    assert change.change.quantity == Decimal(5)


def test_an_imported_line_keeps_the_price_of_staff_where_the_work_order_left_it_alone() -> None:
    priced = planned("1-M1")
    priced = msgspec.structs.replace(priced, content=msgspec.structs.replace(priced.content, price=Decimal(8)))
    imported = msgspec.structs.replace(booked(priced, "1"), is_imported=True, as_read=None)
    theirs = msgspec.structs.replace(in_king(priced, "1", reference="WEBSHOP-1"), price=Decimal(40))

    steps = differences.between(plan(priced), [imported], order(theirs))

    assert steps.is_empty
    assert [(each.kept.field, each.kept.theirs) for each in steps.notices if each.kept] == [("price", "40")]


def test_two_lines_with_one_reference_are_told() -> None:
    steps = differences.between(plan(ONE), [booked(ONE, "1")], order(in_king(ONE, "1"), in_king(ONE, "2")))

    assert steps.doubles == ("1-M1",)


def carried_out(steps: differences.Differences, before: Order) -> Order:
    """Apply the steps as King would."""
    lines = {line.line_id: line for line in before.lines}
    for change in steps.changes:
        lines[change.king_line_id] = in_king(change.line, change.king_line_id)
    for removal in steps.removals:
        del lines[removal.king_line_id]
    top = max(int(key) for key in lines)
    for number, step in enumerate(steps.additions, top + 1):
        lines[str(number)] = in_king(step.line, str(number))
    return msgspec.structs.replace(before, lines=tuple(lines.values()))


LINES = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 5)), unique_by=lambda pair: pair[0], max_size=6)


@given(LINES, LINES)
def test_after_carrying_out_the_difference_there_is_none_and_the_sequence_is_right(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    before = plan(*[planned(f"1-M{n}", str(q), f"A{n}") for n, q in sorted(first)])
    after = plan(*[planned(f"1-M{n}", str(q), f"A{n}") for n, q in sorted(second)])
    start = carried_out(differences.between(before, [], order(ON_TOP)), order(ON_TOP))
    known = {line.reference: line for line in before.lines}
    remembered = [booked(known[line.reference], line.line_id) for line in start.lines if line.reference in known]

    end = carried_out(differences.between(after, remembered, start), start)

    ours = [line for line in sorted(end.lines, key=lambda line: line.position) if line.reference]
    assert [(line.reference, line.quantity) for line in ours] == [
        (line.reference, line.content.quantity) for line in after.lines
    ]
    assert ON_TOP in end.lines


# --- Edits by both sides ----------------------------------------------------------------------------------------------

ARTICLES = "ABCD"
QUANTITIES = st.sampled_from(["1", "2", "3"])
NOTHING = st.just("")
A_LINE = st.sampled_from(ARTICLES)
BOOK, DROP = st.tuples(st.just("book"), A_LINE, QUANTITIES), st.tuples(st.just("drop"), A_LINE, NOTHING)
OTHER_WAREHOUSE = st.tuples(st.just("warehouse"), A_LINE, st.sampled_from(["1", "2"]))
EXPORT = st.tuples(st.just("export"), NOTHING, NOTHING)
STAFF_ADD = st.tuples(st.sampled_from(["staff add", "staff add on top"]), A_LINE, QUANTITIES)
STAFF_FIELDS: dict[str, list[str | Decimal | None]] = {
    "quantity": [Decimal(1), Decimal(2), Decimal(3)],
    "price": [Decimal(58), Decimal(40), Decimal(0)],
    "text": ["", "Korting afgesproken"],
    "warehouse": ["1", "2", "3"],
    "description": ["Naam", "Op maat"],
    "to_deliver": [None, Decimal(1)],
    "to_invoice": [None, Decimal(1)],
}
STAFF_SET = st.one_of(
    *(
        st.tuples(st.just(f"staff {field}"), A_LINE, st.sampled_from(range(len(values))).map(str))
        for field, values in STAFF_FIELDS.items()
    )
)
STAFF_REMOVE = st.tuples(st.just("staff remove"), A_LINE, NOTHING)
STAFF_DELIVER = st.tuples(st.just("staff deliver"), A_LINE, NOTHING)
BY_OFFICE = st.one_of(BOOK, DROP, OTHER_WAREHOUSE)
BY_STAFF = st.one_of(STAFF_SET, STAFF_SET, STAFF_ADD, STAFF_REMOVE)
# What may happen between two exports: the office adds an article (or drops it, or moves it to another warehouse), staff
# set any field of our lines, remove one, add one of their own, deliver one.
EDITS = st.lists(st.one_of(BY_OFFICE, BY_STAFF, STAFF_DELIVER, EXPORT), max_size=25)


class World:
    """A work order, King's order, and our own state; an export may be cut off after any of its steps."""

    def __init__(self) -> None:
        self.wanted: dict[str, tuple[str, str]] = {}  # quantity and warehouse
        self.lines: list[OrderLine] = []
        self.booked: dict[str, SavedLine] = {}
        self.added_by_staff: list[str] = []
        self.written: set[str] = set()  # King's ids of the lines that the last export wrote
        self._last_id = 0

    def edit(self, kind: str, article: str, value: str) -> None:
        match kind:
            case "book":
                self.wanted[article] = (value, self.wanted.get(article, ("", "1"))[1])
            case "warehouse" if article in self.wanted:
                self.wanted[article] = (self.wanted[article][0], value)
            case "drop":
                self.wanted.pop(article, None)
            case "staff add" | "staff add on top":
                line = msgspec.structs.replace(STAFF, article_number=article, quantity=Decimal(value))
                self.added_by_staff.append(self._add(line, is_on_top=kind.endswith("top")))
            case "staff deliver":
                self._staff(article, delivered=Decimal(1))
            case "staff remove":
                self.lines = [line for line in self.lines if not (line.reference and line.article_number == article)]
            case _ if kind.startswith("staff "):
                field = kind.removeprefix("staff ")
                self._staff(article, **{field: STAFF_FIELDS[field][int(value)]})

    def _staff(self, article: str, **changes: object) -> None:
        self.lines = [
            msgspec.structs.replace(line, **changes) if line.reference and line.article_number == article else line
            for line in self.lines
        ]

    def _add(self, line: OrderLine, *, is_on_top: bool = False) -> str:
        self._last_id += 1
        number, position = str(self._last_id), -self._last_id if is_on_top else self._last_id
        self.lines.append(msgspec.structs.replace(line, line_id=number, position=position))
        self.lines.sort(key=lambda line: line.position)
        return number

    def plan(self) -> Plan:
        """Return the plan of the current work order, with the references that the lines have already."""
        references = matching.References("1", self.booked.values())
        planned_lines = []
        for article, (quantity, warehouse) in sorted(self.wanted.items()):
            origin = Origin(source=Source.MATERIAL, key=article, label=article)
            content = Content(kind=LineKind.ARTICLE, article=article, quantity=Decimal(quantity), warehouse=warehouse)
            reference = references.of(Source.MATERIAL, article)
            planned_lines.append(PlannedLine(origin=origin, reference=reference, content=content))
        return plan(*planned_lines)

    def between(self) -> differences.Differences:
        return differences.between(self.plan(), self.booked.values(), order(*self.lines))

    def export(self, steps_left: int = 999) -> None:
        """Export as the run does, and stop after this many calls: half of them with the answer lost."""
        self.written = set()
        now = self.plan()
        for line in now.lines:
            self.booked.setdefault(line.reference, SavedLine(reference=line.reference, key=line.origin.key))
        wanted = {line.reference for line in now.lines}
        self.booked = {
            key: line for key, line in self.booked.items() if line.king_line_id or line.attempted or key in wanted
        }
        steps = self.between()
        self.booked |= {line.reference: line for line in steps.found}
        for reference in steps.absent:
            self.booked.pop(reference, None)
        if steps.conflicts or steps.doubles or steps.delivered:
            return
        for call in self._calls(steps):
            if steps_left <= 0:
                return
            call(steps_left == 1)
            steps_left -= 1
        if steps_left > 0:
            self._read_back(steps)

    def _read_back(self, steps: differences.Differences) -> None:
        now = {line.reference: line for line in self.lines if line.reference}
        for step in steps.changes:
            known = self.booked[step.line.reference]
            as_read = line_fields.rebased(known.as_read, now[known.reference], step.settled)
            self.booked[known.reference] = msgspec.structs.replace(known, as_read=as_read)
        for each in steps.additions:
            known = self.booked[each.line.reference]
            self.booked[known.reference] = msgspec.structs.replace(known, as_read=now[known.reference])

    def _calls(self, steps: differences.Differences) -> Iterator[Callable[[bool], None]]:
        for line in [step.line for step in steps.changes] + [step.line for step in steps.additions]:
            self.booked[line.reference] = msgspec.structs.replace(self.booked[line.reference], attempted=line.content)
        for change in steps.changes:
            yield functools.partial(self._change, change)
        added = {step.line.reference for step in steps.additions}
        for reference in {step.reference for step in steps.removals} & added & self.booked.keys():
            self.booked[reference] = msgspec.structs.replace(self.booked[reference], king_line_id="")
        for removal in steps.removals:
            yield functools.partial(self._remove, removal)
        for addition in steps.additions:
            yield functools.partial(self._append, addition)

    def _change(self, step: differences.Change, is_lost: bool) -> None:
        self.written.add(step.king_line_id)
        given = {name: getattr(step.change, name) for name in step.change.__struct_fields__}
        given = {name: value for name, value in given.items() if value is not None}
        self.lines = [
            msgspec.structs.replace(line, **given) if line.line_id == step.king_line_id else line for line in self.lines
        ]
        if not is_lost:
            self._book(step.line, step.king_line_id, self.booked[step.line.reference].as_read)

    def _remove(self, step: differences.Remove, is_lost: bool) -> None:
        assert any(line.line_id == step.king_line_id for line in self.lines)
        self.written.add(step.king_line_id)
        self.lines = [line for line in self.lines if line.line_id != step.king_line_id]
        if not is_lost and step.reference in self.booked and self.booked[step.reference].king_line_id:
            self.booked.pop(step.reference)

    def _append(self, step: differences.Add, is_lost: bool) -> None:
        new = step.new_line
        number = self._add(
            OrderLine(
                line_id="",
                position=0,
                kind=new.kind,
                article_number=new.article_number,
                description="Naam",
                text=new.text,
                quantity=new.quantity,
                price=Decimal(58) if new.price is None else new.price,
                warehouse=new.warehouse,
                reference=new.reference,
            )
        )
        if not is_lost:
            self._book(step.line, number, None)

    def _book(self, line: PlannedLine, king_line_id: str, as_read: OrderLine | None) -> None:
        self.booked[line.reference] = SavedLine(
            reference=line.reference, key=line.origin.key, sent=line.content, as_read=as_read, king_line_id=king_line_id
        )


def play(edits: list[tuple[str, str, str]]) -> World:
    world = World()
    for kind, article, quantity in edits:
        if kind == "export":
            world.export()
        else:
            world.edit(kind, article, quantity)
    return world


@given(EDITS)
def test_whatever_both_sides_do_an_export_ends_in_no_difference_or_a_conflict(
    edits: list[tuple[str, str, str]],
) -> None:
    world = play(edits)

    world.export()

    steps = world.between()
    assert steps.is_empty or steps.conflicts or steps.delivered
    assert not steps.doubles


@given(EDITS, st.integers(0, 6))
def test_no_cut_makes_a_double_or_touches_a_line_of_staff(edits: list[tuple[str, str, str]], cut: int) -> None:
    world = play(edits)
    staff = {line for line in world.lines if not line.reference}

    world.export(cut)
    world.export()

    references = [line.reference for line in world.lines if line.reference]
    assert len(references) == len(set(references))
    assert {line for line in world.lines if not line.reference} == staff
    steps = world.between()
    assert steps.is_empty or steps.conflicts or steps.delivered


# All but C, which may end up between them.
FIRST = st.tuples(*(st.tuples(st.just("book"), st.just(article), QUANTITIES) for article in "ABD"))


@settings(max_examples=400, deadline=None)
@given(
    FIRST,
    st.lists(st.one_of(BY_STAFF, BY_OFFICE, EXPORT), max_size=4),
    st.lists(BY_STAFF, max_size=4),
    st.lists(BY_OFFICE, min_size=1, max_size=3),
)
def test_nothing_that_staff_did_is_ever_undone(
    first: tuple[tuple[str, str, str], ...],
    before: list[tuple[str, str, str]],
    staff: list[tuple[str, str, str]],
    office: list[tuple[str, str, str]],
) -> None:
    world = play([*first, EXPORT_NOW, *before, EXPORT_NOW])
    assume(not world.between().conflicts)
    sides = Sides(world)
    for edit in [*staff, *office]:
        world.edit(*edit)
    sides.look_again()

    is_held = bool(world.between().conflicts)
    world.export()

    may_be_put_back = any(kind.startswith("staff") for kind, _, _ in before)  # staff may have put back what we sent
    if not may_be_put_back:
        assert is_held == bool(sides.clashes())
    if is_held:
        assert world.lines == sides.lines
    else:
        sides.check_kept(may_be_put_back=may_be_put_back)


@settings(max_examples=400, deadline=None)
@given(FIRST, st.lists(BY_OFFICE, min_size=1, max_size=4), st.integers(0, 6), st.lists(STAFF_SET, max_size=3))
def test_what_staff_set_after_a_cut_is_not_undone_by_who_goes_on(
    first: tuple[tuple[str, str, str], ...],
    office: list[tuple[str, str, str]],
    cut: int,
    staff: list[tuple[str, str, str]],
) -> None:
    world = play([*first, EXPORT_NOW])
    as_exported = {line.reference: line for line in world.lines}
    for edit in office:
        world.edit(*edit)
    world.export(cut)
    left = {line.line_id: line for line in world.lines}
    for edit in staff:
        world.edit(*edit)
    lines = list(world.lines)

    world.export()

    assume(not world.between().conflicts)
    now = {line.line_id: line for line in world.lines}
    for line in lines:
        for field in STAFF_FIELDS:
            value, before = getattr(line, field), as_exported.get(line.reference)
            # If it was put back to its old value, staff's edit and a call that never arrived look the same.
            if value != getattr(left[line.line_id], field) and (before is None or value != getattr(before, field)):
                assert getattr(now[line.line_id], field) == value


EXPORT_NOW = ("export", "", "")


class Sides:
    """Both sides after an export, their edits, and the expected result."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.left = {line.line_id: line for line in world.lines if line.reference}
        self.wanted_then = dict(world.wanted)
        self.lines: list[OrderLine] = []

    def look_again(self) -> None:
        self.lines = list(self.world.lines)

    def _theirs(self, line: OrderLine) -> OrderLine | None:
        return next((each for each in self.lines if each.line_id == line.line_id), None)

    def _set_by_staff(self, line: OrderLine) -> dict[str, object]:
        theirs = self._theirs(line)
        values = {field: getattr(theirs, field) for field in STAFF_FIELDS}
        return {field: value for field, value in values.items() if value != getattr(line, field)}

    def _set_by_office(self, line: OrderLine) -> dict[str, object]:
        then, now = self.wanted_then.get(line.article_number), self.world.wanted.get(line.article_number)
        if then is None or now is None:
            return {}
        edits: dict[str, object] = {"quantity": Decimal(now[0])} if then[0] != now[0] else {}
        return edits | ({"warehouse": now[1]} if then[1] != now[1] else {})

    def clashes(self) -> list[str]:
        """Return the articles of the lines that both sides changed in a way that only a person can resolve."""
        return [line.article_number for line in self.left.values() if self._is_clash(line)]

    def _is_clash(self, line: OrderLine) -> bool:
        office, is_dropped = self._set_by_office(line), line.article_number not in self.world.wanted
        if self._theirs(line) is None:
            return bool(office)
        staff = self._set_by_staff(line)
        if is_dropped:
            return bool(staff)
        return any(staff[field] != office[field] for field in staff.keys() & office.keys())

    def check_kept(self, *, may_be_put_back: bool) -> None:
        """Assert that fields set by one side have that value, and that untouched lines were not written or changed.

        `may_be_put_back`: an edit of staff may have restored what we sent, which is as good as untouched.
        """
        now = {line.line_id: line for line in self.world.lines}
        assert all(now[line.line_id] == line for line in self.lines if not line.reference)
        before, after = ([line.reference or line.line_id for line in lines] for lines in (self.lines, self.world.lines))
        staying = set(before) & set(after)
        assert [name for name in before if name in staying] == [name for name in after if name in staying]
        for line in self.left.values():
            if self._theirs(line) is None or line.article_number not in self.world.wanted:
                continue
            staff, office = self._set_by_staff(line), self._set_by_office(line)
            (end,) = [each for each in self.world.lines if each.reference == line.reference]
            if staff and not may_be_put_back:
                assert end.line_id == line.line_id, "a line that staff touched was made anew"
            if line.line_id in self.world.written and not office:
                assert end.line_id != line.line_id, "a line that nobody touched was written"
            for field in STAFF_FIELDS:
                assert getattr(end, field) == (staff | office).get(field, getattr(line, field))


BY_US = st.lists(st.one_of(BY_OFFICE, st.tuples(st.just("staff add on top"), A_LINE, QUANTITIES), EXPORT), max_size=25)


@given(BY_US, st.lists(st.integers(0, 6), max_size=3))
def test_cut_off_any_number_of_times_the_order_is_what_the_work_order_says(
    edits: list[tuple[str, str, str]], cuts: list[int]
) -> None:
    world = play(edits)

    for cut in cuts:
        world.export(cut)
    world.export()

    ours = [(line.article_number, str(line.quantity), line.warehouse) for line in world.lines if line.reference]
    assert sorted(ours) == sorted((article, *row) for article, row in world.wanted.items())
    assert world.between().is_empty


@given(BY_US)
def test_without_staff_and_accidents_the_lines_stand_in_their_sequence(edits: list[tuple[str, str, str]]) -> None:
    world = play(edits)

    world.export()

    assert [line.article_number for line in world.lines if line.reference] == sorted(world.wanted)


@given(BY_US)
def test_a_plan_applied_twice_is_the_same_as_once(edits: list[tuple[str, str, str]]) -> None:
    world = play(edits)
    world.export()
    lines, booked_before = list(world.lines), dict(world.booked)

    world.export()

    assert (world.lines, world.booked) == (lines, booked_before)


def test_a_line_that_we_took_out_ourselves_is_not_taken_for_removed_by_staff() -> None:
    leaving = msgspec.structs.replace(booked(TWO, "2"), king_line_id="")

    steps = differences.between(plan(ONE, TWO), [booked(ONE, "1"), leaving], order(in_king(ONE, "1")))

    assert [step.line.reference for step in steps.additions] == ["1-M2"]


def test_a_line_under_our_reference_that_we_forgot_goes_when_the_work_order_has_it_no_more() -> None:
    steps = differences.between(plan(ONE), [booked(ONE, "1")], order(in_king(ONE, "1"), in_king(TWO, "2")))

    assert [step.king_line_id for step in steps.removals] == ["2"]


def test_a_delivered_line_that_should_change_or_go_is_told_and_one_of_staff_is_not() -> None:
    done = msgspec.structs.replace(in_king(ONE, "1"), delivered=Decimal(1))
    staff = msgspec.structs.replace(STAFF, delivered=Decimal(1))
    lines = [booked(ONE, "1")]

    changed = differences.between(plan(planned("1-M1", "3")), lines, order(done, staff))
    gone = differences.between(plan(), lines, order(done, staff))
    same = differences.between(plan(ONE), lines, order(done, staff))

    assert (changed.delivered, gone.delivered, same.is_empty) == (("A",), ("A",), True)


def test_an_imported_line_below_an_added_one_stays_where_king_has_it() -> None:
    imported = in_king(TWO, "2", reference="")

    steps = differences.between(plan(ONE, TWO), [booked(TWO, "2")], order(imported))

    assert [step.line.reference for step in steps.additions] == ["1-M1"]
    assert not steps.removals
