"""Reading and writing the ledger: what is saved before and after each step of an export."""

from __future__ import annotations

import datetime
import functools
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from integrations import errors
from integrations.king.records import Order
from integrations.outsmart import payloads
from integrations.outsmart.records import Marks
from integrations.outsmart.records import WorkOrder as Source
from kingsync import webhooks
from kingsync.exports import problems
from kingsync.exports.lines import ledger_lines
from kingsync.exports.lines.ledger_lines import WITHOUT_WAITING
from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.in_hand import Problem
from kingsync.models.runs import SyncRun
from kingsync.models.work_orders import LedgerState, OrderLine, Step, WorkOrder
from kingsync.rules import amounts, linking, orders
from kingsync.rules.outcomes import Reason
from kingsync.rules.plans import Plan
from kingsync.runs.lease import LostClaimError

# What decides whether a new order may be created, as it was when the row was read.
_AS_READ = " AND king_order_number IS NOT DISTINCT FROM %s AND step = %s AND part = %s"
_FREE = """
    UPDATE kingsync_workorder SET is_locked = false, outcome_unknown_until = NULL, lock_failed_at = NULL
    WHERE id = ANY(%s::bigint[])
"""
_NUMBER_LENGTH = 255
_COLUMNS = {field.name: field for field in WorkOrder._meta.concrete_fields}


def fingerprint(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


# --- Work orders ------------------------------------------------------------------------------------------------------


class ChangedMeanwhileError(Exception):
    """Someone else changed a work order since it was read: nothing was saved, and nothing may be sent."""


class _TakenError(Exception):
    """Someone else added the work order to the ledger first."""


def seen(source: Source, raw: bytes, *, is_interim: bool, run: SyncRun, is_new: bool = False) -> WorkOrder:
    """Return the ledger row of a work order at a trigger, creating it on first sight.

    `is_new`: the ledger did not have it when the list was read, so it is not looked for first.
    """
    row = _new(source.outsmart_id) if is_new else _row(source.outsmart_id)
    try:
        return _seen(_filled(row, source), raw, is_interim=is_interim, run=run)
    except _TakenError:
        return _seen(_filled(_row(source.outsmart_id), source), raw, is_interim=is_interim, run=run)


def _filled(row: WorkOrder, source: Source) -> WorkOrder:
    row.order_number = source.order_number[:255]
    row.customer_name = source.customer_name[:255]
    row.further_numbers = _further_numbers(source)
    row.work_date = orders.finished_on(source)
    row.wanted_order_number = linking.wanted(source.king_order_number, row.chosen_order)[:50]
    row.minimum_hours, row.rounding_amount = source.minimum_hours[:20], source.rounding_amount[:20]
    return row


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
    return WorkOrder.objects.filter(outsmart_id=outsmart_id).first() or _new(outsmart_id)


def _new(outsmart_id: str) -> WorkOrder:
    return WorkOrder(outsmart_id=outsmart_id, changed_at=timezone.now())


def _seen(row: WorkOrder, raw: bytes, *, is_interim: bool, run: SyncRun) -> WorkOrder:
    row.is_interim = is_interim
    row.in_hand.is_first_sight = row.pk is None
    if not run.is_dry:
        # Unread fields may contain bytes that are not text, or that the database refuses.
        row.source, row.source_fingerprint = raw.decode(errors="replace").replace("\0", ""), fingerprint(raw)
        row.settings_version = run.settings_version
        if row.state == LedgerState.EXCLUDED:
            row.last_run = run
        if row.in_hand.is_first_sight:
            _insert_lazily(row)
            ledger_lines.remember(row, ())
        else:
            row.save()
    row.last_run = run  # saved only once it is processed: a run that takes over must not skip it
    return row


def _insert_lazily(row: WorkOrder) -> None:
    """Add a row without waiting for the disk: *pending*, which is saved durably, makes it durable too.

    Lost in a power cut before that, the work order is still at its trigger. Raises `_TakenError`.
    """
    row.tenant_id, row.administration_id = tenants.current_id(), tenants.current_administration_id()
    fields = [field for field in WorkOrder._meta.concrete_fields if not field.primary_key]
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_insert_of(tuple(field.column for field in fields)), values)
        added = cursor.fetchone()
    if added is None:
        raise _TakenError
    row.pk = added[0]
    row._state.adding, row._state.db = False, connection.alias


@functools.cache
def _insert_of(columns: tuple[str, ...]) -> str:
    names = ", ".join(map(connection.ops.quote_name, columns))
    return (
        f"INSERT INTO kingsync_workorder ({names}) SELECT {', '.join(['%s'] * len(columns))}"
        f" WHERE {WITHOUT_WAITING} ON CONFLICT (tenant_id, administration_id, outsmart_id) DO NOTHING RETURNING id"
    )


