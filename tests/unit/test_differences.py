"""What must change in a King order, and what must be left alone."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from integrations.king.records import LineKind, Order, OrderLine
from kingsync.rules import differences
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
