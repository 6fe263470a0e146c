"""Runs and what they wrote down."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from kingsync.admin import base
from kingsync.models import wording
from kingsync.models.runs import COUNTS, LogEntry, SyncRun


@admin.register(SyncRun)
class SyncRunAdmin(base.LongListAdmin):
    list_display = (
        "__str__",
        "tenant",
        "status",
        "trigger",
        "started_at",
        "finished_at",
        "read_count",
        "created_count",
        "rejected_count",
        "log",
    )
    list_filter: Any = (base.TenantFilter, "kind", "status", "trigger", "queued_at")
    list_select_related: Any = ("tenant",)
    fieldsets = (
        (None, {"fields": ("tenant", "kind", "status", "trigger", "requested_by", "why_failed", "log")}),
        (_("Times"), {"fields": ("queued_at", "started_at", "heartbeat_at", "lease_until", "finished_at")}),
        (_("Counts"), {"fields": (*(f"{name}_count" for name in COUNTS), "trouble_count")}),
        (_("For those who must dig"), {"fields": ("settings_version", "options", "cursor", "attempt")}),
    )
    why_failed = base.why("error", _("error"))

    @admin.display(description=_("log"))
    def log(self, run: SyncRun) -> SafeString:
        address = f"{reverse('admin:kingsync_logentry_changelist')}?run={run.pk}"
        return format_html('<a href="{}">{}</a>', address, _("log entries"))


@admin.register(LogEntry)
class LogEntryAdmin(base.LongListAdmin):
    list_display = ("at", "level", "sentence", "event", "outsmart_id", "king_id", "run", "tenant")
    list_display_links = ("at", "sentence")
    list_filter: Any = (base.TenantFilter, "run__kind", "level", "at")
    list_select_related: Any = ("tenant", "run")
    search_fields = ("=outsmart_id", "=king_id", "=event")
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
        "detail",
    )

    @admin.display(description=_("what happened"))
    def sentence(self, entry: LogEntry) -> str:
        return wording.event_sentence(entry.event, entry.reason)
