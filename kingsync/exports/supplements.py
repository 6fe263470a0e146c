"""Supplementary orders: what King still misses of a work order whose order is closed, and the part that brings it.

The decision makes the next part the one in hand, of which nothing is in King yet; the export then runs as for any
order. docs/decisions/0022.
"""

from __future__ import annotations

from typing import Any

import msgspec
from django.db.models import Max
from django.utils import timezone

from integrations.outsmart.records import WorkOrder as Source
from kingsync.exports import ledger
from kingsync.exports.lines import ledger_lines
from kingsync.exports.master_data import MasterDataReader, MirroredMasterData
from kingsync.messages.reason_texts import stored
from kingsync.models.order_links import OrderLink
from kingsync.models.work_orders import AfterRestore, LedgerState, OrderLine, Step, WorkOrder
from kingsync.rules import amounts, linking, orders, review, supplements
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import reason
from kingsync.rules.plans import LineFacts, Plan, PlannedLine, RelevantMasterData

CLOSED = "order_delivered"


class Missing(msgspec.Struct, frozen=True):
    """A line that King misses of a work order; `price` is the one that its amount is calculated with."""

    line: PlannedLine
    price: amounts.Price


# --- Plans ------------------------------------------------------------------------------------------------------------


def plan_of(known: MasterDataReader, choices: Exports, row: WorkOrder, source: Source) -> Plan:
    """Return the plan of the supplementary order in hand; asks King about everything it would refuse."""
    while True:
        plan = of_part(row, source, choices, known.of(source, choices))
        is_every = choices.incomplete_orders == "hold"
        if not known.verify(plan, also=review.doubted(plan, choices), is_every=is_every):
            return plan


def of_part(row: WorkOrder, source: Source, choices: Exports, master_data: RelevantMasterData) -> Plan:
    """Return the plan of the supplementary order in hand."""
    return _plan(row, source, choices, master_data, part=row.part)


def missing(known: MirroredMasterData, choices: Exports, row: WorkOrder, source: Source) -> list[Missing] | None:
    """Return the lines of the supplementary order that would bring King to what the work order says now.

    None when that is not known: lines that differ are refused, or a restored database has lost what was sent.
    """
    if row.after_restore == AfterRestore.FOUND and not row.plan_fingerprint:
        return None
    plan = _plan(row, source, choices, known.of(source, choices), part=_next_part(row))
    if plan.refused and not plan.lines:
        return None
    return [
        Missing(line, amounts.price_of(line.content, plan.facts.get(line.reference, LineFacts())))
        for line in plan.lines
    ]


def _plan(row: WorkOrder, source: Source, choices: Exports, master_data: RelevantMasterData, *, part: int) -> Plan:
    earlier = ledger_lines.lines_of_parts(row, before=part)
    own = ledger_lines.saved_lines(row) if part == row.part else ()
    full = orders.from_work_order(
        source,
        choices,
        master_data=master_data,
        booked=supplements.seen_as_one((*earlier, *own)),
        king_order_number=_first_number(row),  # a text with the number is none that changed
        is_new=False,
    )
    reference = orders.external_number(row.outsmart_id, part)
    return supplements.supplement(full, earlier, own, external_number=reference, debtor_number=row.debtor_number)


def _first_number(row: WorkOrder) -> str:
    if row.part == 1:
        return row.king_order_number or ""
    link = OrderLink.objects.filter(work_order=row, part=1, left_at=None).first()
    return link.king_order_number if link else ""


def _next_part(row: WorkOrder) -> int:
    last = OrderLine.objects.filter(work_order=row).aggregate(last=Max("part"))["last"]
    return max(row.part, last or 1) + 1


# --- Stored -----------------------------------------------------------------------------------------------------------


def stored_lines(found: list[Missing]) -> list[dict[str, Any]]:
    """Return missing lines in the ledger's form."""
    return [msgspec.to_builtins(each) for each in found]


def missing_of(row: WorkOrder) -> list[Missing]:
    """Return the lines that King misses as last found."""
    return msgspec.convert(row.difference, list[Missing], strict=False)


def is_undecided(row: WorkOrder) -> bool:
    """Return whether the order is closed and a person must decide about what differs from it."""
    is_closed = row.king_closed_at is not None and bool(row.king_order_number)
    return row.state == LedgerState.CHANGED and is_closed and bool(row.difference)


# --- Decisions --------------------------------------------------------------------------------------------------------


def begin(row: WorkOrder) -> None:
    """Make the next part the one in hand; the next export creates its order."""
    closed = OrderLink.objects.filter(work_order=row, part=row.part, left_at=None)
    closed.update(closed_at=row.king_closed_at or timezone.now())
    columns = ledger.unsent() | {
        "part": _next_part(row),
        "wanted_order_number": "",
        "chosen_order": new_order_choice(row),
    }
    ledger.settle(row, LedgerState.WAITING, notices=[], **columns)
    ledger_lines.forget_lines(row)


def new_order_choice(row: WorkOrder) -> str:
    """Return the choice of a new order although OutSmart names one, in the ledger's form."""
    source = ledger.source_of(row)
    return linking.choice("", source.king_order_number if source else "")[: linking.CHOICE_LENGTH]


def withdraw(row: WorkOrder) -> None:
    """Go back to the part before, because nothing differs from it any more and nothing was sent."""
    row.lines.filter(part=row.part).delete()
    last = OrderLink.objects.filter(work_order=row, left_at=None, part__lt=row.part).order_by("part").last()
    columns = ledger.unsent()
    if last is not None:
        columns |= {"part": last.part, "king_order_number": last.king_order_number, "step": Step.CONFIRMED}
        columns |= {"is_created_by_us": last.is_created_by_us, "king_closed_at": last.closed_at or timezone.now()}
    now = timezone.now()
    ledger.save(row, **columns | {"exported_at": now, "confirmed_at": now})
    ledger_lines.forget_lines(row)


def settle(row: WorkOrder, *, name: str, text: str) -> None:
    """Save the missing lines as settled by hand, so that only later edits differ from what King has."""
    part = _next_part(row)
    why = stored(reason("settled_by_hand", name=name, reason=text))
    OrderLine.objects.bulk_create(
        OrderLine(
            tenant_id=row.tenant_id,
            work_order=row,
            part=part,
            reference=each.line.reference,
            key=each.line.origin.key,
            row=each.line.origin.row,
            kind=each.line.origin.source.value,
            source=each.line.origin.label,
            position=place,
            state=OrderLine.State.LEFT_OUT,
            reasons=[why],
            sent=msgspec.to_builtins(each.line.content),
            quantity=each.line.content.quantity,
            price=each.price.value,
            price_of=each.price.of.value,
        )
        for place, each in enumerate(missing_of(row), 1)
    )
    ledger.settle(row, LedgerState.DONE, difference=[], verified_at=None)
