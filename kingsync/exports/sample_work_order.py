"""A work order for the preview of text lines: a recent one of the tenant, else a made-up one. Reads only."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from django.db.models import QuerySet
from django.utils.translation import gettext

from integrations import errors
from integrations.outsmart import payloads
from integrations.outsmart.records import Material, WorkPeriod
from integrations.outsmart.records import WorkOrder as Source
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import hours, orders, texts
from kingsync.rules.mapping import Exports
from kingsync.rules.plans import RelevantMasterData

OFFERED = 20
# Only the newest stored ones are offered, to bound the search.
LOOKED_THROUGH = 200


def recent() -> list[WorkOrder]:
    """Return the newest work orders that can be shown, without their contents."""
    return list(_recent().defer("source")[:OFFERED])


def chosen(pk: int | None) -> WorkOrder | None:
    """Return one of the recent work orders, the newest if that one is not found; None if there is none."""
    return (_recent().filter(pk=pk).first() if pk else None) or _recent().first()


def _recent() -> QuerySet[WorkOrder]:
    newest = WorkOrder.objects.order_by("-id").values("pk")[:LOOKED_THROUGH]
    return WorkOrder.objects.filter(pk__in=newest).exclude(source="").order_by("-id")


def values_of(row: WorkOrder | None, *, hour_rounding: int) -> Callable[[str], str]:
    """Return the lookup of tag values that an export of this work order would use."""
    source = _source(row)
    number = (row.king_order_number if row else "") or source.king_order_number.strip()
    return texts.values_of(
        source,
        total_hours=_total_hours(source, hour_rounding),
        king_order_number=number or gettext("(the number that King assigns)"),
    )


def _source(row: WorkOrder | None) -> Source:
    if row is None:
        return MADE_UP
    try:
        return payloads.work_order(row.source.encode())
    except errors.PayloadError:
        return MADE_UP


def _total_hours(source: Source, hour_rounding: int) -> str:
    """Return the total of the order rule, without King's rates."""
    choices = msgspec.convert({"hour_rounding": hour_rounding, "extra_text_lines": ()}, Exports)
    plan = orders.from_work_order(source, choices, master_data=RelevantMasterData())
    return hours.as_clock(sum(line.rounded_minutes or 0 for line in plan.lines))


MADE_UP = Source(
    outsmart_id="12345",
    order_number="WB2026.0123",
    reference="Onderhoud ketel",
    external_reference="PO-4471",
    work_date="9-3-2026",
    work_end_date="10-3-2026",
    customer_name="VvE De Linden",
    customer_debtor_number="10023",
    customer_street="Lindelaan",
    customer_house_number="12a",
    customer_postal_code="1234 AB",
    customer_city="Utrecht",
    contact_person="A. de Wit",
    invoice_customer_name="Beheer Midden B.V.",
    invoice_debtor_number="10040",
    project_number="P-2026-07",
    external_project_number="LIN-3",
    type_of_work="Service",
    short_work_description="Ketel lekt",
    work_description="Ketel nagekeken en pakking vervangen.",
    comment="Sleutel bij de buren.",
    payment_method="op rekening",
    employee_number="07",
    signed_by="A. de Wit",
    error_message="Lekkage",
    solution_message="Pakking vervangen",
    free_fields={1: "Verdieping 3", 2: "Ja"},
    materials=(Material(position=1, code="PAK-15", name="Pakking", quantity="1"),),
    periods=(WorkPeriod(position=1, hour_type="MONT", total_time="01:50", travel="38"),),
)
