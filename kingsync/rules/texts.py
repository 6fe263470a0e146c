"""Text lines: templates with tags, filled in from a work order. Values are data and never expanded again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from integrations.outsmart.records import WorkOrder
from kingsync.rules import travel

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")

FIELDS = (
    "order_number", "king_order_number", "reference", "external_reference", "work_date", "work_end_date",
    "customer_name", "customer_debtor_number", "customer_street", "customer_house_number", "customer_postal_code",
    "customer_city", "contact_person", "invoice_customer_name", "invoice_debtor_number", "project_number",
    "external_project_number", "type_of_work", "short_work_description", "work_description", "comment",
    "payment_method", "employee_number", "signed_by", "error_message", "solution_message",
)  # fmt: skip
FREE_FIELDS = tuple(f"free_field_{number}" for number in range(1, 51))
# Worked out of several rows.
TOTALS = ("total_hours", "travel_distance")
TAGS = (*FIELDS, *TOTALS, *FREE_FIELDS)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a filled-in template; `is_unknown` for an unknown tag or stray brace, as it was typed.

    `position` counts from 1, in the template.
    """

    text: str
    position: int
    is_unknown: bool = False


def pieces(template: str, value_of: Callable[[str], str]) -> Iterator[Piece]:
    """Yield the template part by part, filled in as `fill` does, with each problem in its place."""
    end = 0
    for match in _TOKEN.finditer(template):
        if match.start() > end:
            yield Piece(text=template[end : match.start()], position=end + 1)
        token, end = match.group(), match.end()
        if token in ("{{", "}}"):
            yield Piece(text=token[0], position=match.start() + 1)
        elif match.group(1) in TAGS:
            yield Piece(text=value_of(match.group(1)), position=match.start() + 1)
        else:
            yield Piece(text=token, position=match.start() + 1, is_unknown=True)
    if end < len(template):
        yield Piece(text=template[end:], position=end + 1)


def problem_of(template: str) -> str | None:
    """Return the first unknown tag or stray brace of the template; None when there is none."""
    for match in _TOKEN.finditer(template):
        token = match.group()
        if token in ("{{", "}}"):
            continue
        if match.group(1) not in TAGS:
            return token
    return None


def fill(template: str, value_of: Callable[[str], str]) -> str:
    """Return the template with each tag replaced by its value and `{{` `}}` by literal braces."""

    def replace(match: re.Match[str]) -> str:
        token = match.group()
        return token[0] if token in ("{{", "}}") else value_of(match.group(1))

    return _TOKEN.sub(replace, template)


def values_of(work_order: WorkOrder, *, total_hours: str, king_order_number: str) -> Callable[[str], str]:
    """Return a lookup of tag values for one work order; `total_hours` is `H:MM` after rounding."""

    def value_of(tag: str) -> str:
        if tag == "total_hours":
            return total_hours
        if tag == "travel_distance":
            return travel.total(work_order)
        if tag == "king_order_number":
            return king_order_number
        if tag.startswith("free_field_"):
            return work_order.free_fields.get(int(tag.removeprefix("free_field_")), "")
        return str(getattr(work_order, tag))

    return value_of
