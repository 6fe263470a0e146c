"""Materials of an imported order are lines of King's: the export must know that before it plans."""

from __future__ import annotations

import msgspec
from django.db.models import QuerySet

from kingsync.exports.lines import ledger_lines
from kingsync.models.links import ImportedLine, RecordKind, RecordLink
from kingsync.models.order_links import OrderLink
from kingsync.models.work_orders import OrderLine, Step, WorkOrder
from kingsync.rules import matching
from kingsync.rules.plans import Content, SavedLine, Source


def take_over(row: WorkOrder, king_order_number: str, *, is_dry: bool) -> None:
    """Save the stored lines of an imported order as sent lines of this work order, at its first export.

    Also for lines that were planned before, while the work order waited for its order. A dry run keeps them in memory
    only.
    """
    if row.step != Step.NEW or row.king_order_number:
        return
    imported = _free(row, ImportedLine.objects.filter(king_order_number=king_order_number).order_by("id"))
    if not imported:
        return
    booked = {line.key: line for line in ledger_lines.saved_lines(row)}
    references = matching.References(row.outsmart_id, booked.values())
    in_king = {key for key, line in booked.items() if line.king_line_id}
    new = [(line, references.of(Source.MATERIAL, line.key)) for line in imported if line.key not in in_king]
    if not is_dry:
        OrderLine.objects.bulk_create(
            [_order_line(row, line, reference) for line, reference in new],
            update_conflicts=True,
            unique_fields=["work_order", "reference"],
            update_fields=["state", "reasons", "king_line_id", "is_imported", "sent"],
        )
    taken = {line.key: _booked(line, reference) for line, reference in new}
    ledger_lines.remember(row, (booked | taken).values())


def _free(row: WorkOrder, lines: QuerySet[ImportedLine]) -> list[ImportedLine]:
    """Return those of an order's lines that are this work order's: the one that the import made, and no follow-up."""
    found = list(lines)
    if not found:
        return []
    number = found[0].king_order_number
    made = RecordLink.objects.filter(kind=RecordKind.ORDER, king_id=number, state__in=RecordLink.IN_OUTSMART).first()
    if made is not None and made.outsmart_id != row.outsmart_id:
        return []
    on_it = OrderLink.objects.filter(king_order_number=number, left_at=None).exclude(work_order_id=row.pk)
    taken = OrderLine.objects.filter(work_order__in=on_it.values("work_order"), is_imported=True)
    ids = set(taken.values_list("king_line_id", flat=True))
    return [line for line in found if line.king_line_id not in ids]


def _order_line(row: WorkOrder, line: ImportedLine, reference: str) -> OrderLine:
    return OrderLine(
        tenant_id=row.tenant_id,
        work_order=row,
        part=row.part,
        reference=reference,
        key=line.key,
        kind=OrderLine.Kind.MATERIAL,
        source=line.label,
        state=OrderLine.State.SENT,
        king_line_id=line.king_line_id,
        is_imported=True,
        sent=line.content,
    )


def _booked(line: ImportedLine, reference: str) -> SavedLine:
    content = msgspec.convert(line.content, Content, strict=False)
    return SavedLine(reference=reference, key=line.key, sent=content, king_line_id=line.king_line_id, is_imported=True)
