"""The supplementary order of a work order whose King order is closed: only what differs from all that was sent before.

A changed quantity becomes the difference, below zero where less is left; a changed article, price or warehouse becomes
a credit of what was sent and a new line. docs/decisions/0022.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import msgspec

from integrations.king.records import LineKind
from kingsync.rules import line_fields, orders
from kingsync.rules.matching import References
from kingsync.rules.plans import Content, DroppedLine, LineFacts, Origin, Plan, PlannedLine, SavedLine, Source

# Before the key of a row in the key of a line that credits what was sent of it; repeated for each further credit.
_CREDIT = "-"
_STAYS_HELD = frozenset({"waits_for_lines"})


class _Share(msgspec.Struct):
    """How much of one article, at one price from one warehouse, all orders together have of a row."""

    content: Content
    quantity: Decimal
    is_imported: bool
    king_price: Decimal | None


class _Sent(msgspec.Struct):
    """What was sent of one row; `row` is its fingerprint when last looked at."""

    row: str = ""
    text: Content | None = None
    shares: list[_Share] = []


def seen_as_one(lines: Iterable[SavedLine]) -> tuple[SavedLine, ...]:
    """Return one line for each row from the lines of all parts, oldest part first: what new rows are matched with."""
    lines = tuple(lines)
    first = {key_of_row(line): line for line in reversed(lines)}
    sent = _sent(lines)
    return tuple(_as_one(line, key, sent[key]) for key, line in reversed(first.items()))


def key_of_row(line: SavedLine) -> str:
    """Return the key of the row that a line is about, also of a credit."""
    return line.key.lstrip(_CREDIT)


def supplement(
    full: Plan, earlier: Sequence[SavedLine], own: Iterable[SavedLine], *, external_number: str, debtor_number: str
) -> Plan:
    """Return the order that brings what was sent to what the work order says now.

    `full` is the plan of the whole work order, `earlier` the lines of all parts before this order, oldest part first,
    and `own` those saved for this order, which keep their references.
    """
    difference = _Difference(full, _sent(earlier), References(external_number.removeprefix("OS-"), own))
    lines, dropped = tuple(difference.lines()), tuple(difference.dropped())
    header = msgspec.structs.replace(
        full.header,
        external_number=external_number,
        debtor_number=debtor_number or full.header.debtor_number,
        is_approved_at_once=False,
    )
    return msgspec.structs.replace(
        full,
        header=header,
        lines=lines,
        dropped=dropped,
        rejects=(*full.rejects, *orders.number_problems(header, [*lines, *dropped])),
        holds=tuple(why for why in full.holds if why.code in _STAYS_HELD and dropped),
        facts=difference.facts,
    )


def _sent(lines: Iterable[SavedLine]) -> dict[str, _Sent]:
    found: dict[str, _Sent] = {}
    for line in lines:
        of_row = found.setdefault(key_of_row(line), _Sent())
        of_row.row = line.row or of_row.row
        if line.sent is None:
            continue
        if line.sent.kind == LineKind.TEXT:
            of_row.text = line.sent
        else:
            _add(of_row.shares, line, line.sent)
    return found


def _add(shares: list[_Share], line: SavedLine, sent: Content) -> None:
    quantity = sent.quantity or Decimal(0)
    for share in shares:
        if _is_alike(share.content, sent):
            share.quantity += quantity
            return
    king_price = line.as_read.price if line.as_read else None
    shares.append(_Share(sent, quantity, line.is_imported, king_price))


def _is_alike(one: Content, other: Content) -> bool:
    names = ("article", "price", "warehouse")
    return one.kind == other.kind and all(line_fields.equal(getattr(one, name), getattr(other, name)) for name in names)


def _as_one(line: SavedLine, key: str, of_row: _Sent) -> SavedLine:
    """Return a line with all that is left in King of its row."""
    left = [share for share in of_row.shares if share.quantity]
    sent = of_row.text
    if left:
        sent = msgspec.structs.replace(left[-1].content, quantity=left[-1].quantity)
    return msgspec.structs.replace(line, key=key, row=of_row.row, sent=sent, attempted=None)


class _Difference:
    def __init__(self, full: Plan, sent: dict[str, _Sent], references: References) -> None:
        self._full, self._sent, self._references = full, sent, references
        self.facts: dict[str, LineFacts] = {}

    def lines(self) -> Iterator[PlannedLine]:
        for line in self._full.lines:
            yield from self._of(line)
        staying = {line.origin.key for line in self._full.lines} | {line.origin.key for line in self._full.refused}
        for key, of_row in self._sent.items():
            if key not in staying:
                left = [share for share in of_row.shares if not share.is_imported]
                yield from self._credits(key, of_row.row, left)

    def dropped(self) -> Iterator[DroppedLine]:
        """Yield what is refused, except rows that are as they were when they were sent."""
        for line in self._full.refused:
            of_row = self._sent.get(line.origin.key, _Sent())
            is_sent = of_row.text is not None or any(share.quantity for share in of_row.shares)
            if not (is_sent and of_row.row == line.origin.row):
                reference = self._references.of(line.origin.source, line.origin.key)
                yield msgspec.structs.replace(line, reference=reference)

    def _of(self, line: PlannedLine) -> Iterator[PlannedLine]:
        of_row = self._sent.get(line.origin.key, _Sent())
        if line.content.kind == LineKind.TEXT:
            if of_row.text is None or not line_fields.equal(of_row.text.text, line.content.text):
                yield self._planned(line, line.content)
            return
        same = _same(line, of_row.shares)
        others = [share for share in of_row.shares if share is not same]
        yield from self._credits(line.origin.key, line.origin.row, others)
        content = line.content
        if same is not None:
            more = (content.quantity or Decimal(0)) - same.quantity
            content = msgspec.structs.replace(same.content, text=content.text, quantity=more)
        if content.quantity:
            yield self._planned(line, content)

    def _planned(self, line: PlannedLine, content: Content) -> PlannedLine:
        reference = self._references.of(line.origin.source, line.origin.key)
        self.facts[reference] = self._full.facts.get(line.reference, LineFacts())
        return PlannedLine(origin=line.origin, reference=reference, content=content)

    def _credits(self, key: str, row: str, shares: Iterable[_Share]) -> Iterator[PlannedLine]:
        """Yield a line below zero for each of these, at the price that was sent with it."""
        for share in shares:
            if not share.quantity:
                continue
            key = _CREDIT + key
            source = _source_of(key)
            reference = self._references.of(source, key)
            self.facts[reference] = LineFacts(king_price=share.king_price)
            yield PlannedLine(
                origin=Origin(source=source, key=key, label=share.content.article, row=row),
                reference=reference,
                content=msgspec.structs.replace(share.content, quantity=-share.quantity),
            )


def _same(line: PlannedLine, shares: list[_Share]) -> _Share | None:
    """Return what was sent of this row that a change of the quantity alone brings up to date."""
    exact = next((share for share in shares if _is_alike(share.content, line.content)), None)
    return exact or next((share for share in shares if _leaves_to_king(line, share.content)), None)


def _leaves_to_king(line: PlannedLine, sent: Content) -> bool:
    """Return whether the row only leaves to King, by a setting, what was sent of it before."""
    price = sent.price if line.content.price is None and not line.is_price_kings else line.content.price
    warehouse = line.content.warehouse or sent.warehouse
    return _is_alike(msgspec.structs.replace(line.content, price=price, warehouse=warehouse), sent)


def _source_of(key: str) -> Source:
    return Source(key.lstrip(_CREDIT).partition("|")[0])
