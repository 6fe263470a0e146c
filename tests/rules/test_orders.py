"""Work order → King order: the rules of product.md, chapter 4, one test per sentence."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.king.records import LineKind
from integrations.outsmart.records import Material, WorkOrder, WorkPeriod
from kingsync.rules import orders
from kingsync.rules.mapping import Exports
from kingsync.rules.plans import ArticleData, Plan, RelevantMasterData, SavedLine, Source

PIPE = Material(position=1, code="BUIS-22", name="Buis", quantity="2,5")
HOUR = WorkPeriod(position=1, period_id="5", total_time="01:00", hour_type="MONT")
CHOICES = Exports(extra_text_lines=("", "", "", ""))
FACTS = RelevantMasterData(
    articles={"BUIS-22": ArticleData(number="BUIS-22", decimals=1)},
    rates={"MONT": ArticleData(number="MONT", decimals=2)},
    debtors={"10": ArticleData(number="10"), "11": ArticleData(number="11")},
    warehouses=frozenset({"1", "2"}),
)


def work_order(**changes: Any) -> WorkOrder:
    base = WorkOrder(
        outsmart_id="900",
        order_number="2025.9",
        customer_debtor_number="10",
        invoice_debtor_number="11",
        materials=(PIPE,),
        periods=(HOUR,),
    )
    return msgspec.structs.replace(base, **changes)


def plan_of(
    source: WorkOrder, *, facts: RelevantMasterData = FACTS, is_new: bool = True, number: str = "", **choices: Any
) -> Plan:
    wanted = msgspec.structs.replace(CHOICES, **choices)
    return orders.from_work_order(source, wanted, master_data=facts, king_order_number=number, is_new=is_new)


def material(**changes: Any) -> WorkOrder:
    return work_order(materials=(msgspec.structs.replace(PIPE, **changes),))


def period(**changes: Any) -> WorkOrder:
    return work_order(periods=(msgspec.structs.replace(HOUR, **changes),))


def refusals(plan: Plan) -> list[str]:
    return [line.reason.code for line in plan.refused]


# --- Debtor -----------------------------------------------------------------------------------------------------------


def test_the_relation_chosen_gives_the_debtor() -> None:
    assert plan_of(work_order(), assign_relation="invoice").header.debtor_number == "11"
    assert plan_of(work_order(), assign_relation="customer").header.debtor_number == "10"


def test_an_empty_invoice_debtor_falls_back_to_the_customer() -> None:
    assert plan_of(work_order(invoice_debtor_number=" ")).header.debtor_number == "10"


@pytest.mark.parametrize(
    ("source", "facts", "code"),
    [
        (work_order(customer_debtor_number="", invoice_debtor_number=""), FACTS, "no_debtor"),
        (work_order(), msgspec.structs.replace(FACTS, debtors={"11": None}), "unknown_debtor"),
        (
            work_order(),
            msgspec.structs.replace(FACTS, debtors={"11": ArticleData(number="11", is_blocked=True)}),
            "blocked_debtor",
        ),
        (work_order(outsmart_id="9" * 18), FACTS, "number_too_long"),
    ],
)
def test_a_new_order_without_a_good_debtor_is_rejected(source: WorkOrder, facts: RelevantMasterData, code: str) -> None:
    assert [why.code for why in plan_of(source, facts=facts).rejects] == [code]


def test_an_existing_order_keeps_its_debtor() -> None:
    facts = msgspec.structs.replace(FACTS, debtors={"11": None})

    assert plan_of(work_order(), facts=facts, is_new=False).rejects == ()


def test_what_is_not_known_of_a_debtor_is_left_to_king() -> None:
    assert plan_of(work_order(), facts=RelevantMasterData()).rejects == ()


# --- Header -----------------------------------------------------------------------------------------------------------


def test_the_header_carries_our_number_and_the_dates_of_the_work() -> None:
    header = plan_of(work_order(work_date="10-11-2025", work_end_date="11-11-2025")).header

    assert header.external_number == "OS-900"
    assert header.order_date == datetime.date(2025, 11, 10)
    assert header.delivery_date == datetime.date(2025, 11, 11)


@pytest.mark.parametrize(
    ("external", "own", "reference"),
    [
        ("PO 1", "Ketel", "PO 1"),
        ("x" * 41, "Ketel", "Ketel"),
        ("", "", "Werkbon 2025.9"),
        ("", "y" * 41, "Werkbon 2025.9"),
    ],
)
def test_the_reference_is_the_first_name_that_king_takes_whole(external: str, own: str, reference: str) -> None:
    assert plan_of(work_order(external_reference=external, reference=own)).header.reference == reference


# --- Materials --------------------------------------------------------------------------------------------------------


def test_a_material_becomes_an_article_line() -> None:
    (line,) = [line for line in plan_of(work_order()).lines if line.origin.source is Source.MATERIAL]

    assert line.content.kind is LineKind.ARTICLE
    assert (line.content.article, line.content.quantity, line.content.warehouse) == ("BUIS-22", Decimal("2.5"), "1")
    assert line.content.price is None
    assert line.content.text == ""


def test_an_ean_code_finds_the_article() -> None:
    facts = msgspec.structs.replace(FACTS, articles={"8712345678906": ArticleData(number="BUIS-22", decimals=1)})

    assert plan_of(material(code="8712345678906"), facts=facts).lines[0].content.article == "BUIS-22"


@pytest.mark.parametrize(
    ("quantity", "sent"), [("-1", "-1"), ("1.50", "1.5"), ("1,50", "1.5"), ("100", "100"), ("0,5", "0.5")]
)
def test_quantities_are_read_in_both_notations_and_a_credit_is_negative(quantity: str, sent: str) -> None:
    assert str(plan_of(material(quantity=quantity)).lines[0].content.quantity) == sent


def test_the_warehouse_is_the_lines_own_or_else_the_default() -> None:
    assert plan_of(material(warehouse="002")).lines[0].content.warehouse == "2"
    assert plan_of(material(warehouse="")).lines[0].content.warehouse == "1"


def test_a_material_without_any_warehouse_rejects_the_work_order() -> None:
    assert [why.code for why in plan_of(work_order(), default_warehouse="").rejects] == ["no_warehouse"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"code": ""}, "no_article_code"),
        ({"quantity": ""}, "no_quantity"),
        ({"quantity": "veel"}, "unreadable_quantity"),
        ({"quantity": "1.25"}, "too_many_decimals"),
        ({"warehouse": "BUS107"}, "unknown_warehouse"),
    ],
)
def test_a_material_that_king_cannot_book_is_refused(changes: dict[str, str], code: str) -> None:
    assert refusals(plan_of(material(**changes))) == [code]


@pytest.mark.parametrize(
    ("article", "code"),
    [(None, "unknown_article"), (ArticleData(number="BUIS-22", is_blocked=True), "blocked_article")],
)
def test_an_unknown_or_blocked_article_is_refused(article: ArticleData | None, code: str) -> None:
    facts = msgspec.structs.replace(FACTS, articles={"BUIS-22": article})

    assert refusals(plan_of(work_order(), facts=facts)) == [code]


@pytest.mark.parametrize("quantity", ["0", "0,00", "-0"])
def test_a_zero_quantity_is_left_out_whatever_else_is_wrong(quantity: str) -> None:
    plan = plan_of(material(quantity=quantity, code="", warehouse=""), default_warehouse="")

    assert [(line.reason.code, line.is_refused) for line in plan.dropped] == [("zero_quantity", False)]
    assert plan.rejects == ()


def test_a_line_without_a_code_goes_on_the_free_article_with_its_name() -> None:
    facts = msgspec.structs.replace(FACTS, articles={"DIV": ArticleData(number="DIV", decimals=2)})
    plan = plan_of(material(code="", name="Klein materiaal"), facts=facts, free_line_article="DIV")

    assert (plan.lines[0].content.article, plan.lines[0].content.text) == ("DIV", "Klein materiaal")


def test_prices_are_sent_only_when_asked() -> None:
    assert plan_of(material(price="6,40"), send_prices=True).lines[0].content.price == Decimal("6.4")
    assert refusals(plan_of(material(price="-1"), send_prices=True)) == ["negative_price"]
    assert refusals(plan_of(material(price="duur"), send_prices=True)) == ["unreadable_price"]


# --- Hours ------------------------------------------------------------------------------------------------------------


def test_a_period_becomes_a_rate_line_with_its_minutes_kept() -> None:
    (line,) = [line for line in plan_of(period(total_time="01:01")).lines if line.origin.source is Source.HOURS]

    assert line.content.kind is LineKind.RATE
    assert (line.content.article, line.content.quantity) == ("MONT", Decimal("1.25"))
    assert (line.registered_minutes, line.rounded_minutes) == (61, 75)


@pytest.mark.parametrize(
    ("rate", "code"),
    [(None, "unknown_rate"), (ArticleData(number="MONT", is_blocked=True), "blocked_rate")],
)
def test_an_unknown_or_blocked_rate_is_refused(rate: ArticleData | None, code: str) -> None:
    assert refusals(plan_of(work_order(), facts=msgspec.structs.replace(FACTS, rates={"MONT": rate}))) == [code]


def test_an_empty_hour_type_is_refused() -> None:
    assert refusals(plan_of(period(hour_type=" "))) == ["no_hour_type"]


def test_time_that_the_rate_cannot_express_is_refused() -> None:
    facts = msgspec.structs.replace(FACTS, rates={"MONT": ArticleData(number="MONT", decimals=0)})

    assert refusals(plan_of(period(total_time="00:30"), facts=facts)) == ["time_does_not_fit"]


def test_zero_minutes_are_left_out_whatever_else_is_wrong() -> None:
    plan = plan_of(period(total_time="00:00", hour_type=""))

    assert [(line.reason.code, line.is_refused) for line in plan.dropped] == [("zero_time", False)]


# --- Texts ------------------------------------------------------------------------------------------------------------


def texts_of(plan: Plan) -> list[str]:
    return [line.content.text for line in plan.lines if line.origin.source is Source.TEXT]


def test_the_description_comes_first_and_empty_lines_are_left_out() -> None:
    source = work_order(work_description="Ketel vervangen\nGetest")
    plan = plan_of(source, extra_text_lines=("Werkbon {order_number}", "{comment}", " ", "{total_hours}"), number="7")

    assert texts_of(plan) == ["Ketel vervangen\nGetest", "Werkbon 2025.9", "1:00"]


def test_the_description_can_be_switched_off() -> None:
    assert texts_of(plan_of(work_order(work_description="Ketel"), work_description=False)) == []


def test_the_total_counts_the_hours_that_are_sent_after_rounding() -> None:
    periods = (HOUR, WorkPeriod(position=2, period_id="6", total_time="00:50", hour_type="ONBEKEND"))
    facts = msgspec.structs.replace(FACTS, rates={**FACTS.rates, "ONBEKEND": None})

    plan = plan_of(work_order(periods=periods), facts=facts, extra_text_lines=("{total_hours}",))

    assert texts_of(plan) == ["1:00"]


# --- The whole order --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sequence", "letters"),
    [
        ("materials_hours_text", "MUT"),
        ("hours_materials_text", "UMT"),
        ("text_materials_hours", "TMU"),
        ("text_hours_materials", "TUM"),
    ],
)
def test_lines_stand_in_the_chosen_sequence(sequence: str, letters: str) -> None:
    plan = plan_of(work_order(work_description="Tekst"), order_line_sequence=sequence)

    assert "".join(line.reference.removeprefix("900-")[0] for line in plan.lines) == letters


def test_a_work_order_with_texts_only_is_held() -> None:
    plan = plan_of(work_order(materials=(), periods=(), work_description="Niets gedaan"))

    assert [why.code for why in plan.holds] == ["nothing_to_invoice"]


def test_a_work_order_of_which_every_line_is_refused_is_rejected() -> None:
    plan = plan_of(material(code=""), facts=msgspec.structs.replace(FACTS, rates={"MONT": None}))

    assert [why.code for why in plan.rejects] == ["all_lines_refused"]


def test_a_refused_line_holds_the_order_when_the_settings_ask() -> None:
    assert [why.code for why in plan_of(material(code=""), incomplete_orders="hold").holds] == ["waits_for_lines"]
    assert plan_of(material(code=""), incomplete_orders="send_rest").holds == ()


def test_work_finished_before_the_starting_date_is_held() -> None:
    start = datetime.date(2025, 11, 11)

    assert [w.code for w in plan_of(work_order(work_date="10-11-2025"), from_date=start).holds] == ["before_from_date"]
    assert plan_of(work_order(work_date="11-11-2025"), from_date=start).holds == ()


def test_references_stay_with_their_lines_when_rows_move() -> None:
    other = Material(position=2, code="KNIE", quantity="1")
    facts = msgspec.structs.replace(FACTS, articles={**FACTS.articles, "KNIE": ArticleData(number="KNIE")})
    first = orders.from_work_order(work_order(materials=(PIPE,)), CHOICES, master_data=facts)

    booked = tuple(SavedLine(reference=line.reference, key=line.origin.key) for line in first.lines)
    second = orders.from_work_order(work_order(materials=(other, PIPE)), CHOICES, master_data=facts, booked=booked)

    by_article = {line.content.article: line.reference for line in second.lines}
    assert by_article["BUIS-22"] == first.lines[0].reference
    assert by_article["KNIE"] != first.lines[0].reference


MATERIALS = st.builds(
    Material,
    position=st.just(1),
    code=st.sampled_from(["BUIS-22", "", "ONBEKEND"]) | st.text(max_size=10),
    name=st.text(max_size=10),
    quantity=st.sampled_from(["1", "2,5", "0", "-1", "1.250", ""]) | st.text(max_size=6),
    price=st.text(max_size=6),
    warehouse=st.sampled_from(["", "1", "002", "BUS"]) | st.text(max_size=4),
)
PERIODS = st.builds(
    WorkPeriod,
    position=st.just(1),
    period_id=st.sampled_from(["", "1", "2"]),
    begin_time=st.sampled_from(["08:00", "23:00", ""]) | st.text(max_size=5),
    end_time=st.sampled_from(["09:00", "01:00", ""]) | st.text(max_size=5),
    break_minutes=st.sampled_from(["", "0", "15", "900"]) | st.text(max_size=3),
    total_time=st.sampled_from(["", "01:00", "00:00", "99:59"]) | st.text(max_size=5),
    hour_type=st.sampled_from(["MONT", "", "X"]),
)


@given(st.lists(MATERIALS, max_size=5), st.lists(PERIODS, max_size=5), st.sampled_from([0, 5, 15, 30]))
def test_any_work_order_gives_a_plan_in_which_every_row_is_accounted_for(
    materials: list[Material], periods: list[WorkPeriod], rounding: int
) -> None:
    plan = plan_of(
        work_order(materials=tuple(materials), periods=tuple(periods)), hour_rounding=rounding, send_prices=True
    )

    rows: list[orders.Line] = [*plan.lines, *plan.dropped]
    assert len(rows) == len(materials) + len(periods)
    assert len({line.reference for line in rows}) == len(rows)
    assert all(len(line.reference) <= 20 for line in rows)