def read_again(row: WorkOrder) -> None:
    """Read a row in hand again, because someone else changed it."""
    run = row.last_run
    row.refresh_from_db()
    row.last_run = run  # see `seen`
    ledger_lines.forget_lines(row)


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
    row: WorkOrder,
    state: LedgerState,
    reasons: tuple[Reason, ...],
    changes: dict[str, object],
    *,
    is_durable: bool,
    unless_changed: bool = False,
) -> None:
    if row.state != state:
        row.changed_at = timezone.now()
    columns: dict[str, object] = {"state": state, "reasons": [stored(why) for why in reasons]}
    columns |= {"changed_at": row.changed_at, "last_run": row.last_run}  # see `seen`
    was_new = problems.found(row) is Problem.NEW
    columns |= problems.columns(row, state, reasons)
    store = functools.partial(_store, row, columns | changes, is_durable=is_durable, unless_changed=unless_changed)
    if was_new or problems.found(row) is not Problem.NEW or state not in WorkOrder.NEEDS_A_PERSON:
        store()
        return
    with transaction.atomic():
        store()
        webhooks.emit_work_order(row)


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


# SQL of our own, for the reason of `ledger_lines`.
def save_after(row: WorkOrder, first: str, values: Sequence[Any], **changes: object) -> None:
    """Save columns durably, in one statement with another that writes to other rows."""
    _store(row, changes, is_durable=True, first=(first, values))


def save_and_free(row: WorkOrder, unlocked: Sequence[int], **changes: object) -> None:
    """Save columns lazily, in one statement with the fact that King has unlocked other work orders."""
    others = [key for key in unlocked if key != row.pk]
    _store(row, changes, is_durable=False, first=(_FREE, [others]) if others else ("", []))


def free(unlocked: Sequence[int]) -> None:
    """Save that King has unlocked these work orders, without waiting for the disk."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_FREE} AND {WITHOUT_WAITING}", [list(unlocked)])


def _store(
    row: WorkOrder,
    changes: dict[str, object],
    *,
    is_durable: bool,
    first: tuple[str, Sequence[Any]] = ("", ()),
    unless_changed: bool = False,
) -> None:
    """Save columns of a row. Raises `ChangedMeanwhileError` where the link to its order is another one than in hand."""
    as_read = [row.king_order_number, row.step, row.part] if unless_changed else []
    for name, value in changes.items():
        setattr(row, name, value)
    fields = [_COLUMNS[name] for name in changes]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    statement, before = first
    update = _update_of(tuple(field.column for field in fields), is_durable, unless_changed)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH first AS ({statement}) {update}" if statement else update, [*before, *values, row.pk, *as_read]
        )
        if cursor.rowcount != 1:
            if unless_changed and WorkOrder.objects.filter(pk=row.pk).exists():
                raise ChangedMeanwhileError
            raise LostClaimError("The work order is not in the ledger any more: the database is another one.")


@functools.cache
def _update_of(columns: tuple[str, ...], is_durable: bool, unless_changed: bool = False) -> str:
    assignments = ", ".join(f"{connection.ops.quote_name(column)} = %s" for column in columns)
    condition = _AS_READ if unless_changed else ""
    condition += "" if is_durable else f" AND {WITHOUT_WAITING}"
    return f"UPDATE kingsync_workorder SET {assignments} WHERE id = %s{condition}"  # noqa: S608  (columns of the model)


def begin(row: WorkOrder, plan: Plan, *, debtor_number: str) -> None:
    """Save that the order is being sent, with every line under its reference, before King is called.

    `debtor_number` is the order's. What is saved durably before the first write makes this durable too.
    """
    with transaction.atomic():
        _set_state(row, LedgerState.SENDING, (), _beginning(row, plan, debtor_number), is_durable=False)
        ledger_lines.store_lines(row, plan)


def begin_new(row: WorkOrder, plan: Plan, *, debtor_number: str, seconds: float, now: datetime.datetime) -> None:
    """Save durably that a new order is about to be created with all these lines, by a call of so many seconds.

    Raises `ChangedMeanwhileError` when someone linked the work order to an order since it was read.
    """
    until = now + datetime.timedelta(seconds=seconds)
    pending: dict[str, object] = {"step": Step.PENDING, "outcome_unknown_until": until}
    columns = _beginning(row, plan, debtor_number) | pending
    with transaction.atomic():
        _set_state(row, LedgerState.SENDING, (), columns, is_durable=True, unless_changed=True)
        ledger_lines.store_lines(row, plan, is_attempted=True)


def _beginning(row: WorkOrder, plan: Plan, debtor_number: str) -> dict[str, object]:
    return {"attempts": row.attempts + 1, "debtor_number": debtor_number[:255]} | amount_columns(plan)


def amount_columns(plan: Plan) -> dict[str, object]:
    """Return what a row stores of the amount of its plan."""
    total = amounts.total(plan)
    return {"amount": total.amount, "is_amount_least": total.is_least}


# --- King's side ------------------------------------------------------------------------------------------------------


def is_of_other(row: WorkOrder, order: Order) -> str:
    """Return the reference on King's order if it says that it is not the order that this row created, else "".

    King reuses a number when its administration was set up again.
    """
    ours, theirs = orders.external_number(row.outsmart_id, row.part), order.external_number
    is_claimed = theirs.startswith(orders.external_number("")) and theirs != ours
    return theirs if row.is_created_by_us and is_claimed else ""


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
