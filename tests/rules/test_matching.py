"""Matching the rows of a work order with the lines of earlier runs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from integrations.king.records import LineKind
from integrations.outsmart.records import Material, WorkOrder, WorkPeriod
from kingsync.rules import matching
from kingsync.rules.plans import Content, SavedLine

Row = tuple[str, str, str]  # code, quantity, warehouse


def materials(*rows: Row) -> WorkOrder:
    listed = [
        Material(position=place, code=code, quantity=quantity, warehouse=warehouse)
        for place, (code, quantity, warehouse) in enumerate(rows, 1)
    ]
    return WorkOrder(outsmart_id="1", materials=tuple(listed))


def keys_of(work_order: WorkOrder, booked: list[SavedLine]) -> list[str]:
    keys = matching.Keys.of(work_order, booked)
    return [keys.material(row) for row in work_order.materials] + [keys.period(row) for row in work_order.periods]


def sent(*rows: Row) -> list[SavedLine]:
    """Return the lines of these rows as saved after an export, with the default warehouse 1."""
    keys = keys_of(materials(*rows), [])
    contents = [
        Content(kind=LineKind.ARTICLE, article=code, quantity=Decimal(quantity), warehouse=warehouse or "1")
        for code, quantity, warehouse in rows
    ]
    return [
        SavedLine(reference=f"1-M{place}", key=key, sent=content, king_line_id=str(place))
        for place, (key, content) in enumerate(zip(keys, contents, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("before", "now", "places"),
    [
        ([("A", "1", ""), ("B", "1", "")], [("A", "1", ""), ("B", "1", "")], [1, 2]),
        ([("A", "1", ""), ("A", "2", ""), ("A", "3", "")], [("A", "2", ""), ("A", "3", "")], [2, 3]),
        ([("A", "1", ""), ("A", "1", ""), ("A", "1", "")], [("A", "1", ""), ("A", "5", ""), ("A", "1", "")], [1, 2, 3]),
        ([("A", "1", ""), ("A", "2", "")], [("A", "2", ""), ("A", "1", "")], [2, 1]),
        ([("A", "1", "1"), ("B", "1", "")], [("A", "1", "2"), ("B", "1", "")], [1, 2]),
        ([("A", "1", "1"), ("A", "1", "2")], [("A", "1", "2"), ("A", "1", "1")], [2, 1]),
        ([("A", "1", "1"), ("A", "4", "2")], [("A", "4", "3")], [2]),
        ([("A", "1", "")], [("A", "1", ""), ("A", "1", "")], [1, 0]),
        ([("A", "1", "")], [("B", "1", "")], [0]),
        ([("A|x", "1", "")], [("A|x", "2", "")], [1]),
    ],
)
def test_rows_keep_the_lines_that_they_were(before: list[Row], now: list[Row], places: list[int]) -> None:
    booked = sent(*before)

    found = keys_of(materials(*now), booked)

    known = {line.key: place for place, line in enumerate(booked, 1)}
    assert [known.get(key, 0) for key in found] == places
    assert len(set(found)) == len(found)


def test_a_row_that_changed_its_warehouse_is_found_again_and_again() -> None:
    (line,) = sent(("A", "1", "1"))
    moved = SavedLine(reference="1-M1", key=line.key, sent=Content(kind=LineKind.ARTICLE, article="A", warehouse="2"))

    first, new = keys_of(materials(("A", "1", "2"), ("A", "1", "1")), [moved])

    assert (first, new != first) == (line.key, True)


def test_a_period_without_an_id_keeps_its_line_when_its_hour_type_changes() -> None:
    def work_order(hour_type: str) -> WorkOrder:
        period = WorkPeriod(position=1, work_date="1-2-2026", begin_time="08:00", hour_type=hour_type)
        return WorkOrder(outsmart_id="1", periods=(period,))

    (key,) = keys_of(work_order("MONT"), [])
    line = SavedLine(reference="1-U1", key=key, sent=Content(kind=LineKind.RATE, article="MONT"))

    assert keys_of(work_order("LEER"), [line]) == [key]


def test_a_row_that_nobody_changed_keeps_its_line_although_one_like_it_is_refused() -> None:
    # The first was refused for its price and never sent; a second run must not mistake the line of the other for it.
    rows = [
        Material(position=1, code="A", quantity="1", price="gratis"),
        Material(position=2, code="A", quantity="1", price="7"),
    ]
    work_order = WorkOrder(outsmart_id="1", materials=tuple(rows))
    refused, good = keys_of(work_order, [])
    booked = [
        replace(sent(("A", "1", ""))[0], key=good, row=matching.fingerprint_of(rows[1])),
        SavedLine(reference="1-M2", key=refused, row=matching.fingerprint_of(rows[0])),
    ]

    assert keys_of(work_order, booked) == [refused, good]


def test_the_line_of_a_row_that_went_is_not_that_of_a_refused_one() -> None:
    rows = [Material(position=1, code="A", quantity="abc"), Material(position=2, code="A", quantity="1")]
    refused, good = keys_of(WorkOrder(outsmart_id="1", materials=tuple(rows)), [])
    booked = [
        replace(sent(("A", "1", ""))[0], key=good, row=matching.fingerprint_of(rows[1])),
        SavedLine(reference="1-M2", key=refused, row=matching.fingerprint_of(rows[0])),
    ]

    assert keys_of(WorkOrder(outsmart_id="1", materials=(rows[0],)), booked) == [refused]


def test_an_article_that_is_written_in_another_way_now_keeps_its_line() -> None:
    (line,) = sent(("BUIS", "1", ""))
    row = Material(position=1, code="8711111111114", quantity="1")

    keys = matching.Keys.of(WorkOrder(outsmart_id="1", materials=(row,)), [line], lambda _code: "BUIS")

    assert keys.material(row) == line.key


@pytest.mark.parametrize("change", [{"quantity": "2"}, {"price": "8"}, {"warehouse": "3"}, {"name": "B"}])
def test_every_field_that_decides_a_line_makes_another_row(change: dict[str, str]) -> None:
    row = Material(position=1, code="A", name="A", quantity="1", price="7", warehouse="1")

    assert matching.fingerprint_of(replace(row, position=9)) == matching.fingerprint_of(row)
    assert matching.fingerprint_of(replace(row, **change)) != matching.fingerprint_of(row)
