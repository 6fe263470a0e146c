"""Reading and writing the ledger: what is saved before and after each step of an export."""

from __future__ import annotations

import datetime
import functools
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from integrations import errors
from integrations.king import limits
from integrations.king.records import Order
from integrations.king.records import OrderLine as KingLine
from integrations.outsmart import payloads
from integrations.outsmart.records import Marks
from integrations.outsmart.records import WorkOrder as Source
from kingsync.exports import problems
from kingsync.messages.reason_texts import stored
from kingsync.models.runs import SyncRun
from kingsync.models.work_orders import LedgerState, OrderLine, Step, WorkOrder
from kingsync.rules import amounts, conflicts, linking, orders
from kingsync.rules.outcomes import Reason
from kingsync.rules.plans import Content, DroppedLine, LineFacts, Origin, Plan, PlannedLine, SavedLine
from kingsync.runs.lifecycle import LostClaimError

# What is saved dozens of times per work order uses SQL of our own: the ORM takes longer to compile such a statement
# than PostgreSQL to execute it (docs/performance.md). `set_config` makes the statement's own commit not wait for the
# disk.
_WITHOUT_WAITING = "set_config('synchronous_commit', 'off', true) = 'off'"
_SAVE_SENT_LINES = f"""
    UPDATE kingsync_orderline AS line
    SET state = %s, king_line_id = new.id, sent = new.sent, as_read = new.as_read, attempted = '{{}}', reasons = '[]',
        choices = line.choices - '{conflicts.GIVEN_UP}'
    FROM unnest(%s::text[], %s::text[], %s::jsonb[], %s::jsonb[]) AS new (reference, id, sent, as_read)
    WHERE line.work_order_id = %s AND line.reference = new.reference AND {_WITHOUT_WAITING}
"""  # noqa: S608  (constants only)
_SAVE_ATTEMPTED_LINES = f"""
    UPDATE kingsync_orderline AS line SET attempted = new.content
    FROM unnest(%s::text[], %s::jsonb[]) AS new (reference, content)
    WHERE line.work_order_id = %s AND line.reference = new.reference AND {_WITHOUT_WAITING}
"""  # noqa: S608  (constants only)
_NUMBER_LENGTH = 255
_COLUMNS = {field.name: field for field in WorkOrder._meta.concrete_fields}


def fingerprint(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


# --- Work orders ------------------------------------------------------------------------------------------------------


def seen(source: Source, raw: bytes, *, is_interim: bool, run: SyncRun) -> WorkOrder:
    """Return the ledger row of a work order at a trigger, creating it on first sight."""
    row = _row(source.outsmart_id)
    row.order_number = source.order_number[:255]
    row.customer_name = source.customer_name[:255]
    row.further_numbers = _further_numbers(source)
    row.work_date = orders.finished_on(source)
    row.wanted_order_number = linking.wanted(source.king_order_number, row.chosen_order)[:50]
    row.minimum_hours, row.rounding_amount = source.minimum_hours[:20], source.rounding_amount[:20]
    return _seen(row, raw, is_interim=is_interim, run=run)


def _further_numbers(source: Source) -> str:
    """Return the numbers of a work order that have no column of their own, each once."""
    numbers = (
        source.customer_debtor_number,
        source.invoice_debtor_number,
        source.external_reference,
        source.reference,
        source.project_number,
        source.external_project_number,
    )
    return " ".join(dict.fromkeys(number[:_NUMBER_LENGTH] for number in numbers if number))


def seen_unreadable(outsmart_id: str, marks: Marks, raw: bytes, *, is_interim: bool, run: SyncRun) -> WorkOrder:
    """Return the ledger row of a work order of which only the id can be read."""
    row = _row(outsmart_id)
    row.order_number = marks.order_number[:255] or row.order_number
    row.customer_name = marks.customer_name[:255] or row.customer_name
    return _seen(row, raw, is_interim=is_interim, run=run)


def _row(outsmart_id: str) -> WorkOrder:
    row = WorkOrder.objects.filter(outsmart_id=outsmart_id).first()
    return row or WorkOrder(outsmart_id=outsmart_id, changed_at=timezone.now())


def _seen(row: WorkOrder, raw: bytes, *, is_interim: bool, run: SyncRun) -> WorkOrder:
    row.is_interim = is_interim
    row.in_hand.is_first_sight = row.pk is None
    if not run.is_dry:
        # Unread fields may contain bytes that are not text, or that the database refuses.
        row.source, row.source_fingerprint = raw.decode(errors="replace").replace("\0", ""), fingerprint(raw)
        row.settings_version = run.settings_version
        if row.state == LedgerState.EXCLUDED:
            row.last_run = run
        row.save()
        if row.in_hand.is_first_sight:
            remember(row, ())
    row.last_run = run  # saved only once it is processed: a run that takes over must not skip it
    return row


def source_of(row: WorkOrder) -> Source | None:
    """Return the work order as last read; None if it was not stored or cannot be read."""
    try:
        return payloads.work_order(row.source.encode()) if row.source else None
    except errors.PayloadError:
        return None


def settle(row: WorkOrder, state: LedgerState, reasons: Iterable[Reason] = (), **changes: object) -> None:
    """Put a work order in a state with its reasons; further columns by name."""
    _set_state(row, state, tuple(reasons), changes, is_durable=True)


def _set_state(
    row: WorkOrder, state: LedgerState, reasons: tuple[Reason, ...], changes: dict[str, object], *, is_durable: bool
) -> None:
    if row.state != state:
        row.changed_at = timezone.now()
    columns: dict[str, object] = {"state": state, "reasons": [stored(why) for why in reasons]}
    columns |= {"changed_at": row.changed_at, "last_run": row.last_run}  # see `seen`
    columns |= problems.columns(row, state, reasons)
    _store(row, columns | changes, is_durable=is_durable)


def unsent() -> dict[str, Any]:
    """Return the columns of a work order of whose part in hand nothing is in King."""
    return {
        "step": Step.NEW,
        "king_order_number": None,
        "is_created_by_us": False,
        "is_approved": False,
        "is_locked": False,
        "lock_failed_at": None,
        "is_approval_left": False,
        "approval_waits_for": "",
        "accepted_order": "",
        "seen_order": "",
        "plan_fingerprint": "",
        "outcome_unknown_until": None,
        "exported_at": None,
        "confirmed_at": None,
        "verified_at": None,
        "king_checked_at": None,
        "king_closed_at": None,
        "is_seen_approved": False,
        "header_as_read": {},
        "difference": [],
    }


def save(row: WorkOrder, **changes: object) -> None:
    """Save some columns of a work order durably: on disk before this returns."""
    _store(row, changes, is_durable=True)


def save_lazily(row: WorkOrder, **changes: object) -> None:
    """Save some columns of a work order without waiting for the disk.

    For data whose loss in a power cut costs no more than a lookup; a killed process loses nothing. The next durable
    save makes it durable too.
    """
    _store(row, changes, is_durable=False)


def _store(row: WorkOrder, changes: dict[str, object], *, is_durable: bool) -> None:
    for name, value in changes.items():
        setattr(row, name, value)
    fields = [_COLUMNS[name] for name in changes]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_update_of(tuple(field.column for field in fields), is_durable), [*values, row.pk])
        if cursor.rowcount != 1:
            raise LostClaimError("The work order is not in the ledger any more: the database is another one.")


