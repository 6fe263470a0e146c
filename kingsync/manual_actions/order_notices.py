"""Notices about a work order in any state: they stop nothing, but ask for action."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import msgspec

from kingsync.models.work_orders import WorkOrder
from kingsync.rules.outcomes import Reason, reason


def of(row: WorkOrder) -> tuple[Reason, ...]:
    return (*_notices(row), *msgspec.convert(row.notices, list[Reason]))


def _notices(row: WorkOrder) -> Iterator[Reason]:
    for why in (lock_notice(row), approval_notice(row), waiting_notice(row)):
        if why:
            yield why


def lock_notice(row: WorkOrder) -> Reason | None:
    """Return the notice about an order that may still be locked by us for King's own staff."""
    if not row.is_locked or not row.king_order_number:
        return None
    return reason("still_locked", number=row.king_order_number)


def approval_notice(row: WorkOrder) -> Reason | None:
    """Return the notice about an order that is complete and waits for a user's approval."""
    if not row.is_approval_left or not row.king_order_number or row.king_closed_at:
        return None
    code = "not_approved_credit" if row.part == 1 else "not_approved_supplement"
    return reason(code, number=row.king_order_number)


def waiting_notice(row: WorkOrder) -> Reason | None:
    """Return the notice about an order whose approval waits for other work orders."""
    if not row.approval_waits_for or not row.king_order_number:
        return None
    return reason("approval_waits", number=row.king_order_number, others=row.approval_waits_for)


def last_checked(row: WorkOrder) -> datetime.datetime | None:
    """Return since when both systems are known to be as described: the older of the last checks of each.

    Of an order that King closed, only OutSmart's side is still checked.
    """
    if row.king_closed_at:
        return row.verified_at or row.king_checked_at
    moments = [at for at in (row.verified_at, row.king_checked_at) if at]
    return min(moments, default=None)
