"""The King order in hand of a work order and its row among the order links, always written together."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from kingsync.exports import ledger
from kingsync.models.order_links import OrderLink
from kingsync.models.work_orders import WorkOrder

# Until the order's number is saved, nothing was written under it: the row may still change. SQL of our own, since
# every order takes this statement, together with the row's own.
_SAVE = """
    INSERT INTO kingsync_orderlink
        (tenant_id, administration_id, work_order_id, part, king_order_number, is_created_by_us, linked_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (work_order_id, part) WHERE left_at IS NULL
    DO UPDATE SET king_order_number = excluded.king_order_number, is_created_by_us = excluded.is_created_by_us
"""


def tie(row: WorkOrder, number: str, *, is_created_by_us: bool, **columns: object) -> None:
    """Save durably which King order a work order is on, with further columns of it."""
    row.king_order_number, row.is_created_by_us = number, is_created_by_us
    both = {"king_order_number": number, "is_created_by_us": is_created_by_us}
    ledger.save_after(row, _SAVE, _values(row), **both, **columns)


def save_link(row: WorkOrder) -> None:
    """Save the link to the order in hand of a row that was saved otherwise."""
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, _values(row))


def _values(row: WorkOrder) -> list[Any]:
    owner: list[Any] = [row.tenant_id, row.administration_id, row.pk, row.part]
    return [*owner, row.king_order_number, row.is_created_by_us, timezone.now()]


def leave(row: WorkOrder) -> None:
    """Save that a work order is no longer on its order; the link stays as history."""
    OrderLink.objects.filter(work_order=row, part=row.part, left_at=None).update(left_at=timezone.now())


def go_over(row: WorkOrder, number: str, *, is_created_by_us: bool, **columns: object) -> None:
    """Save that a work order left its order for another one."""
    with transaction.atomic():
        leave(row)
        tie(row, number, is_created_by_us=is_created_by_us, **columns)
