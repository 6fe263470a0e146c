"""What a person wants to see before it is sent: credits, warranty, prices of zero, free lines, new customers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from integrations.king.records import LineKind
from kingsync.rules.mapping import Exports, Review
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.plans import LineFacts, Plan, PlannedLine

CREDIT: Review = "credit"
WARRANTY: Review = "warranty"
ZERO_PRICE: Review = "zero_price"
FREE_LINE: Review = "free_line"
FIRST_ORDER: Review = "first_order_of_customer"
_PREFIX = "review."
CODES = frozenset(f"{_PREFIX}{name}" for name in (CREDIT, WARRANTY, ZERO_PRICE, FREE_LINE, FIRST_ORDER))


def of_lines(lines: Iterable[PlannedLine], facts: dict[str, LineFacts], choices: Exports) -> Iterator[Reason]:
    """Yield why a person must see these lines first; they are those that would be sent."""
    for line in lines:
        for name in _of_line(line, facts.get(line.reference, LineFacts())):
            if name in choices.review:
                yield reason(f"{_PREFIX}{name}", line=line.origin.label, key=line.origin.key)


def _of_line(line: PlannedLine, facts: LineFacts) -> Iterator[Review]:
    quantity = line.content.quantity
    if quantity is not None and quantity < 0:
        yield CREDIT
    if facts.is_warranty:
        yield WARRANTY
    if line.content.kind != LineKind.TEXT and _price(line, facts) == 0:
        yield ZERO_PRICE
    if facts.is_free:
        yield FREE_LINE


def _price(line: PlannedLine, facts: LineFacts) -> Decimal | None:
    return facts.king_price if line.content.price is None else line.content.price


def of_first_order(debtor_number: str) -> Reason:
    return reason(f"{_PREFIX}{FIRST_ORDER}", debtor=debtor_number)


def key_of(why: Reason) -> str:
    """Return what a release of this reason is about: the same key needs no second release."""
    return f"{why.code}:{why.params.get('key') or why.params.get('debtor', '')}"


def doubted(plan: Plan, choices: Exports) -> set[tuple[LineKind, str]]:
    """Return the articles and rates whose price of zero in King holds the order, if it still is."""
    if ZERO_PRICE not in choices.review:
        return set()
    found = [line for line in plan.lines if line.content.price is None and line.reference in plan.facts]
    return {(line.content.kind, line.content.article) for line in found if plan.facts[line.reference].king_price == 0}
