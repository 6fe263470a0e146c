"""Travel distances: one line for each period that has one, after the hours, whatever becomes of the hours."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from integrations.king.records import LineKind
from integrations.outsmart.records import WorkOrder, WorkPeriod
from kingsync.rules import matching
from kingsync.rules.mapping import Exports
from kingsync.rules.orders import from_work_order
from kingsync.rules.plans import ArticleData, Content, Plan, PlannedLine, RelevantMasterData, SavedLine, Source
from tests.rules.test_orders import FACTS, HOUR, PIPE, plan_of, work_order

KILOMETRE = {"KM": ArticleData(number="KM", decimals=1)}
CHOICES = Exports(travel_article="KM", extra_text_lines=())
KNOWN = msgspec.structs.replace(FACTS, articles=FACTS.articles | KILOMETRE)


def period(travel: str, **changes: Any) -> WorkPeriod:
    return msgspec.structs.replace(HOUR, travel=travel, **changes)


def plan(*travels: str, facts: RelevantMasterData = KNOWN, **choices: Any) -> Plan:
    periods = tuple(period(travel, position=n, period_id=str(n)) for n, travel in enumerate(travels, 1))
    return plan_of(work_order(periods=periods), facts=facts, **({"travel_article": "KM"} | choices))


def travels(found: Plan) -> list[PlannedLine]:
    return [line for line in found.lines if line.origin.source is Source.TRAVEL]


def refused(found: Plan) -> list[str]:
    return [line.reason.code for line in found.refused if line.origin.source is Source.TRAVEL]


def test_a_distance_becomes_a_line_from_the_default_warehouse() -> None:
    (line,) = travels(plan("38"))

    assert line.content == Content(kind=LineKind.ARTICLE, article="KM", quantity=Decimal(38), warehouse="1")
    assert line.reference == "900-R1"


@pytest.mark.parametrize(("written", "quantity"), [("12,5", "12.5"), ("12.5", "12.5"), (" 7 ", "7"), ("0012", "12")])
def test_a_distance_is_read_with_comma_or_point(written: str, quantity: str) -> None:
    (line,) = travels(plan(written))

    assert line.content.quantity == Decimal(quantity)


@pytest.mark.parametrize("written", ["", "0", " ", "0,0", "-0"])
def test_no_distance_is_no_line(written: str) -> None:
    found = plan(written)

    assert not travels(found)
    assert not found.dropped


@pytest.mark.parametrize("written", ["38", "twaalf", "-5"])
def test_without_an_article_a_distance_is_not_sent(written: str) -> None:
    found = plan(written, travel_article=" ")

    assert not travels(found)
    assert not found.dropped


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("twaalf", "unreadable_distance"),
        ("1.234,5", "unreadable_distance"),
        ("-5", "negative_distance"),
        ("1,25", "too_many_decimals"),
        ("99999999999", "quantity_too_large"),
    ],
)
def test_a_distance_that_king_cannot_have_refuses_its_line(written: str, code: str) -> None:
    found = plan(written)

    assert refused(found) == [code]
    assert not found.is_complete


@pytest.mark.parametrize(
    ("article", "code"),
    [(None, "unknown_article"), (ArticleData(number="KM", is_blocked=True), "blocked_article")],
)
def test_an_article_that_king_refuses_refuses_the_line_alone(article: ArticleData | None, code: str) -> None:
    found = plan("38", facts=msgspec.structs.replace(FACTS, articles=FACTS.articles | {"KM": article}))

    assert refused(found) == [code]
    assert len(found.lines) == 2


def test_without_a_default_warehouse_none_is_sent() -> None:
    pipe = msgspec.structs.replace(PIPE, warehouse="2")
    source = work_order(materials=(pipe,), periods=(period("38"),))

    found = plan_of(source, facts=KNOWN, travel_article="KM", default_warehouse=" ")

    assert [line.content.warehouse for line in travels(found)] == [""]
    assert not found.rejects


def test_a_default_warehouse_that_king_does_not_know_refuses_the_line() -> None:
    assert refused(plan("38", default_warehouse="9")) == ["unknown_warehouse"]


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        ("materials_hours_text", "material hours hours travel travel text"),
        ("hours_materials_text", "hours hours travel travel material text"),
        ("text_hours_materials", "text hours hours travel travel material"),
    ],
)
def test_travel_follows_the_hours(sequence: str, expected: str) -> None:
    found = plan("1", "2", order_line_sequence=sequence, extra_text_lines=("tekst",))

    assert " ".join(line.origin.source for line in found.lines) == expected


@pytest.mark.parametrize("changes", [{"hour_type": "GEEN"}, {"total_time": "00:00"}, {"total_time": "abc"}])
def test_the_period_may_be_refused_or_zero(changes: dict[str, str]) -> None:
    facts = msgspec.structs.replace(KNOWN, rates=KNOWN.rates | {"GEEN": None})

    found = plan_of(work_order(periods=(period("38", **changes),)), facts=facts, travel_article="KM")

    assert len(travels(found)) == 1


def test_travel_alone_is_something_to_invoice() -> None:
    source = work_order(materials=(), periods=(period("38", total_time="00:00"),))

    assert not plan_of(source, facts=KNOWN, travel_article="KM").holds
    assert [why.code for why in plan_of(source, facts=KNOWN).holds] == ["nothing_to_invoice"]


def test_travel_that_is_refused_with_all_the_rest_rejects() -> None:
    source = work_order(materials=(), periods=(period("ver", total_time="abc"),))

    assert [why.code for why in plan_of(source, facts=KNOWN, travel_article="KM").rejects] == ["all_lines_refused"]


def test_prices_come_from_king_also_when_prices_are_sent() -> None:
    (line,) = travels(plan("38", send_prices=True))

    assert (line.content.price, line.is_price_kings) == (None, False)


# --- Which line it is -------------------------------------------------------------------------------------------------


def saved(found: Plan) -> tuple[SavedLine, ...]:
    """Return the lines as the ledger has them after they were sent."""
    sent = [
        SavedLine(reference=each.reference, key=each.origin.key, row=each.origin.row, sent=each.content)
        for each in found.lines
    ]
    return (*sent, *(SavedLine(reference=each.reference, key=each.origin.key) for each in found.dropped))


def again(source: WorkOrder, before: Plan) -> dict[str, str]:
    found = from_work_order(source, CHOICES, master_data=KNOWN, booked=saved(before))
    return {line.reference: str(line.content.quantity) for line in travels(found)}


@pytest.mark.parametrize("ids", [("5", "6"), ("", "")])
def test_a_line_stays_that_of_its_period(ids: tuple[str, str]) -> None:
    rows = [
        period(travel, position=n, period_id=number, begin_time=f"0{7 + n}:00")
        for n, (travel, number) in enumerate(zip(("10", "20"), ids, strict=True), 1)
    ]
    before = from_work_order(work_order(periods=tuple(rows)), CHOICES, master_data=KNOWN)
    second = msgspec.structs.replace(rows[1], position=1, travel="25")

    assert again(work_order(periods=(second,)), before) == {"900-R2": "25"}
    assert again(work_order(periods=(second, msgspec.structs.replace(rows[0], position=2))), before) == {
        "900-R2": "25",
        "900-R1": "10",
    }


def test_alike_periods_are_told_apart_by_their_distance() -> None:
    rows = [period(travel, position=n, period_id="") for n, travel in enumerate(("10", "20"), 1)]
    before = from_work_order(work_order(periods=tuple(rows)), CHOICES, master_data=KNOWN)

    assert again(work_order(periods=(msgspec.structs.replace(rows[1], position=1),)), before) == {"900-R2": "20"}


def test_no_two_lines_share_a_key_or_a_reference() -> None:
    found = plan("1", "2", "3")
    lines = [line for line in found.lines if line.origin.source is not Source.TEXT]

    assert len({line.origin.key for line in lines}) == len({line.reference for line in lines}) == 7


def test_our_own_travel_line_is_recognised_by_its_reference() -> None:
    assert matching.form_of_references("OS-900").fullmatch("900-R12")


# --- The tag ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("travels_of", "text"),
    [
        (("12",), "Reis: 12"),
        (("12", "0,5"), "Reis: 12,5"),
        (("7.25", "7,75"), "Reis: 15"),
        (("12", "ver", "-3", ""), "Reis: 12"),
        (("1000", "1000"), "Reis: 2000"),
    ],
)
def test_the_tag_is_the_sum_in_outsmarts_notation(travels_of: tuple[str, ...], text: str) -> None:
    found = plan(*travels_of, travel_article="", extra_text_lines=("Reis: {travel_distance}",))

    assert found.lines[-1].content.text == text


@pytest.mark.parametrize("travels_of", [(), ("",), ("0",), ("ver",)])
def test_without_a_distance_the_tag_is_empty(travels_of: tuple[str, ...]) -> None:
    found = plan(*travels_of, extra_text_lines=("{travel_distance}",))

    assert [line for line in found.lines if line.origin.source is Source.TEXT] == []
