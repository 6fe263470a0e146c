"""Tenants and their members. Staff see their own; the operator changes them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from kingsync.admin import base
from kingsync.models.tenants import Membership, Tenant


class OperatorChanges:
    """Staff may look, the operator may change; nobody can delete a tenant and its history by accident."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return base.is_staff(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return base.is_staff(request.user)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return base.is_operator(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return base.is_operator(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class MembershipInline(OperatorChanges, TabularInline):  # type: ignore[misc]
    model = Membership
    extra = 0
    fields = ("user", "role")
    autocomplete_fields = ("user",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return base.is_operator(request.user)


@admin.register(Tenant)
class TenantAdmin(OperatorChanges, ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "slug", "language", "is_licensed", "licensed_until", "created_at")
    search_fields = ("name", "slug")
    ordering = ("name",)
    inlines = (MembershipInline,)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Tenant]:
        return Tenant.objects.visible_to(request.user).order_by(*self.ordering)

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> tuple[str, ...]:  # noqa: ARG002
        # The short name is part of page addresses and commands.
        return ("created_at",) if obj is None else ("slug", "licence_changed_at", "created_at")

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        if {"is_licensed", "licensed_until"} & set(form.changed_data):
            obj.licence_changed_at = timezone.now()
        super().save_model(request, obj, form, change)
