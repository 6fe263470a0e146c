"""King's XML files, across tenants."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from kingsync.admin import base
from kingsync.models.king_files import KingFile


@admin.register(KingFile)
class KingFileAdmin(base.LongListAdmin):
    list_display = ("name", "tenant", "document", "result", "record_count", "size", "came_at", "read_at", "why")
    list_filter: Any = (base.TenantFilter, "state", "document", "came_at")
    search_fields = ("name", "=digest")
    exclude = ("reason",)
    readonly_fields = ("why",)
    result = base.coloured("state", _("state"))
    why = base.why("reason", _("reason"))
