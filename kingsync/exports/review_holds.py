"""Which reviews hold a work order: those of the lines that would be sent, and of a customer's first order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from integrations import notation
from integrations.king.records import Order
from kingsync.exports.lines import ledger_lines
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import line_fields, linking, review
from kingsync.rules.differences import Change, Differences
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason
from kingsync.rules.plans import LineFacts, Plan, PlannedLine


def of_new_order(choices: Exports, row: WorkOrder, plan: Plan) -> list[Reason]:
    """Return the reviews of an order that is not in King: all its lines would be sent."""
    return _unreleased(choices, row, plan.lines, plan.facts, plan.header.debtor_number)


def of_order(choices: Exports, row: WorkOrder, plan: Plan, steps: Differences, order: Order) -> list[Reason]:
    """Return the reviews of what would be added to King's order or changed in it."""
    # A line that is only created again for the sequence is not new.
    lines = [step.line for step in steps.additions if step.again is None] + [step.line for step in steps.changes]
    facts = plan.facts | dict(_facts_of_changes(plan, steps.changes, order))
    return _unreleased(choices, row, lines, facts, order.debtor_number)


def of_order_as_last_read(choices: Exports, row: WorkOrder, plan: Plan, *, number: str) -> list[Reason]:
    """Return the same without asking King: of what differs from what was sent last."""
    sent = {line.reference: line.sent for line in ledger_lines.saved_lines(row)}
    lines = [line for line in plan.lines if _is_new(line, sent.get(line.reference))]
    seen = row.seen_order if row.pk else ""  # a dry run looks at rows that are not stored
    return _unreleased(choices, row, lines, plan.facts, linking.debtor_in(seen, number))


def _unreleased(
    choices: Exports, row: WorkOrder, lines: Iterable[PlannedLine], facts: dict[str, LineFacts], debtor_number: str
) -> list[Reason]:
    lines = list(lines)
    if not choices.review or not lines:
        return []
    found = [*review.of_lines(lines, facts, choices), *_first_order(choices, row, debtor_number)]
    return [why for why in found if review.key_of(why) not in row.released_reviews]


def _first_order(choices: Exports, row: WorkOrder, debtor_number: str) -> Iterator[Reason]:
    debtor = canonical_debtor(debtor_number)
    if review.FIRST_ORDER not in choices.review or not debtor:
        return
    # What was sent before has been reviewed before, or was sent before anyone asked for reviews.
    if row.is_created_by_us or row.debtor_number == debtor:
        return
    ours = WorkOrder.objects.filter(debtor_number=debtor, king_order_number__isnull=False)
    if not ours.exclude(pk=row.pk).exists():
        yield review.of_first_order(debtor)


def canonical_debtor(number: str) -> str:
    """Return a debtor number as it is compared."""
    return notation.canonical_number(number.strip())


def _facts_of_changes(plan: Plan, changes: Iterable[Change], order: Order) -> Iterator[tuple[str, LineFacts]]:
    """Yield the facts of lines that keep the price that King's line has."""
    prices = {line.line_id: line.price for line in order.lines}
    for step in changes:
        price = prices.get(step.king_line_id)
        if price is not None and step.change.article_number is None:
            known = plan.facts.get(step.line.reference, LineFacts())
            yield step.line.reference, msgspec.structs.replace(known, king_price=price)


def _is_new(line: PlannedLine, sent: object) -> bool:
    return sent is None or not isinstance(sent, type(line.content)) or line_fields.is_edited(line.content, sent)
