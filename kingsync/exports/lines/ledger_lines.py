"""The lines of a work order in the ledger: what was planned, what King has of it, and what was refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from django.db import connection, transaction
from django.db.models import F

from integrations.king import limits
from integrations.king.records import OrderLine as KingLine
from kingsync.messages.reason_texts import stored
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.rules import amounts, conflicts
from kingsync.rules.outcomes import Reason
from kingsync.rules.plans import Content, DroppedLine, LineFacts, Origin, Plan, PlannedLine, SavedLine

# What is saved dozens of times per work order uses SQL of our own: the ORM takes longer to compile such a statement
# than PostgreSQL to execute it (docs/performance.md). `set_config` makes the statement's own commit not wait for the
# disk.
WITHOUT_WAITING = "set_config('synchronous_commit', 'off', true) = 'off'"
_SAVE_SENT_LINES = f"""
    UPDATE kingsync_orderline AS line
    SET state = %s, king_line_id = new.id, sent = new.sent, as_read = new.as_read, attempted = '{{}}', reasons = '[]',
        choices = line.choices - '{conflicts.GIVEN_UP}'
    FROM unnest(%s::text[], %s::text[], %s::jsonb[], %s::jsonb[]) AS new (reference, id, sent, as_read)
    WHERE line.work_order_id = %s AND line.reference = new.reference AND {WITHOUT_WAITING}
"""  # noqa: S608  (constants only)
_SAVE_ATTEMPTED_LINES = f"""
    UPDATE kingsync_orderline AS line SET attempted = new.content
    FROM unnest(%s::text[], %s::jsonb[]) AS new (reference, content)
    WHERE line.work_order_id = %s AND line.reference = new.reference AND {WITHOUT_WAITING}
