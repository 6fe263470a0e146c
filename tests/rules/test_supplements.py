"""Supplementary orders: all orders together come to what the work order says, whatever was edited in between."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from integrations.outsmart.records import Material, WorkOrder
from kingsync.rules import orders, supplements
from kingsync.rules.mapping import Exports
from kingsync.rules.plans import Plan, RelevantMasterData, SavedLine

CHOICES = Exports(send_prices=True, default_warehouse="1", work_description=True, extra_text_lines=())
Sums = dict[tuple[str, Decimal | None, str], Decimal]

rows = st.builds(
    Material,
    position=st.just(0),
    code=st.sampled_from(["BUIS", "KNIE"]),
    quantity=st.integers(-3, 5).map(str),
    price=st.sampled_from(["1,00", "2,50"]),
    warehouse=st.sampled_from(["1", "2"]),
)
edits = st.lists(st.lists(rows, max_size=5), min_size=2, max_size=5)


def work_order(*materials: Material, text: str = "") -> WorkOrder:
    numbered = (msgspec.structs.replace(each, position=place) for place, each in enumerate(materials, 1))
    return WorkOrder(outsmart_id="900", customer_debtor_number="10", materials=tuple(numbered), work_description=text)


def material(code: str = "BUIS", quantity: str = "3", price: str = "1,00", warehouse: str = "1") -> Material:
    return Material(position=1, code=code, name="", quantity=quantity, price=price, warehouse=warehouse)


def plan(source: WorkOrder, earlier: list[SavedLine], *, own: tuple[SavedLine, ...] = (), part: int) -> Plan:
    booked = supplements.seen_as_one((*earlier, *own))
    full = orders.from_work_order(source, CHOICES, master_data=RelevantMasterData(), booked=booked, is_new=False)
    if part == 1:
        return full
    reference = orders.external_number("900", part)
    return supplements.supplement(full, earlier, own, external_number=reference, debtor_number="10")


def sent(of: Plan) -> tuple[SavedLine, ...]:
    return tuple(
        SavedLine(reference=line.reference, key=line.origin.key, row=line.origin.row, sent=line.content)
        for line in of.lines
    )


def after(*sources: WorkOrder) -> list[SavedLine]:
    """Return the lines of all orders, each closed before the next edit."""
    lines: list[SavedLine] = []
    for part, source in enumerate(sources, 1):
        lines += sent(plan(source, lines, part=part))
    return lines


def sums(lines: list[SavedLine]) -> Sums:
    found: Counter[tuple[str, Decimal | None, str]] = Counter()
    for line in lines:
        assert line.sent is not None
        if line.sent.quantity is not None:
            found[line.sent.article, line.sent.price, line.sent.warehouse] += line.sent.quantity  # type: ignore[assignment]
    return {key: Decimal(value) for key, value in found.items() if value}


def contents(of: Plan) -> list[tuple[str, Decimal | None, Decimal | None]]:
    return [(line.content.article, line.content.quantity, line.content.price) for line in of.lines]


@given(edits)
def test_all_orders_together_are_what_the_work_order_says(edited: list[list[Material]]) -> None:
    sources = [work_order(*materials) for materials in edited]

    assert sums(after(*sources)) == sums(after(sources[-1]))


@given(edits)
def test_each_order_has_references_and_keys_of_its_own(edited: list[list[Material]]) -> None:
    lines = after(*(work_order(*materials) for materials in edited))

    assert len({line.reference for line in lines}) == len(lines)


@given(edits)
def test_nothing_differs_from_what_was_sent(edited: list[list[Material]]) -> None:
    lines = after(*(work_order(*materials) for materials in edited))

    assert plan(work_order(*edited[-1]), lines, part=len(edited) + 1).lines == ()


@given(edits)
def test_an_open_order_follows_each_edit(edited: list[list[Material]]) -> None:
    first, *later = (work_order(*materials) for materials in edited)
    lines, own = after(first), sent(plan(first, [], part=1))[:0]
    for source in later:
        own = sent(plan(source, lines, own=own, part=2))

    assert sums([*lines, *own]) == sums(after(work_order(*edited[-1])))


def test_a_reduction_is_a_credit_at_the_price_that_was_sent() -> None:
    lines = after(work_order(material(quantity="3")))

    assert contents(plan(work_order(material(quantity="1")), lines, part=2)) == [("BUIS", Decimal(-2), Decimal("1.00"))]


def test_another_price_is_a_credit_and_a_new_line() -> None:
    lines = after(work_order(material()))

    assert contents(plan(work_order(material(price="2,50")), lines, part=2)) == [
        ("BUIS", Decimal(-3), Decimal("1.00")),
        ("BUIS", Decimal(3), Decimal("2.5")),
    ]


def test_a_changed_text_is_a_line_and_a_removed_one_is_nothing() -> None:
    lines = after(work_order(material(), text="Nagekeken"))

    changed = plan(work_order(material(), text="Vervangen"), lines, part=2)

    assert [line.content.text for line in changed.lines] == ["Vervangen"]
    assert plan(work_order(material()), lines, part=2).lines == ()


def test_references_name_their_order() -> None:
    lines = after(work_order(material()))

    changed = plan(work_order(material(quantity="4")), lines, part=2)

    assert (changed.header.external_number, changed.lines[0].reference) == ("OS-900-2", "900-2-M1")
    assert orders.named_by("OS-900-2") == ("900", 2)
    assert orders.named_by("OS-900") == ("900", 1)
