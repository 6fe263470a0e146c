"""Tenants and their members. Staff see their own; the operator changes them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from unfold.admin import ModelAdmin, TabularInline

from kingsync.admin import base, tenant_pages
from kingsync.models.tenants import Membership, Role, Tenant


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
    change_form_outer_before_template = "operators/company.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Tenant]:
        return Tenant.objects.visible_to(request.user).order_by(*self.ordering)

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> tuple[str, ...]:  # noqa: ARG002
        # The short name is part of page addresses and commands.
        return ("created_at",) if obj is None else ("slug", "licence_changed_at", "created_at")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Tenant | None = None, **kwargs: Any
    ) -> HttpResponse:
        """Show the way to the tenant's own pages above the form."""
        context["company"] = obj and tenant_pages.of(obj, user=request.user)
        answer: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return answer

    def response_add(self, request: HttpRequest, obj: Tenant, post_url_continue: str | None = None) -> HttpResponse:
        """Lead on from a new tenant to the invitation of its first owner."""
        answer: HttpResponse = super().response_add(request, obj, post_url_continue)
        goes_elsewhere = {"_continue", "_addanother"} & request.POST.keys()
        if goes_elsewhere or obj.memberships.filter(role=Role.OWNER).exists():
            return answer
        messages.info(request, gettext("Now invite the first owner."))
        return redirect(f"{reverse('people', args=[obj.slug])}?role={Role.OWNER}#head-invite")

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        if {"is_licensed", "licensed_until"} & set(form.changed_data):
            obj.licence_changed_at = timezone.now()
        super().save_model(request, obj, form, change)
