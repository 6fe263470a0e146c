"""The tenants' connections and their state; credentials are never loaded here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from kingsync.admin import base
from kingsync.models.connections import Connection


@admin.register(Connection)
class ConnectionAdmin(base.ReadOnlyAdmin):
    list_display = ("system", "tenant", "base_url", "is_paused", "why_paused", "last_success_at")
    list_filter: Any = (base.TenantFilter, "system", "state")
    search_fields = ("base_url", "tenant__name")
    fields = (
        "tenant",
        "system",
        "base_url",
        "administration",
        "verify_tls",
        "busy_codes",
        "sql_timeout",
        "state",
        "why_paused",
        "last_success_at",
    )
    is_paused = base.coloured("state", _("state"))
    why_paused = base.why("paused_reason", _("reason"))

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).defer("credentials")
