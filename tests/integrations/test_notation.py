"""Parsing and writing of numbers, dates and text: tables of cases."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import notation


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("  ", None),
        ("4,55", Decimal("4.55")),
        ("233.00", Decimal("233.00")),
        (" 2 ", Decimal(2)),
        ("-1,5", Decimal("-1.5")),
        ("+3", Decimal(3)),
        ("1.249", Decimal("1.249")),
        (",5", Decimal("0.5")),
        ("0.10", Decimal("0.10")),
    ],
)
def test_decimal_is_read_with_comma_or_point(text: str, expected: Decimal | None) -> None:
    assert notation.parse_decimal(text) == expected


@pytest.mark.parametrize(
    "text",
    ["1.249,00", "1,249.00", "1 249", "abc", "5,", ".", "-", "1e3", "NaN", "Infinity", "1__0", "٣", "€ 5", "--1"],
)
def test_anything_but_a_plain_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        notation.parse_decimal(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("46.2", "46.20"), ("0", "0.00"), ("1.234", "1.234"), ("1E+2", "100.00"), ("-0.5", "-0.50")],
)
def test_decimal_is_written_with_two_places_or_more(value: str, expected: str) -> None:
    assert notation.write_decimal(Decimal(value)) == expected


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_decimal_that_is_no_number_is_never_written(value: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        notation.write_decimal(Decimal(value))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_what_is_written_is_read_back_the_same(value: Decimal) -> None:
    assert notation.parse_decimal(notation.write_decimal(value)) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("00-00-0000", None),
        ("10-11-2025", datetime.date(2025, 11, 10)),
        (" 1-2-2025 ", datetime.date(2025, 2, 1)),
        ("29-02-2024", datetime.date(2024, 2, 29)),
    ],
)
def test_date_is_read_day_first(text: str, expected: datetime.date | None) -> None:
    assert notation.parse_date(text) == expected


@pytest.mark.parametrize("text", ["2025-11-10", "31-02-2025", "10/11/2025", "10-11-25", "vandaag", "10-11-2025 08:00"])
def test_date_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|day|month"):
        notation.parse_date(text)


def test_date_is_written_day_first() -> None:
    assert notation.write_date(datetime.date(2025, 2, 1)) == "01-02-2025"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", None), ("2025-11-10", datetime.date(2025, 11, 10)), ("2025-11-10T08:00:00", datetime.date(2025, 11, 10))],
)
def test_king_date_loses_its_time(text: str, expected: datetime.date | None) -> None:
    assert notation.parse_iso_date(text) == expected


@pytest.mark.parametrize("text", ["10-11-2025", "2025-11-10x", "2025-13-01"])
def test_king_date_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|month"):
        notation.parse_iso_date(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("", None), ("03:45", 225), ("0:05", 5), ("00:00", 0), ("27:30", 1650), ("100:00", 6000)]
)
def test_duration_is_hours_and_minutes_not_a_clock(text: str, expected: int | None) -> None:
    assert notation.parse_duration(text) == expected


@pytest.mark.parametrize("text", ["3", "3:60", "3:5", "-1:00", "03:45:00", "03.45", "x", "3,75"])
def test_duration_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        notation.parse_duration(text)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2025-07-01T10:00:00+00:00", "2025-07-01T12:00:00"),
        ("2025-12-01T10:00:00.900+00:00", "2025-12-01T11:00:00"),
        ("2025-10-25T23:59:59+00:00", "2025-10-26T01:59:59"),  # an hour before the clocks go back
        ("2025-10-26T00:50:00+00:00", "2025-10-26T02:00:00"),  # 02:50, and ten minutes later it is 02:00
        ("2025-10-26T01:10:00+00:00", "2025-10-26T02:10:00"),  # the second 02:10
        ("2025-03-30T00:30:00+00:00", "2025-03-30T01:30:00"),  # clocks go forward at 02:00
    ],
)
def test_changed_since_is_dutch_time_that_misses_nothing(moment: str, expected: str) -> None:
    assert notation.write_changed_since(datetime.datetime.fromisoformat(moment)) == expected


@given(since=st.integers(0, 4 * 3600), later=st.integers(0, 4 * 3600))
def test_changed_since_is_never_later_than_what_changes_afterwards(since: int, later: int) -> None:
    night = datetime.datetime(2025, 10, 25, 22, tzinfo=datetime.UTC)  # the clocks go back this night
    moment = night + datetime.timedelta(seconds=since)
    changed = (moment + datetime.timedelta(seconds=later)).astimezone(notation.DUTCH_TIME)

    assert notation.write_changed_since(moment) <= changed.strftime("%Y-%m-%dT%H:%M:%S")


def test_changed_since_wants_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        notation.write_changed_since(datetime.datetime(2025, 1, 1))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gewoon", "gewoon"),
        ("een\r\ntwee\rdrie\nvier", "een\ntwee\ndrie\nvier"),
        ("a\tb", "a\tb"),
        ("a\x00b\x1bc\x7fd\x85e", "abcde"),
        ("\u200bé\u00a0ß 漢 \u2028", "\u200bé\u00a0ß 漢 \u2028"),
        ("  spaties  ", "  spaties  "),
        ("", ""),
    ],
)
def test_text_loses_only_control_characters(text: str, expected: str) -> None:
    assert notation.clean_text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("001", "1"), ("1", "1"), ("000", "0"), ("", ""), ("MAG01", "MAG01"), ("0A", "0A"), ("٠١", "٠١")],
)
def test_warehouse_code_loses_leading_zeros_when_it_is_a_number(text: str, expected: str) -> None:
    assert notation.canonical_number(text) == expected
