"""Text lines with tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.outsmart.records import WorkOrder
from kingsync.rules import texts

WORK_ORDER = WorkOrder(outsmart_id="1", order_number="2025.1", customer_name="{comment}", free_fields={3: "kelder"})


def filled(template: str) -> str:
    return texts.fill(template, texts.values_of(WORK_ORDER, total_hours="3:45", king_order_number="77"))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Werkbon {order_number}", "Werkbon 2025.1"),
        ("{total_hours} uur, order {king_order_number}", "3:45 uur, order 77"),
        ("{free_field_3}{free_field_50}", "kelder"),
        ("{{order_number}} is {order_number}", "{order_number} is 2025.1"),
        ("{{{order_number}}}", "{2025.1}"),
        ("geen tags", "geen tags"),
        ("{comment}", ""),
    ],
)
def test_tags_are_replaced_by_values(template: str, text: str) -> None:
    assert filled(template) == text


def test_braces_in_values_are_never_expanded_again() -> None:
    assert filled("Klant {customer_name}") == "Klant {comment}"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{order_nr}", "{order_nr}"),
        ("{free_field_51}", "{free_field_51}"),
        ("a { b", "{"),
        ("a } b", "}"),
        ("{}", "{}"),
    ],
)
def test_an_unknown_tag_or_stray_brace_is_named(template: str, problem: str) -> None:
    assert texts.problem_of(template) == problem


def test_every_tag_has_a_value() -> None:
    for tag in texts.TAGS:
        assert texts.problem_of(f"{{{tag}}}") is None
        assert isinstance(filled(f"{{{tag}}}"), str)


@given(st.text())
def test_escaped_text_comes_out_as_it_went_in(text: str) -> None:
    template = text.replace("{", "{{").replace("}", "}}")

    assert texts.problem_of(template) is None
    assert filled(template) == text
