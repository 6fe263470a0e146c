"""The audit trail of all companies and of none, for operators; nobody changes it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from kingsync.admin import base
from kingsync.models.audit.actions import GROUPS
from kingsync.models.audit.entries import AuditEntry


class GroupFilter(admin.SimpleListFilter):
    """Filter by the part of the action's name before the dot."""

    title = _("kind")
    parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:  # noqa: ARG002
        return list(GROUPS.items())

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:  # noqa: ARG002
        return queryset.filter(action__startswith=f"{self.value()}.") if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(base.LongListAdmin):
    list_display = ("at", "what", "who", "address", "subject", "tenant")
    list_filter: Any = (base.TenantFilter, GroupFilter, "actor_kind", "at")
    search_fields = ("actor", "subject", "=address")
    fields = ("at", "what", "action", "tenant", "who", "actor_kind", "user_number", "address", "subject", "old", "new")

    @admin.display(description=_("action"))
    def what(self, entry: AuditEntry) -> str:
        return entry.label

    @admin.display(description=_("who"))
    def who(self, entry: AuditEntry) -> str:
        return entry.who

    @admin.display(description=_("number of the user"))
    def user_number(self, entry: AuditEntry) -> int | None:
        return entry.user_id

    @admin.display(description=_("before"))
    def old(self, entry: AuditEntry) -> SafeString | str:
        return _as_text(entry.before)

    @admin.display(description=_("after"))
    def new(self, entry: AuditEntry) -> SafeString | str:
        return _as_text(entry.after)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show an entry: one without a company, too."""
        answer: HttpResponse = ModelAdmin.changeform_view(self, request, object_id, form_url, extra_context)
        return answer

    def has_module_permission(self, request: HttpRequest) -> bool:
        return base.is_operator(request.user)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002
        return base.is_operator(request.user)


def _as_text(values: dict[str, Any] | None) -> SafeString | str:
    text = json.dumps(values, indent=2, ensure_ascii=False) if values else ""
    return format_html("<pre style='white-space: pre-wrap'>{}</pre>", text) if text else "-"
