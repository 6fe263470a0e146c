"""Shared base of the admin pages: staff see the rows of their own tenants, the operator sees all rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from kingsync.accounts import looks
from kingsync.messages import reason_texts
from kingsync.models import tenants
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.connections import Connection
from kingsync.models.king_files import KingFile
from kingsync.models.links import RecordLink
from kingsync.models.runs import LogEntry, RunStatus
from kingsync.models.tenants import Tenant, TenantOwned
from kingsync.models.work_orders import LedgerState, OrderLine

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
    """Filter by part of a company's name, or by its short name; a list of thousands would be of no use."""

    title = _("company")
    parameter_name = "tenant"
    template = "operators/company_filter.html"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self._others = [(name, each) for name, values in request.GET.lists() for each in values if name not in _OWN]
        super().__init__(request, params, model, model_admin)

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return []

    def choices(self, changelist: Any) -> Iterator[Any]:  # noqa: ARG002
        """Yield what the template shows; the other filters stay in use."""
        yield {"name": self.parameter_name, "value": self.value(), "others": self._others}

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        wanted = (self.value() or "").strip()
        if not wanted:
            return queryset
        visible = Tenant.objects.visible_to(request.user)
        named = visible.filter(models.Q(slug=wanted) | models.Q(name__icontains=wanted))
        # Their keys: with a join the database would read the rows of all companies, newest first.
        return queryset.filter(tenant__in=list(named.order_by().values_list("pk", flat=True)[:MOST_COMPANIES]))


# The parameters of a list that a new choice of company begins again.
_OWN = ("tenant", "p", "e")
MOST_COMPANIES = 500


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

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields without those that hold no values: "{}" says nothing to people."""
        columns = [field for field in self.model._meta.concrete_fields if isinstance(field, models.JSONField)]
        empty = {field.name for field in columns if obj and obj.__dict__.get(field.attname) in ({}, [])}
        return [
            (title, options | {"fields": [name for name in options["fields"] if name not in empty]})
            for title, options in super().get_fieldsets(request, obj)
        ]

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


def coloured(field: str, description: Any) -> Any:
    """Return a column that shows a state in its colour."""

    @display(description=description, ordering=field, label=_COLOURS)  # type: ignore[untyped-decorator]
    def column(self: ModelAdmin, row: models.Model) -> tuple[str, str]:  # noqa: ARG001
        value = getattr(row, field)
        return value, getattr(row, f"get_{field}_display")()

    return column


_COLOURS: dict[str, str] = {
    # In grey, unless a line below says otherwise.
    **dict.fromkeys((*RunStatus, *LedgerState, *OrderLine.State, *RecordLink.State, *LogEntry.Level), "default"),
    **dict.fromkeys((RunStatus.SUCCEEDED, LedgerState.DONE, OrderLine.State.SENT, "active", "linked"), "success"),
    **dict.fromkeys((RunStatus.PARTLY, LedgerState.INCOMPLETE, LedgerState.HELD, LedgerState.CHANGED), "warning"),
    **dict.fromkeys((RunStatus.FAILED, LedgerState.REJECTED, LedgerState.UNCERTAIN, OrderLine.State.REFUSED), "danger"),
    **dict.fromkeys((LogEntry.Level.ERROR, Connection.State.PAUSED), "danger"),
    **dict.fromkeys((RunStatus.RUNNING, RunStatus.QUEUED, LedgerState.SENDING, LedgerState.WAITING), "info"),
    **dict.fromkeys((KingFile.State.READ, ChangeLimitTrip.State.ALLOWED), "success"),
    **dict.fromkeys((KingFile.State.NEW, ChangeLimitTrip.State.OVER), "default"),
    LogEntry.Level.WARNING: "warning",
}


def why(field: str, description: Any) -> Any:
    """Return a column that shows the reasons stored in `field` as sentences."""

    @admin.display(description=description)
    def column(self: ModelAdmin, row: models.Model) -> str:  # noqa: ARG001
        reasons = getattr(row, field)
        return reason_texts.sentences(reasons if isinstance(reasons, list) else [reasons]) or "-"

    return column
