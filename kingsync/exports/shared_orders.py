"""King orders with several work orders: who else is on one, and whether it waits for them (docs/decisions/0017)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import F, Q, QuerySet

from integrations.king.records import Order
from kingsync.models.order_links import OrderLink
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules import orders

# Its part of the order is in King as it should be. A work order that was changed afterwards is not: King's order may be
# approved only when someone has settled the difference.
APPROVABLE = (LedgerState.DONE, LedgerState.UNCONFIRMED)
# Nothing more comes from an excluded one.
_SETTLED = (*APPROVABLE, LedgerState.EXCLUDED)
_NAMES_LENGTH = 255


def on(number: str) -> QuerySet[WorkOrder]:
    """Return the work orders that are on a King order now."""
    links = OrderLink.objects.filter(king_order_number=number, left_at=None)
    return WorkOrder.objects.filter(pk__in=links.values("work_order"))


def others(row: WorkOrder) -> QuerySet[WorkOrder]:
    """Return the other work orders on the King order in hand, oldest first."""
    number = row.king_order_number
    return on(number).exclude(pk=row.pk).defer("source").order_by("pk") if number else WorkOrder.objects.none()


def is_created_by_us(row: WorkOrder, number: str) -> bool:
    """Return whether an order was created for this work order or for another one, which may have left it since."""
    if number == row.king_order_number and row.is_created_by_us:
        return True
    return OrderLink.objects.filter(king_order_number=number, is_created_by_us=True).exists()


def waits_for(row: WorkOrder, number: str, listed: Mapping[str, str]) -> str:
    """Return the names of the other work orders of an order that are not complete yet, "" if there are none.

    `listed`: the WorkorderNo of the work orders at a trigger that this run has not processed yet, by their ids.
    """
    names = dict(_incomplete(row, number))
    known = set(names) | {row.outsmart_id}
    names |= {each: each for each in _coming(number, listed) if each not in known}
    return ", ".join(names.values())[:_NAMES_LENGTH]


def _incomplete(row: WorkOrder, number: str) -> Iterable[tuple[str, str]]:
    linked = OrderLink.objects.filter(king_order_number=number, left_at=None, part=F("work_order__part"))
    known = Q(pk__in=linked.values("work_order")) | Q(wanted_order_number=number)
    found = WorkOrder.objects.filter(known).exclude(pk=row.pk).exclude(state__in=_SETTLED).order_by("pk")
    for outsmart_id, order_number in found.values_list("outsmart_id", "order_number"):
        yield outsmart_id, order_number or outsmart_id


def _coming(number: str, listed: Mapping[str, str]) -> list[str]:
    coming = [outsmart_id for outsmart_id, wanted in listed.items() if wanted == number]
    if not coming:
        return []
    excluded = WorkOrder.objects.filter(outsmart_id__in=coming, state=LedgerState.EXCLUDED)
    left_out = set(excluded.values_list("outsmart_id", flat=True))
    return [outsmart_id for outsmart_id in coming if outsmart_id not in left_out]


def approved(row: WorkOrder, number: str) -> None:
    """Save for the other work orders of an order that it is approved."""
    on(number).exclude(pk=row.pk).update(is_approved=True, approval_waits_for="")


def is_of_us(order: Order) -> bool:
    """Return whether King's order is the one that we created under its number: King may have reused that."""
    creators = OrderLink.objects.filter(king_order_number=order.number, is_created_by_us=True)
    ids = creators.values_list("work_order__outsmart_id", flat=True)
    return order.external_number in {orders.external_number(each) for each in ids}
