"""King's master data in the search."""

from __future__ import annotations

from django.urls import reverse
from django.utils.text import capfirst

from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.tenants import Tenant
from kingsync.web.records import record_list
from kingsync.web.search.hits import Hit
from kingsync.web.shared import template_tags

AT_MOST = 5
_TONES = {RecordLink.State.REJECTED: "bad", RecordLink.State.LINKED: "good"}


def found(tenant: Tenant, text: str) -> list[Hit]:
    """Return the first records with a number or a name."""
    rows = RecordLink.objects.filter(kind__in=RecordKind.values).defer("sent", "difference", "source_hash")
    # Without an order: the database may stop at the first ones.
    return [_hit(tenant, row) for row in record_list.with_text(rows, text, keys=record_list.few_with(text))[:AT_MOST]]


def _hit(tenant: Tenant, row: RecordLink) -> Hit:
    return Hit(
        title=" · ".join(part for part in (row.king_id, row.name) if part),
        address=reverse("record", args=[tenant.slug, row.pk]),
        detail=capfirst(row.get_kind_display()),
        state=row.get_state_display(),
        tone=_TONES.get(RecordLink.State(row.state), template_tags.tone("")),
    )
