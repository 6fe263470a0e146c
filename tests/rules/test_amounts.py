"""What a work order comes to: quantity times price, whose price that is, and what is not known."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from integrations.outsmart.records import Material
from kingsync.rules import amounts
from kingsync.rules.amounts import Price, PriceOf, Total
from kingsync.rules.orders import fingerprint
from kingsync.rules.plans import ArticleData, Plan
from tests.rules.test_orders import FACTS, HOUR, PIPE, plan_of, work_order

RATE = ArticleData(number="MONT", decimals=2, price=Decimal(58))
PRICED = msgspec.structs.replace(
    FACTS,
    articles={"BUIS-22": ArticleData(number="BUIS-22", decimals=1, price=Decimal("6.4"))},
    rates={"MONT": RATE},
)


def prices(plan: Plan) -> list[Price]:
    return [amounts.price_of(line.content, plan.facts[line.reference]) for line in plan.lines if line.content.quantity]


def test_the_price_that_we_send_comes_before_that_of_king() -> None:
    source = work_order(materials=(msgspec.structs.replace(PIPE, price="5,00"),))

    assert prices(plan_of(source, facts=PRICED, send_prices=True))[0] == Price(Decimal(5), PriceOf.SENT)
    assert prices(plan_of(source, facts=PRICED))[0] == Price(Decimal("6.4"), PriceOf.KING)


def test_outsmarts_price_counts_where_king_is_silent() -> None:
    source = work_order(materials=(msgspec.structs.replace(PIPE, price="5,00"),))

    assert prices(plan_of(source))[0] == Price(Decimal(5), PriceOf.OUTSMART)


@pytest.mark.parametrize("written", ["", "0,00", "-1", "gratis", "1.234,50", "99999999999", "0,0000001"])
def test_a_price_in_outsmart_that_says_nothing_is_unknown(written: str) -> None:
    assert amounts.price_in_outsmart(Material(position=1, price=written)) is None


def test_a_total_is_the_sum_of_its_rounded_lines() -> None:
    rows = tuple(msgspec.structs.replace(PIPE, position=n, quantity="1,5") for n in (1, 2))
    facts = msgspec.structs.replace(
        PRICED, articles={"BUIS-22": ArticleData(number="BUIS-22", decimals=1, price=Decimal("0.67"))}
    )

    # 1.005 each
    assert amounts.total(plan_of(work_order(materials=rows, periods=()), facts=facts)) == Total(Decimal("2.02"), False)


def test_credits_count_as_less() -> None:
    source = work_order(materials=(msgspec.structs.replace(PIPE, quantity="-10"),))

    assert amounts.total(plan_of(source, facts=PRICED)) == Total(Decimal("-6.00"), False)


def test_without_every_price_a_total_is_the_least() -> None:
    facts = msgspec.structs.replace(PRICED, rates={"MONT": ArticleData(number="MONT", decimals=2)})

    assert amounts.total(plan_of(work_order(), facts=facts)) == Total(Decimal("16.00"), True)


def test_a_refused_line_makes_a_total_the_least() -> None:
    source = work_order(periods=(msgspec.structs.replace(HOUR, total_time="abc"),))

    assert amounts.total(plan_of(source, facts=PRICED)) == Total(Decimal("16.00"), True)


def test_without_any_price_there_is_no_total() -> None:
    assert amounts.total(plan_of(work_order())) == Total(None, False)


def test_another_price_in_king_is_no_reason_to_send_again() -> None:
    known = (plan_of(work_order(), facts=facts) for facts in (FACTS, PRICED))

    assert len({fingerprint(plan) for plan in known}) == 1
