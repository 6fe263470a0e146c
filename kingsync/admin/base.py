"""Shared base of the admin pages: staff see the rows of their own tenants, the operator sees all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from kingsync.accounts import looks
from kingsync.messages import reason_texts
from kingsync.models import tenants
from kingsync.models.tenants import Tenant, TenantOwned

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from kingsync.models.users import User

M = TypeVar("M", bound=TenantOwned)


def is_operator(user: User | AnonymousUser) -> bool:
    return user.is_active and user.is_superuser


def is_staff(user: User | AnonymousUser) -> bool:
    return user.is_active and user.is_staff


def never(_admin: object, _request: HttpRequest, _row: object = None) -> bool:
    """Forbid what an admin page would allow."""
    return False


class TenantFilter(admin.SimpleListFilter):
    """Filter by tenant; offers only the tenants that this person may see."""

    title = _("company")
    parameter_name = "tenant"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        visible = Tenant.objects.visible_to(request.user).order_by("name")
        return [(tenant.slug, tenant.name) for tenant in visible]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:  # noqa: ARG002
        return queryset.filter(tenant__slug=self.value()) if self.value() else queryset


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Read-only rows of tenants: they change through the tenant's own pages, tasks and commands."""

    list_filter: Any = (TenantFilter,)
    list_select_related: Any = ("tenant",)
    ordering: Any = ("-id",)
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Return the rows of the tenants that this person may see, across tenants on purpose."""
        visible = Tenant.objects.visible_to(request.user)
        rows: models.QuerySet[Any] = self.model.across_tenants.order_by(*self.ordering)
        return rows if is_operator(request.user) else rows.filter(tenant__in=visible)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a row within its tenant's scope: Django builds the inline lists with the default manager."""
        row = self.get_object(request, object_id) if object_id else None
        if row is None:
            return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return]
        looks.record(row.tenant, request.user, request.session)
        with tenants.scope(row.tenant_id):
            response = super().changeform_view(request, object_id, form_url, extra_context)
            return response.render() if isinstance(response, TemplateResponse) else response

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        """Return the named fields, or all but the excluded ones, without a form, which would query for choices."""
        if self.fields:
            return self.fields
        named = [field.name for field in self.model._meta.concrete_fields if field.name not in (self.exclude or ())]
        return [*named, *self.readonly_fields]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_staff(request.user)

    def has_view_permission(self, request: HttpRequest, obj: TenantOwned | None = None) -> bool:
        """Allow staff to look; the queryset decides which rows they get."""
        if not is_staff(request.user):
            return False
        return obj is None or Tenant.objects.visible_to(request.user).filter(pk=obj.tenant_id).exists()

    has_add_permission = has_change_permission = has_delete_permission = never


class LongListAdmin(ReadOnlyAdmin):
    """Base for tables that grow without end: skips counting all rows."""

    paginator = InfinitePaginator


def why(field: str, description: Any) -> Any:
    """Return a column that shows the reasons stored in `field` as sentences."""

    @admin.display(description=description)
    def column(self: ModelAdmin, row: models.Model) -> str:  # noqa: ARG001
        reasons = getattr(row, field)
        return reason_texts.sentences(reasons if isinstance(reasons, list) else [reasons]) or "-"

    return column
