"""Minutes, rounding and quantities of work periods."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.outsmart.records import WorkPeriod
from kingsync.rules import hours
from kingsync.rules.outcomes import Reason


def period(total: str = "", begin: str = "", end: str = "", pause: str = "") -> WorkPeriod:
    return WorkPeriod(position=1, total_time=total, begin_time=begin, end_time=end, break_minutes=pause)


@pytest.mark.parametrize(
    ("work_period", "minutes"),
    [
        (period(total="03:45", begin="08:00", end="12:00", pause="15"), 225),
        (period(total="26:10"), 1570),
        (period(total="00:00", begin="08:00", end="09:00"), 0),
        (period(begin="08:00", end="12:00"), 240),
        (period(begin="08:00", end="12:00", pause="15"), 225),
        (period(begin="21:40", end="00:25"), 165),
        (period(begin="21:40", end="00:25", pause="30"), 135),
        (period(begin="08:00", end="08:00"), 0),
    ],
)
def test_minutes_come_from_the_total_or_else_from_begin_end_and_break(work_period: WorkPeriod, minutes: int) -> None:
    assert hours.registered_minutes(work_period) == minutes


@pytest.mark.parametrize(
    ("work_period", "code"),
    [
        (period(), "no_time"),
        (period(begin="08:00"), "no_time"),
        (period(total="drie uur"), "unreadable_time"),
        (period(begin="8 uur", end="12:00"), "unreadable_time"),
        (period(begin="08:00", end="later"), "unreadable_time"),
        (period(begin="25:00", end="08:00"), "unreadable_time"),
        (period(begin="08:00", end="24:30"), "unreadable_time"),
        (period(begin="08:00", end="09:00", pause="kwart"), "unreadable_time"),
        (period(begin="08:00", end="08:10", pause="15"), "break_too_long"),
    ],
)
def test_time_that_cannot_be_told_is_refused_with_its_reason(work_period: WorkPeriod, code: str) -> None:
    answer = hours.registered_minutes(work_period)

    assert isinstance(answer, Reason)
    assert answer.code == code


@pytest.mark.parametrize(
    ("minutes", "step", "rounded"),
    [(1, 15, 15), (15, 15, 15), (16, 15, 30), (50, 5, 50), (51, 5, 55), (31, 30, 60), (37, 0, 37), (0, 15, 0)],
)
def test_minutes_are_rounded_up_and_a_value_on_the_step_stays(minutes: int, step: int, rounded: int) -> None:
    assert hours.round_up(minutes, step) == rounded


@given(st.integers(0, 10_000), st.sampled_from([0, 5, 15, 30]))
def test_rounding_never_loses_time_and_never_adds_a_whole_step(minutes: int, step: int) -> None:
    rounded = hours.round_up(minutes, step)

    assert minutes <= rounded < minutes + max(step, 1)
    assert hours.round_up(rounded, step) == rounded


@pytest.mark.parametrize(
    ("minutes", "decimals", "quantity"),
    [
        (225, 2, "3.75"),
        (60, 0, "1"),
        (90, 1, "1.5"),
        (50, 3, "0.833"),
        (50, 2, "0.83"),
        (50, None, "0.833"),
        (600, 2, "10"),
    ],
)
def test_quantity_is_hours_in_the_decimals_of_the_rate(minutes: int, decimals: int | None, quantity: str) -> None:
    assert str(hours.quantity(minutes, decimals)) == quantity


@pytest.mark.parametrize(("minutes", "decimals"), [(90, 0), (45, 1), (55, 1)])
def test_decimals_that_would_shift_the_time_are_not_used(minutes: int, decimals: int) -> None:
    assert hours.quantity(minutes, decimals) is None


@given(st.integers(1, 10_000), st.integers(0, 3))
def test_a_quantity_is_never_more_than_half_a_minute_off(minutes: int, decimals: int) -> None:
    quantity = hours.quantity(minutes, decimals)

    if quantity is not None:
        assert abs(quantity * 60 - minutes) <= Decimal("0.5")
        assert -int(quantity.as_tuple().exponent) <= decimals


def test_a_total_is_shown_as_a_clock() -> None:
    assert [hours.as_clock(minutes) for minutes in (0, 5, 610, 6000)] == ["0:00", "0:05", "10:10", "100:00"]