"""  # noqa: S608  (constants only)


def saved_lines(row: WorkOrder) -> tuple[SavedLine, ...]:
    """Return what earlier runs saved; lines removed from King are known by their key only."""
    return tuple(remembered(row).values())


def remembered(row: WorkOrder) -> dict[str, SavedLine]:
    """Return the known lines of the part in hand, by reference; code that saves a line updates it here too."""
    if row.in_hand.lines is None:
        stored = OrderLine.objects.filter(work_order_id=row.pk or 0, part=row.part).order_by("position", "id")
        return remember(row, map(as_saved, stored))
    return row.in_hand.lines


def lines_of_parts(row: WorkOrder, *, before: int | None = None) -> tuple[SavedLine, ...]:
    """Return the lines of all parts, oldest part first; `before`: only of the parts before this one."""
    found = OrderLine.objects.filter(work_order_id=row.pk or 0)
    found = found if before is None else found.filter(part__lt=before)
    return tuple(map(as_saved, found.order_by("part", "position", "id")))


def prefetch_rows(rows: list[WorkOrder]) -> None:
    """Prefetch the saved lines of many work orders."""
    lines: dict[int, list[SavedLine]] = {row.pk: [] for row in rows}
    stored = OrderLine.objects.filter(work_order_id__in=lines.keys(), part=F("work_order__part"))
    for line in stored.order_by("position", "id"):
        lines[line.work_order_id].append(as_saved(line))
    for row in rows:
        remember(row, lines[row.pk])


def remember(row: WorkOrder, lines: Iterable[SavedLine]) -> dict[str, SavedLine]:
    known = {line.reference: line for line in lines}
    row.in_hand.lines = known
    return known


def as_saved(line: OrderLine) -> SavedLine:
    return SavedLine(
        reference=line.reference,
        key=line.key,
        row=line.row,
        sent=msgspec.convert(line.sent, Content, strict=False) if line.sent else None,
        attempted=msgspec.convert(line.attempted, Content, strict=False) if line.attempted else None,
        as_read=msgspec.convert(line.as_read, KingLine, strict=False) if line.as_read else None,
        king_line_id=line.king_line_id,
        is_imported=line.is_imported,
        choices=line.choices,
    )


def store_lines(row: WorkOrder, plan: Plan, *, is_attempted: bool = False) -> None:
    """Write the lines of a plan: those in King keep what was sent, dropped ones get their reason.

    `is_attempted`: they are about to be written as planned, see `lines_attempted`.
    """
    if row.in_hand.stored_plan == plan or _has_long_references(plan):
        return
    before = {line.reference: line for line in saved_lines(row)}
    planned = [_planned(row, line, place, plan.facts) for place, line in enumerate(plan.lines, 1)]
    for line in planned:
        is_in_king = line.reference in before and before[line.reference].king_line_id
        line.state = OrderLine.State.SENT if is_in_king else OrderLine.State.PLANNED
    columns = ["row", "position", "reasons", "registered_minutes", "rounded_minutes", "quantity", "source", "state"]
    columns += ["price", "price_of"]
    if is_attempted:
        contents = {line.reference: msgspec.to_builtins(line.content) for line in plan.lines}
        columns.append("attempted")
        for line in planned:
            line.attempted = contents[line.reference]
    OrderLine.objects.bulk_create(
        [*planned, *(_dropped(row, line) for line in plan.dropped)],
        update_conflicts=True,
        unique_fields=["work_order", "reference"],
        update_fields=columns,
    )
    _forget_vanished(row, plan, before)
    if is_attempted:
        known = remembered(row)
        for each in plan.lines:
            known[each.reference] = msgspec.structs.replace(known[each.reference], attempted=each.content)
    row.in_hand.stored_plan = plan


def store_dropped(row: WorkOrder, plan: Plan) -> None:
    """Write why lines are not in King, and nothing else."""
    OrderLine.objects.bulk_create(
        [_dropped(row, line) for line in plan.dropped],
        update_conflicts=True,
        unique_fields=["work_order", "reference"],
        update_fields=["row", "reasons", "state"],
    )


def _has_long_references(plan: Plan) -> bool:
    """Return whether lines have numbers that neither King nor we can hold: such a plan is rejected."""
    references = [line.reference for line in plan.lines] + [line.reference for line in plan.dropped]
    return any(len(reference) > limits.EXTERNAL_NUMBER_LENGTH for reference in references)


def _planned(row: WorkOrder, line: PlannedLine, place: int, facts: Mapping[str, LineFacts]) -> OrderLine:
    price = amounts.price_of(line.content, facts.get(line.reference, LineFacts()))
    return OrderLine(
        tenant_id=row.tenant_id,
        work_order=row,
        part=row.part,
        reference=line.reference,
        key=line.origin.key,
        row=line.origin.row,
        kind=line.origin.source.value,
        source=line.origin.label,
        position=place,
        registered_minutes=line.registered_minutes,
        rounded_minutes=line.rounded_minutes,
        quantity=line.content.quantity,
        price=price.value,
        price_of=price.of.value,
    )


def _dropped(row: WorkOrder, line: DroppedLine) -> OrderLine:
    return OrderLine(
        tenant_id=row.tenant_id,
        work_order=row,
        part=row.part,
        reference=line.reference,
        key=line.origin.key,
        row=line.origin.row,
        kind=line.origin.source.value,
        source=line.origin.label,
        state=OrderLine.State.REFUSED if line.is_refused else OrderLine.State.LEFT_OUT,
        reasons=[stored(line.reason)],
        registered_minutes=line.registered_minutes,
    )


def _forget_vanished(row: WorkOrder, plan: Plan, before: dict[str, SavedLine]) -> None:
    """Delete rows of lines that the work order no longer has and that King certainly never received."""
    wanted = {line.reference: line.origin for line in plan.lines}
    wanted |= {line.reference: line.origin for line in plan.dropped}
    vanished = [
        line.reference
        for line in before.values()
        if not (line.king_line_id or line.attempted or line.reference in wanted)
    ]
    if vanished:
        OrderLine.objects.filter(work_order=row, reference__in=vanished).delete()
    new = {reference: SavedLine(reference=reference, key=origin.key) for reference, origin in wanted.items()}
    kept = (line for line in (new | before).values() if line.reference not in vanished)
    remember(row, (_looked_at(line, wanted.get(line.reference)) for line in kept))


def _looked_at(line: SavedLine, origin: Origin | None) -> SavedLine:
    return msgspec.structs.replace(line, row=origin.row) if origin else line


def lines_attempted(row: WorkOrder, lines: Iterable[PlannedLine]) -> None:
    """Save what is about to be written, so that a line whose answer is lost is recognised as ours.

    The write that follows is saved durably as having an unknown outcome, which makes this durable too.
    """
    known = remembered(row)
    new = [line for line in lines if line.reference in known and known[line.reference].attempted != line.content]
    if not new:
        return
    contents = [msgspec.json.encode(line.content).decode() for line in new]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE_ATTEMPTED_LINES, [[line.reference for line in new], contents, row.pk])
    for line in new:
        known[line.reference] = msgspec.structs.replace(known[line.reference], attempted=line.content)


def lines_sent(row: WorkOrder, booked: Iterable[SavedLine]) -> None:
    """Save that King has these lines as sent, and what else is known of them.

    Without waiting for the disk: a loss costs one lookup, since the lines are in King under our references.
    """
    booked = list(booked)
    if not booked:
        return
    columns = [
        [line.reference for line in booked],
        [line.king_line_id for line in booked],
        [msgspec.json.encode(line.sent).decode() for line in booked],
        [msgspec.json.encode(line.as_read).decode() if line.as_read else "{}" for line in booked],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE_SENT_LINES, [OrderLine.State.SENT.value, *columns, row.pk])
    remember_sent(row, booked)


def remember_sent(row: WorkOrder, booked: Iterable[SavedLine]) -> None:
    """Know in memory that King has these lines: they are saved with what is read back."""
    row.in_hand.stored_plan = None
    if row.in_hand.lines is not None:
        row.in_hand.lines |= {line.reference: line for line in booked}


def line_refused(row: WorkOrder, line: PlannedLine, why: Reason) -> None:
    _update_line(row, line.reference, state=OrderLine.State.REFUSED, reasons=[stored(why)], attempted={})
    known = remembered(row)
    known[line.reference] = msgspec.structs.replace(known[line.reference], attempted=None)


def lines_leaving(row: WorkOrder, references: Iterable[str]) -> None:
    """Save that lines are about to be removed from King and sent again: if missing, they are still to be sent.

    Waits for the disk: without this a missing line counts as removed by King's staff, and stays away.
    """
    leaving = OrderLine.objects.filter(work_order=row, reference__in=list(references))
    leaving.update(state=OrderLine.State.PLANNED, king_line_id="")
    forget_lines(row)


def line_removed(row: WorkOrder, reference: str) -> None:
    nothing: dict[str, object] = {"king_line_id": "", "sent": {}, "attempted": {}, "as_read": {}, "reasons": []}
    _update_line(row, reference, state=OrderLine.State.REMOVED, choices={}, **nothing)
    forget_lines(row)


def forget_lines(row: WorkOrder) -> None:
    """Read the lines of this row from the database again: for code that wrote them in another way."""
    row.in_hand.lines = None
    row.in_hand.stored_plan = None


def _update_line(row: WorkOrder, reference: str, **changes: object) -> None:
    """Save a line without waiting for the disk, see `lines_sent`."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        OrderLine.objects.filter(work_order=row, reference=reference).update(**changes)
    row.in_hand.stored_plan = None


def refused_reasons(row: WorkOrder) -> list[Reason]:
    """Return why lines are missing, one reason per line."""
    return [
        as_line_reason(line.source, msgspec.convert(why, Reason))
        for line in OrderLine.objects.filter(work_order=row, part=row.part, state=OrderLine.State.REFUSED).order_by(
            "id"
        )
        for why in line.reasons
    ]


def as_line_reason(label: str, why: Reason) -> Reason:
    """Return the reason of a line as one of its work order."""
    return Reason(code="line_refused", params={**why.params, "line": label, "code": why.code})
