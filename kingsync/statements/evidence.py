"""The evidence for each work order of a period: its state, who decided, when it came into King, by which settings."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import BooleanField, CharField, F, Func, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Coalesce

from kingsync.models.order_links import OrderLink
from kingsync.models.work_orders import ManualAction, WorkOrder
from kingsync.statements import counting
from kingsync.statements.periods import Period

# What the ledger has under the same name.
_OF_LEDGER = (
    *("outsmart_id", "order_number", "customer_name", "work_date", "state", "reasons", "amount", "is_amount_least"),
    *("exported_at", "confirmed_at", "verified_at", "king_checked_at", "settings_version", "source_fingerprint"),
)
_FOUND = ("king_order_numbers", "decision", "decided_by", "decided_at", "is_king_different")
# The columns of `SignedWorkOrder` that its digest covers, in their order.
COLUMNS = (*_OF_LEDGER, *_FOUND)
ORDER = ("work_date", "outsmart_id")
# About a work order, not what becomes of it.
_NO_DECISIONS = (ManualAction.Kind.NOTE, ManualAction.Kind.TAKE, ManualAction.Kind.LEAVE)


def of(period: Period) -> QuerySet[WorkOrder, dict[str, Any]]:
    """Return the evidence of a period as it is now, with the key of each work order."""
    decided = ManualAction.objects.filter(work_order=OuterRef("pk")).exclude(kind__in=_NO_DECISIONS).order_by("-pk")
    return (
        counting.work_orders(period)
        .annotate(
            king_order_numbers=Coalesce(
                Subquery(_numbers()), F("king_order_number"), Value(""), output_field=TextField()
            ),
            decision=Coalesce(Subquery(decided.values("kind")[:1]), Value(""), output_field=CharField()),
            decided_by=Coalesce(Subquery(decided.values("decided_by_name")[:1]), Value(""), output_field=CharField()),
            decided_at=Subquery(decided.values("decided_at")[:1]),
            is_king_different=differs_in_king(),
        )
        .order_by(*ORDER)
        .values("id", *COLUMNS)
    )


def differs_in_king() -> Func:
    """Return whether a notice tells of anything but a delivery, which is the normal course."""
    path = """'$[*] ? (@.code != "delivered_in_king")'"""
    return Func(F("notices"), template=f"jsonb_path_exists(%(expressions)s, {path})", output_field=BooleanField())


def _numbers() -> QuerySet[OrderLink, dict[str, Any]]:
    links = OrderLink.objects.filter(work_order=OuterRef("pk"), left_at=None).order_by().values("work_order")
    joined = StringAgg("king_order_number", delimiter=", ", order_by="part")
    return links.annotate(numbers=joined).values("numbers")
