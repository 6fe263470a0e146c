"""The ledger: work orders, their King orders and lines."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from kingsync.admin import base
from kingsync.models.work_orders import OrderLine, WorkOrder


class OrderLineInline(TabularInline):  # type: ignore[misc]
    model = OrderLine
    extra = 0
    can_delete = False
    show_change_link = True
    fields = (
        "position",
        "kind",
        "source",
        "quantity",
        "registered_minutes",
        "rounded_minutes",
        "state",
        "king_line_id",
        "why",
    )
    readonly_fields = ("why",)
    why = base.why("reasons", _("reasons"))

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[OrderLine]:  # noqa: ARG002
        """Return all lines: access to the parent work order was checked, and only its own lines are shown."""
        return OrderLine.across_tenants.order_by("position", "id")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return base.is_staff(request.user)

    has_add_permission = has_change_permission = base.never


@admin.register(WorkOrder)
class WorkOrderAdmin(base.LongListAdmin):
    list_display = (
        "__str__",
        "tenant",
        "customer_name",
        "king_order_number",
        "result",
        "why",
        "attempts",
        "changed_at",
    )
    list_filter: Any = (base.TenantFilter, "state", "step", "is_interim", "changed_at")
    search_fields = ("=outsmart_id", "=king_order_number", "order_number", "customer_name")
    exclude = ("source_fingerprint", "plan_fingerprint", "reasons")
    readonly_fields = ("why",)
    inlines = (OrderLineInline,)
    result = base.coloured("state", _("state"))
    why = base.why("reasons", _("reasons"))


@admin.register(OrderLine)
class OrderLineAdmin(base.LongListAdmin):
    list_display = ("__str__", "tenant", "work_order", "kind", "source", "quantity", "result", "king_line_id", "why")
    list_filter: Any = (base.TenantFilter, "kind", "state")
    list_select_related: Any = ("tenant", "work_order")
    result = base.coloured("state", _("state"))
    search_fields = ("=reference", "=work_order__outsmart_id", "=king_line_id")
    exclude = ("reasons",)
    readonly_fields = ("why",)
    why = base.why("reasons", _("reasons"))
