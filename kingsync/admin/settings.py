"""The tenants' settings and all earlier versions. They are changed on the tenant's settings page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from kingsync.admin import base
from kingsync.models.sync_settings import SettingsVersion


@admin.register(SettingsVersion)
class SettingsVersionAdmin(base.ReadOnlyAdmin):
    list_display = ("tenant", "version", "saved_at", "saved_by")
    list_filter: Any = (base.TenantFilter, "saved_at")
    list_select_related: Any = ("tenant", "saved_by")
    fields = ("tenant", "version", "saved_at", "saved_by", "document")
