"""Imported master data: what OutSmart has because of King, and what King sent last."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from kingsync.admin import base
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.links import KingRecord, RecordLink


@admin.register(RecordLink)
class RecordLinkAdmin(base.LongListAdmin):
    list_display = ("king_id", "name", "kind", "tenant", "outsmart_id", "result", "is_active", "why", "synced_at")
    list_filter: Any = (base.TenantFilter, "kind", "state", "is_active")
    search_fields = ("=king_id", "=outsmart_id")
    exclude = ("reason", "difference")
    readonly_fields = ("why",)
    result = base.coloured("state", _("state"))
    why = base.why("reason", _("reason"))


@admin.register(ChangeLimitTrip)
class ChangeLimitTripAdmin(base.ReadOnlyAdmin):
    list_display = (
        *("kind", "tenant", "result", "known_count", "changed_count", "deactivated_count"),
        *("tripped_at", "decided_by_name", "decided_at"),
    )
    list_filter: Any = (base.TenantFilter, "kind", "state", "tripped_at")
    result = base.coloured("state", _("state"))


@admin.register(KingRecord)
class KingRecordAdmin(base.LongListAdmin):
    list_display = ("number", "name", "kind", "tenant", "is_blocked")
    list_filter: Any = (base.TenantFilter, "kind", "is_blocked")
    search_fields = ("=number", "name", "=ean_code")
    exclude = ()
