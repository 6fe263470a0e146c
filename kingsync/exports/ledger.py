"""Reading and writing the ledger: what is saved before and after each step of an export."""

from __future__ import annotations

import datetime
import functools
import hashlib
from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from integrations import errors
from integrations.king.records import Order
from integrations.outsmart import payloads
from integrations.outsmart.records import Marks
from integrations.outsmart.records import WorkOrder as Source
from kingsync.exports import problems
from kingsync.exports.lines import ledger_lines
from kingsync.exports.lines.ledger_lines import WITHOUT_WAITING
from kingsync.messages.reason_texts import stored
from kingsync.models.runs import SyncRun
from kingsync.models.work_orders import LedgerState, OrderLine, Step, WorkOrder
from kingsync.rules import amounts, linking, orders
from kingsync.rules.outcomes import Reason
from kingsync.rules.plans import Plan
from kingsync.runs.lifecycle import LostClaimError

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
            ledger_lines.remember(row, ())
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


# SQL of our own, for the reason of `ledger_lines`.
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
    condition = "" if is_durable else f" AND {WITHOUT_WAITING}"
    return f"UPDATE kingsync_workorder SET {assignments} WHERE id = %s{condition}"  # noqa: S608  (columns of the model)


def begin(row: WorkOrder, plan: Plan, *, debtor_number: str, is_new: bool = False) -> None:
    """Save that the order is being sent, with every line under its reference, before King is called.

    `debtor_number` is the order's; `is_new`: all of it is about to be written. The step that is saved durably before
    the first write makes this durable too.
    """
    with transaction.atomic():
        columns: dict[str, object] = {"attempts": row.attempts + 1, "debtor_number": debtor_number[:255]}
        _set_state(row, LedgerState.SENDING, (), columns | amount_columns(plan), is_durable=False)
        ledger_lines.store_lines(row, plan, is_attempted=is_new)


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
