"""What a choice does where King's staff and the office both changed a line."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.king.records import OrderLine
from kingsync.exports import verdict
from kingsync.rules import conflicts, differences
from kingsync.rules.conflicts import Choice
from kingsync.rules.differences import Differences
from kingsync.rules.plans import PlannedLine, SavedLine
from tests.rules.test_differences import booked, in_king, order, plan, planned

TWO, THREE, FOUR = planned("1-M1", "2"), planned("1-M1", "3"), planned("1-M1", "4")


def solved(line: SavedLine, steps: Differences, choice: Choice) -> SavedLine:
    """Return the line with this choice for each of its conflicts."""
    reasons = (verdict.stopping(steps, number="7") or ("", ()))[1]
    kept = {mark: what for why in reasons for mark, what in conflicts.kept(why.code, why.params, choice).items()}
    return msgspec.structs.replace(line, choices=line.choices | kept)


def carried_out(steps: Differences, line: SavedLine, theirs: Sequence[OrderLine]) -> tuple[SavedLine, list[OrderLine]]:
    """Return the line as saved and King's lines, after the steps."""
    saved = next((each for each in steps.found), line)
    in_order = {each.line_id: each for each in theirs}
    for step in steps.changes:
        fields = {name: getattr(step.change, name) for name in step.change.__struct_fields__}
        written = {name: value for name, value in fields.items() if value is not None}
        now = in_order[step.king_line_id] = msgspec.structs.replace(in_order[step.king_line_id], **written)
        rebased = {name: getattr(now, name) for name in step.settled}
        as_read = msgspec.structs.replace(saved.as_read or now, **rebased)
        saved = msgspec.structs.replace(saved, sent=step.line.content, as_read=as_read)
    for gone in steps.removals:
        del in_order[gone.king_line_id]
    for added in steps.additions:
        in_order["99"] = in_king(added.line, "99")
        saved = msgspec.structs.replace(booked(added.line, "99"), choices=saved.choices)
    return saved, list(in_order.values())


def compared(wanted: PlannedLine | None, line: SavedLine, theirs: Sequence[OrderLine]) -> Differences:
    return differences.between(plan(*([wanted] if wanted else [])), [line], order(*theirs))


def decided(wanted: PlannedLine | None, choice: Choice, *theirs: OrderLine) -> tuple[SavedLine, list[OrderLine]]:
    """Return line and order after a conflict with `TWO` as sent last was solved, which the next run leaves alone."""
    line = solved(booked(TWO, "1"), compared(wanted, booked(TWO, "1"), theirs), choice)
    steps = compared(wanted, line, theirs)
    assert not steps.conflicts
    line, after = carried_out(steps, line, theirs)
    assert compared(wanted, line, after).is_empty
    return line, after


QUANTITIES = {Choice.KING: 9, Choice.OUTSMART: 3, Choice.SUM: 10}


@pytest.mark.parametrize(("choice", "quantity"), QUANTITIES.items())
def test_a_quantity_is_kings_outsmarts_or_has_both_changes(choice: Choice, quantity: int) -> None:
    _, (line,) = decided(THREE, choice, in_king(TWO, "1", quantity="9"))
    assert line.quantity == quantity


@pytest.mark.parametrize(("choice", "is_there"), [(Choice.KING, False), (Choice.OUTSMART, True)])
def test_a_line_that_staff_removed_stays_away_or_comes_back(choice: Choice, is_there: bool) -> None:
    _, lines = decided(THREE, choice)
    assert [line.quantity for line in lines] == [Decimal(3)] * is_there


@pytest.mark.parametrize(("choice", "is_there"), [(Choice.KING, True), (Choice.OUTSMART, False)])
def test_a_line_whose_row_is_gone_stays_or_goes(choice: Choice, is_there: bool) -> None:
    _, lines = decided(None, choice, in_king(TWO, "1", quantity="9"))
    assert bool(lines) == is_there


def test_a_line_left_to_kings_staff_is_theirs_whatever_they_do() -> None:
    line, (theirs,) = decided(None, Choice.KING, in_king(TWO, "1", quantity="9"))
    later = msgspec.structs.replace(theirs, quantity=Decimal(50), delivered=Decimal(1))
    assert compared(None, line, [later]).is_empty
    assert not differences.by_staff("OS-1", [line], order(later)).notices


@pytest.mark.parametrize("choice", Choice)
def test_another_value_later_is_asked_about(choice: Choice) -> None:
    line, (theirs,) = decided(THREE, choice, in_king(TWO, "1", quantity="9"))
    later = msgspec.structs.replace(theirs, quantity=Decimal(20))
    assert compared(FOUR, line, [later]).conflicts


@pytest.mark.parametrize("choice", [Choice.KING, Choice.SUM])
def test_what_staff_set_is_not_overwritten_by_a_later_edit(choice: Choice) -> None:
    line, after = decided(THREE, choice, in_king(TWO, "1", quantity="1"))
    assert compared(FOUR, line, after).conflicts


def test_a_choice_is_for_these_values_only() -> None:
    theirs = in_king(TWO, "1", quantity="9")
    line = solved(booked(TWO, "1"), compared(THREE, booked(TWO, "1"), [theirs]), Choice.OUTSMART)
    assert compared(FOUR, line, [theirs]).conflicts
    assert compared(THREE, line, [in_king(TWO, "1", quantity="8")]).conflicts


def test_a_sum_whose_answer_was_lost_is_not_added_twice() -> None:
    theirs = in_king(TWO, "1", quantity="9")
    line = solved(booked(TWO, "1"), compared(THREE, booked(TWO, "1"), [theirs]), Choice.SUM)
    (found,) = compared(THREE, line, [theirs]).found
    lost = msgspec.structs.replace(found, attempted=THREE.content)

    steps = compared(THREE, lost, [in_king(TWO, "1", quantity="10")])

    assert steps.is_empty


NUMBERS = st.integers(1, 9).map(str)


@given(ours=NUMBERS, theirs=NUMBERS, choice=st.sampled_from(Choice))
def test_after_a_choice_there_is_no_conflict_and_nothing_to_write(ours: str, theirs: str, choice: Choice) -> None:
    wanted = planned("1-M1", ours)
    line, after = decided(wanted, choice, in_king(TWO, "1", quantity=theirs))
    assert compared(wanted, line, after).is_empty


@pytest.mark.parametrize(("choice", "article"), [(Choice.KING, "C"), (Choice.OUTSMART, "B")])
def test_an_article_is_kings_or_outsmarts(choice: Choice, article: str) -> None:
    line = msgspec.structs.replace(in_king(TWO, "1"), article_number="C", description="Name of C", price=Decimal(5))
    _, (after,) = decided(planned("1-M1", "2", "B"), choice, line)
    assert after.article_number == article


def test_a_description_of_staff_keeps_the_article_or_goes_with_it() -> None:
    line = msgspec.structs.replace(in_king(TWO, "1"), description="Op maat")
    other = planned("1-M1", "2", "B")
    assert [decided(other, each, line)[1][0].article_number for each in (Choice.KING, Choice.OUTSMART)] == ["A", "B"]


def test_only_quantities_can_be_added_up() -> None:
    assert conflicts.total("2", "3", "9") == 10
    assert conflicts.total("2", "-", "9") is None
