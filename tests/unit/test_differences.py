"""What must change in a King order, and what must be left alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from integrations.king.records import LineKind, Order, OrderLine
from kingsync.rules import differences, matching
from kingsync.rules.plans import BookedLine, Content, Header, Origin, Plan, PlannedLine, Source

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


def booked(line: PlannedLine, king_line_id: str) -> BookedLine:
    return BookedLine(reference=line.reference, key=line.reference, sent=line.content, king_line_id=king_line_id)


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
    by_hand = differences.between(plan(free), [booked(ONE, "1")], order(theirs))

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
    unanswered = BookedLine(reference="1-M1", key="1-M1")

    steps = differences.between(plan(ONE), [unanswered], order(in_king(ONE, "1")))

    assert steps.is_empty
    assert steps.equal == {"1-M1": "1"}


def test_a_line_that_staff_changed_stays_as_long_as_outsmart_did_not() -> None:
    assert differences.between(plan(ONE), [booked(ONE, "1")], order(in_king(ONE, "1", quantity="9"))).is_empty


def test_a_line_that_staff_removed_stays_away_as_long_as_outsmart_did_not_change_it() -> None:
    assert differences.between(plan(ONE), [booked(ONE, "1")], order(STAFF)).is_empty


def test_a_line_changed_on_both_sides_is_a_conflict_with_both_values() -> None:
    steps = differences.between(plan(planned("1-M1", "3")), [booked(ONE, "1")], order(in_king(ONE, "1", quantity="9")))

    (conflict,) = steps.conflicts
    assert conflict.ours is not None
    assert conflict.theirs is not None
    assert (conflict.ours.quantity, conflict.theirs.quantity) == (Decimal(3), Decimal(9))
    assert not steps.changes


def test_a_line_that_both_sides_changed_to_the_same_is_no_conflict() -> None:
    lines = [booked(ONE, "1")]

    assert differences.between(plan(planned("1-M1", "9")), lines, order(in_king(ONE, "1", quantity="9"))).is_empty


def test_a_line_removed_by_outsmart_and_changed_by_staff_is_a_conflict() -> None:
    steps = differences.between(plan(), [booked(ONE, "1")], order(in_king(ONE, "1", quantity="9")))

    assert [(each.reference, each.ours) for each in steps.conflicts] == [("1-M1", None)]


def test_a_line_in_the_middle_sends_the_untouched_lines_below_it_again() -> None:
    lines = [booked(ONE, "1"), booked(THREE, "3")]

    steps = differences.between(plan(ONE, TWO, THREE), lines, order(in_king(ONE, "1"), in_king(THREE, "3"), STAFF))

    assert [step.king_line_id for step in steps.removals] == ["3"]
    assert [step.line.reference for step in steps.additions] == ["1-M2", "1-M3"]


def test_two_lines_with_one_reference_are_told() -> None:
    steps = differences.between(plan(ONE), [booked(ONE, "1")], order(in_king(ONE, "1"), in_king(ONE, "2")))

    assert steps.doubles == ("1-M1",)


def carried_out(steps: differences.Differences, before: Order) -> Order:
    """Do what King would do with the steps."""
    lines = {line.line_id: line for line in before.lines}
    for change in steps.changes:
        lines[change.king_line_id] = in_king(change.line, change.king_line_id)
    for removal in steps.removals:
        del lines[removal.king_line_id]
    top = max([int(key) for key in lines] + [100])
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
    start = carried_out(differences.between(before, [], order(STAFF)), order(STAFF))
    known = {line.reference: line for line in before.lines}
    remembered = [booked(known[line.reference], line.line_id) for line in start.lines if line.reference in known]

    end = carried_out(differences.between(after, remembered, start), start)

    ours = [line for line in sorted(end.lines, key=lambda line: line.position) if line.reference]
    assert [(line.reference, line.quantity) for line in ours] == [
        (line.reference, line.content.quantity) for line in after.lines
    ]
    assert STAFF in end.lines


# --- Both sides at work -----------------------------------------------------------------------------------------------

ARTICLES = "ABCD"
QUANTITIES = st.sampled_from(["1", "2", "3"])
# What may happen between two exports: the office books an article (or drops it), staff change one of our lines, take
# one out, add one of their own, deliver one.
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("book"), st.sampled_from(ARTICLES), QUANTITIES),
        st.tuples(st.just("drop"), st.sampled_from(ARTICLES), st.just("")),
        st.tuples(st.just("staff change"), st.sampled_from(ARTICLES), QUANTITIES),
        st.tuples(st.just("staff remove"), st.sampled_from(ARTICLES), st.just("")),
        st.tuples(st.just("staff add"), st.sampled_from(ARTICLES), QUANTITIES),
        st.tuples(st.just("staff deliver"), st.sampled_from(ARTICLES), st.just("")),
        st.tuples(st.just("export"), st.just(""), st.just("")),
    ),
    max_size=25,
)


class World:
    """A work order, King's order, and what we remember; an export may be cut off after any of its steps."""

    def __init__(self) -> None:
        self.wanted: dict[str, str] = {}
        self.lines: list[OrderLine] = []
        self.booked: dict[str, BookedLine] = {}
        self.added_by_staff: list[str] = []
        self._last_id = 0

    def edit(self, kind: str, article: str, quantity: str) -> None:
        match kind:
            case "book":
                self.wanted[article] = quantity
            case "drop":
                self.wanted.pop(article, None)
            case "staff add":
                self._add(msgspec.structs.replace(STAFF, article_number=article, quantity=Decimal(quantity)))
                self.added_by_staff.append(self.lines[-1].line_id)
            case "staff change":
                self._staff(article, quantity=Decimal(quantity))
            case "staff deliver":
                self._staff(article, delivered=Decimal(1))
            case "staff remove":
                self.lines = [line for line in self.lines if not (line.reference and line.article_number == article)]

    def _staff(self, article: str, **changes: Decimal) -> None:
        self.lines = [
            msgspec.structs.replace(line, **changes) if line.reference and line.article_number == article else line
            for line in self.lines
        ]

    def _add(self, line: OrderLine) -> str:
        self._last_id += 1
        number = str(self._last_id)
        self.lines.append(msgspec.structs.replace(line, line_id=number, position=self._last_id))
        return number

    def plan(self) -> Plan:
        """The plan of the work order as it is now, with the references that the lines have already."""
        references = matching.References("1", self.booked.values())
        planned_lines = []
        for article in sorted(self.wanted):
            origin = Origin(source=Source.MATERIAL, key=article, label=article)
            content = Content(
                kind=LineKind.ARTICLE, article=article, quantity=Decimal(self.wanted[article]), warehouse="1"
            )
            reference = references.of(Source.MATERIAL, article)
            planned_lines.append(PlannedLine(origin=origin, reference=reference, content=content))
        return plan(*planned_lines)

    def between(self) -> differences.Differences:
        return differences.between(self.plan(), self.booked.values(), order(*self.lines))

    def export(self, steps_left: int = 999) -> None:
        """Do what the run does, in its order, and stop after so many calls: half of them with the answer lost."""
        now = self.plan()
        for line in now.lines:
            self.booked.setdefault(line.reference, BookedLine(reference=line.reference, key=line.origin.key))
        wanted = {line.reference for line in now.lines}
        self.booked = {key: line for key, line in self.booked.items() if line.king_line_id or key in wanted}
        steps = self.between()
        if steps.conflicts or steps.doubles or steps.delivered:
            return
        for line in now.lines:
            if line.reference in steps.equal:
                self._book(line, steps.equal[line.reference])
        for call in self._calls(steps):
            if steps_left <= 0:
                return
            call(steps_left == 1)
            steps_left -= 1

    def _calls(self, steps: differences.Differences) -> Iterator[Callable[[bool], None]]:
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
        self.lines = [
            in_king(step.line, line.line_id) if line.line_id == step.king_line_id else line for line in self.lines
        ]
        if not is_lost:
            self._book(step.line, step.king_line_id)

    def _remove(self, step: differences.Remove, is_lost: bool) -> None:
        assert any(line.line_id == step.king_line_id for line in self.lines)
        self.lines = [line for line in self.lines if line.line_id != step.king_line_id]
        if not is_lost:
            self.booked.pop(step.reference, None)

    def _append(self, step: differences.Add, is_lost: bool) -> None:
        number = self._add(in_king(step.line, "1"))
        if not is_lost:
            self._book(step.line, number)

    def _book(self, line: PlannedLine, king_line_id: str) -> None:
        self.booked[line.reference] = BookedLine(
            reference=line.reference, key=line.origin.key, sent=line.content, king_line_id=king_line_id
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

    world.export(cut)
    world.export()

    references = [line.reference for line in world.lines if line.reference]
    assert len(references) == len(set(references))
    assert [line.line_id for line in world.lines if not line.reference] == world.added_by_staff
    steps = world.between()
    assert steps.is_empty or steps.conflicts or steps.delivered


BY_US = st.lists(
    st.one_of(
        st.tuples(st.just("book"), st.sampled_from(ARTICLES), QUANTITIES),
        st.tuples(st.just("drop"), st.sampled_from(ARTICLES), st.just("")),
        st.tuples(st.just("staff add"), st.sampled_from(ARTICLES), QUANTITIES),
        st.tuples(st.just("export"), st.just(""), st.just("")),
    ),
    max_size=25,
)


@given(BY_US, st.lists(st.integers(0, 6), max_size=3))
def test_cut_off_any_number_of_times_the_order_is_what_the_work_order_says_in_its_sequence(
    edits: list[tuple[str, str, str]], cuts: list[int]
) -> None:
    world = play(edits)

    for cut in cuts:
        world.export(cut)
    world.export()

    ours = [(line.article_number, str(line.quantity)) for line in world.lines if line.reference]
    assert ours == sorted(world.wanted.items())
    assert world.between().is_empty


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
