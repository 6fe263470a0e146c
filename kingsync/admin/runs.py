"""Runs and their logs."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from kingsync.admin import base
from kingsync.messages import reason_texts
from kingsync.models.runs import COUNTS, LogEntry, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.runs import run_log


@admin.register(SyncRun)
class SyncRunAdmin(base.LongListAdmin):
    list_display = (
        "__str__",
        "tenant",
        "state",
        "trigger",
        "started_at",
        "finished_at",
        "read_count",
        "created_count",
        "rejected_count",
        "new_problems_count",
        "log",
    )
    list_filter: Any = (base.TenantFilter, "kind", "status", "trigger", "queued_at")
    list_select_related: Any = ("tenant",)
    fieldsets = (
        (None, {"fields": ("tenant", "kind", "status", "trigger", "requested_by", "why_failed", "log")}),
        (_("Times"), {"fields": ("queued_at", "started_at", "heartbeat_at", "lease_until", "finished_at")}),
        (
            _("Counts"),
            {
                "fields": (
                    *(f"{name}_count" for name in COUNTS),
                    "attention_count",
                    "new_problems_count",
                    "counts_by_kind",
                )
            },
        ),
        (_("Technical details"), {"fields": ("settings_version", "options", "cursor", "attempt")}),
    )
    state = base.coloured("status", _("state"))
    why_failed = base.why("error", _("error"))

    @admin.display(description=_("log"))
    def log(self, run: SyncRun) -> SafeString:
        address = f"{reverse('admin:kingsync_logentry_changelist')}?run={run.pk}"
        return format_html('<a href="{}">{}</a>', address, _("log entries"))


@admin.register(LogEntry)
class LogEntryAdmin(base.LongListAdmin):
    list_display = ("at", "how_bad", "sentence", "event", "outsmart_id", "king_id", "run", "tenant")
    list_display_links = ("at", "sentence")
    list_filter: Any = (base.TenantFilter, "run__kind", "run__status", "level", "record_kind", "at")
    list_select_related: Any = ("tenant", "run")
    search_fields = ("=outsmart_id",)  # shows the search box; `get_search_results` does the search
    search_help_text = _("Number of a work order, in OutSmart or King, or of another record in King")
    fields = (
        "tenant",
        "run",
        "at",
        "level",
        "event",
        "sentence",
        "record_kind",
        "outsmart_id",
        "king_id",
        "code",
        "params",
        "call",
    )

    how_bad = base.coloured("level", _("level"))

    @admin.display(description=_("history"))
    def sentence(self, entry: LogEntry) -> str:
        return reason_texts.event_sentence(entry.event, entry.reason)

    @admin.display(description=_("technical details"))
    def call(self, entry: LogEntry) -> str:
        """Show the failing call for debugging; its secrets were masked before it was stored."""
        call = entry.detail.get("call")
        if not call:
            return "-"
        return format_html(
            "<pre style='white-space: pre-wrap'>{}</pre>", json.dumps(call, indent=2, ensure_ascii=False)
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[LogEntry], search_term: str
    ) -> tuple[QuerySet[LogEntry], bool]:
        """Find entries by number; a work order also by its order number and its King order number."""
        number = search_term.strip()
        if not number:
            return queryset, False
        visible = WorkOrder.across_tenants.filter(tenant__in=Tenant.objects.visible_to(request.user))
        return run_log.about(queryset, number, work_orders=visible), False
