"""Which lines a person wants to see before they are sent, and what a release of one is about."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import msgspec
import pytest

from integrations.outsmart.records import WorkOrder
from kingsync.rules import review
from kingsync.rules.mapping import Exports, Review
from kingsync.rules.plans import ArticleData, Plan, RelevantMasterData
from tests.rules.test_orders import FACTS, HOUR, PIPE, plan_of, work_order

ALL: tuple[Review, ...] = get_args(Review)
PRICED = msgspec.structs.replace(
    FACTS,
    articles={
        "BUIS-22": ArticleData(number="BUIS-22", decimals=1, price=Decimal("6.4")),
        "8711": ArticleData(number="BUIS-22", decimals=1, price=Decimal(0)),
        "GRATIS": ArticleData(number="GRATIS", price=Decimal("0.000")),
        "ONBEKEND": ArticleData(number="ONBEKEND"),
    },
    rates={"MONT": ArticleData(number="MONT", decimals=2, price=Decimal(58))},
)


def found(source: WorkOrder, *, facts: RelevantMasterData = PRICED, **choices: object) -> list[tuple[str, str]]:
    plan = plan_of(source, facts=facts, **choices)  # type: ignore[arg-type]
    wanted = msgspec.convert({"review": ALL} | choices, Exports)
    reasons = review.of_lines(plan.lines, plan.facts, wanted)
    return [(why.code.removeprefix("review."), why.params["line"]) for why in reasons]


def material(**changes: object) -> WorkOrder:
    return work_order(materials=(msgspec.structs.replace(PIPE, **changes),))


def test_an_ordinary_work_order_needs_no_review() -> None:
    assert found(work_order(), extra_text_lines=("tekst", "", "", "")) == []


def test_a_quantity_below_zero_is_a_credit() -> None:
    assert found(material(quantity="-1")) == [("credit", "BUIS-22")]


def test_a_warranty_code_is_warranty() -> None:
    assert found(material(warranty=" GAR12 ")) == [("warranty", "BUIS-22")]
    assert found(material(warranty=" ")) == []


@pytest.mark.parametrize("code", ["GRATIS", "8711"])
def test_kings_price_of_zero_counts_where_none_is_sent(code: str) -> None:
    assert found(material(code=code, price="5,00")) == [("zero_price", code)]
    assert found(material(code=code, price="5,00"), send_prices=True) == []
    assert found(material(code=code, price=""), send_prices=True) == [("zero_price", code)]


def test_a_price_of_zero_that_we_send_counts() -> None:
    assert found(material(price="0,00"), send_prices=True) == [("zero_price", "BUIS-22")]
    assert found(material(price="0,00")) == []


def test_an_unknown_price_is_not_zero() -> None:
    assert found(material(code="ONBEKEND")) == []


def test_a_rate_and_a_distance_may_be_without_a_price_too() -> None:
    free = ArticleData(number="MONT", decimals=2, price=Decimal(0))
    facts = msgspec.structs.replace(PRICED, rates={"MONT": free})
    source = work_order(periods=(msgspec.structs.replace(HOUR, travel="12"),))

    assert found(source, facts=facts, travel_article="GRATIS") == [("zero_price", "MONT"), ("zero_price", "GRATIS")]


def test_a_line_without_a_code_is_a_free_line() -> None:
    source = material(code="", name="Klein materiaal", price="2,00")

    assert found(source, free_line_article="BUIS-22") == [("free_line", "Klein materiaal")]
    assert found(source) == []  # refused: nothing would be sent


def test_everything_about_everything_is_said() -> None:
    source = material(code="", name="Los", quantity="-2", warranty="G", price="")

    codes = [code for code, _line in found(source, free_line_article="GRATIS")]

    assert codes == ["credit", "warranty", "zero_price", "free_line"]


@pytest.mark.parametrize("wanted", ALL[:-1])
def test_only_what_was_chosen_is_said(wanted: Review) -> None:
    source = material(code="", name="Los", quantity="-2", warranty="G", price="")

    assert found(source, free_line_article="GRATIS", review=(wanted,)) == [(wanted, "Los")]


def key(plan: Plan) -> str:
    (why,) = review.of_lines(plan.lines, plan.facts, Exports(review=ALL))
    return review.key_of(why)


def test_a_release_is_about_one_line_whatever_its_quantity() -> None:
    assert key(plan_of(material(quantity="-1"))) == key(plan_of(material(quantity="-20")))
    assert key(plan_of(material(quantity="-1"))) != key(plan_of(material(code="KNIE", quantity="-1")))
    assert review.key_of(review.of_first_order("10")) != review.key_of(review.of_first_order("11"))


def test_only_a_zero_that_would_hold_the_order_is_asked_about() -> None:
    plan = plan_of(material(code="GRATIS"), facts=PRICED)

    assert review.doubted(plan, Exports(review=("zero_price",))) == {("ART", "GRATIS")}
    assert review.doubted(plan, Exports(review=("credit",))) == set()


def test_a_warranty_code_alone_changes_no_line() -> None:
    before, after = (plan_of(material(warranty=code)) for code in ("", "GAR12"))

    assert before.lines == after.lines