@functools.cache
def _update_of(columns: tuple[str, ...], is_durable: bool) -> str:
    assignments = ", ".join(f"{connection.ops.quote_name(column)} = %s" for column in columns)
    condition = "" if is_durable else f" AND {_WITHOUT_WAITING}"
    return f"UPDATE kingsync_workorder SET {assignments} WHERE id = %s{condition}"  # noqa: S608  (columns of the model)


def begin(row: WorkOrder, plan: Plan, *, debtor_number: str, is_new: bool = False) -> None:
    """Save that the order is being sent, with every line under its reference, before King is called.

    `debtor_number` is the order's; `is_new`: all of it is about to be written. The step that is saved durably before
    the first write makes this durable too.
    """
    with transaction.atomic():
        columns: dict[str, object] = {"attempts": row.attempts + 1, "debtor_number": debtor_number[:255]}
        _set_state(row, LedgerState.SENDING, (), columns | amount_columns(plan), is_durable=False)
        store_lines(row, plan, is_attempted=is_new)


def amount_columns(plan: Plan) -> dict[str, object]:
    """Return what a row stores of the amount of its plan."""
    total = amounts.total(plan)
    return {"amount": total.amount, "is_amount_least": total.is_least}


# --- Lines ------------------------------------------------------------------------------------------------------------


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


# --- King's side ------------------------------------------------------------------------------------------------------


def is_of_other(row: WorkOrder, order: Order) -> str:
    """Return the reference on King's order if it says that it is not the order that this row created, else "".

    King reuses a number when its administration was set up again.
    """
    ours, theirs = orders.external_number(row.outsmart_id, row.part), order.external_number
    is_claimed = theirs.startswith(orders.external_number("")) and theirs != ours
    return theirs if row.is_created_by_us and is_claimed else ""


def pending(row: WorkOrder, *, seconds: float, now: datetime.datetime) -> None:
    """Save that the order is about to be created, by a call that may be running for this many seconds."""
    save(row, step=Step.PENDING, outcome_unknown_until=now + datetime.timedelta(seconds=seconds))


def extend_outcome_unknown(row: WorkOrder, *, seconds: float, now: datetime.datetime) -> None:
    """Save until when a write that goes out now may still be running, at most once a second."""
    until = now + datetime.timedelta(seconds=seconds)
    if row.outcome_unknown_until is None or row.outcome_unknown_until < until - datetime.timedelta(seconds=1):
        save(row, outcome_unknown_until=until)


def is_outcome_unknown(row: WorkOrder) -> bool:
    """Return True while a call whose answer was lost may still be running."""
    return row.outcome_unknown_until is not None and row.outcome_unknown_until > timezone.now()


def retried(run: SyncRun) -> list[str]:
    """Return the work orders that wait for a retry and were not processed in this run."""
    dealt_with = Q(last_run=run) & ~Q(state=LedgerState.SENDING)
    waiting = WorkOrder.objects.filter(state__in=WorkOrder.RETRIED).exclude(dealt_with)
    return list(waiting.order_by("id").values_list("outsmart_id", flat=True))


def still_locked() -> list[WorkOrder]:
    return list(WorkOrder.objects.filter(is_locked=True, king_order_number__isnull=False))


def is_in_king(row: WorkOrder, plan: Plan) -> bool:
    """Return True when King holds exactly this plan already, as far as we know: no call is needed."""
    if row.plan_fingerprint != plan_fingerprint(plan):
        return False
    by_rule = {line.reference for line in plan.refused}
    refused = OrderLine.objects.filter(work_order=row, part=row.part, state=OrderLine.State.REFUSED)
    return not refused.exclude(reference__in=by_rule).exists()


def plan_fingerprint(plan: Plan) -> str:
    return fingerprint(orders.fingerprint(plan))
