"""Work orders in the search: what has exactly this number first, then the newest that contain it."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse

from kingsync.models import administrations
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.web.search.hits import Hit
from kingsync.web.shared import template_tags
from kingsync.web.work_orders.list_search import Search
from kingsync.web.work_orders.work_order_list import Wanted

AT_MOST = 6


def found(tenant: Tenant, text: str) -> list[Hit]:
    """Return the first work orders with a text, those of former administrations included."""
    wanted = Wanted(search=text, has_former=administrations.former().exists())
    whole = Q(order_number=text) | Q(outsmart_id=text) | Q(king_order_number=text)
    rows = wanted.searched_rows()
    exact = list(rows.filter(whole).order_by("-pk")[:AT_MOST])
    if len(exact) < AT_MOST:
        others = Search(wanted, page_size=AT_MOST).page(before="").rows
        known = {row.pk for row in exact}
        exact += [row for row in others if row.pk not in known]
    return [_hit(tenant, row) for row in exact[:AT_MOST]]


def _hit(tenant: Tenant, row: WorkOrder) -> Hit:
    parts = (row.customer_name, template_tags.day(row.work_date), _king(row))
    return Hit(
        title=str(row),
        address=reverse("work_order", args=[tenant.slug, row.pk]),
        detail=" · ".join(part for part in parts if part),
        state=row.get_state_display(),
        tone=template_tags.tone(row.state),
    )


def _king(row: WorkOrder) -> str:
    return f"King {row.king_order_number}" if row.king_order_number else ""
