"""Users and groups (operator only), and the e-mails sent to each tenant's users."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy
from django_otp.plugins.otp_static.models import StaticDevice
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from kingsync.admin import base, rights
from kingsync.models import tenants
from kingsync.models.accounts import second_steps
from kingsync.models.notifications import SentNotification
from kingsync.models.users import User

admin.site.unregister(Group)
# Devices of the second step are the user's own.
admin.site.unregister(StaticDevice)


class OperatorOnly:
    """Accounts span tenants, so even staff with permissions may not open them."""

    def has_module_permission(self, request: HttpRequest, _row: object = None) -> bool:
        return base.is_operator(request.user)

    has_view_permission = has_add_permission = has_module_permission
    has_change_permission = has_delete_permission = has_module_permission


class DeletesAcrossTenants:
    """A deleted user disappears from what companies keep of their decisions and runs, in every company."""

    def get_deleted_objects(self, *args: Any) -> Any:
        with tenants.across():
            return super().get_deleted_objects(*args)  # type: ignore[misc]

    def delete_model(self, *args: Any) -> None:
        with tenants.across():
            super().delete_model(*args)  # type: ignore[misc]

    def delete_queryset(self, *args: Any) -> None:
        with tenants.across():
            super().delete_queryset(*args)  # type: ignore[misc]


@admin.register(User)
class UserAdmin(DeletesAcrossTenants, OperatorOnly, rights.RightsRecorded, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg,misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_staff", "is_superuser", "is_active", "last_login")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "joined_at")
    fieldsets = (
        (None, {"fields": ("email", "password", "name")}),
        (gettext_lazy("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (gettext_lazy("Dates"), {"fields": ("last_login", "joined_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    actions = ("switch_second_step_off",)
    rights = ("groups", "user_permissions")

    @admin.action(description=gettext_lazy("Turn off two-step verification (lost phone)"))
    def switch_second_step_off(self, request: HttpRequest, queryset: models.QuerySet[User]) -> None:
        """Let users who lost both phone and backup codes log in with their password; verify who they are first."""
        second_steps.remove_all(queryset)
        for user in queryset:
            self.log_change(request, user, gettext("Two-step verification has been turned off."))
        messages.success(request, gettext("Two-step verification has been turned off."))


@admin.register(Group)
class GroupAdmin(OperatorOnly, rights.DeletionsRecorded, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Django's permission groups."""

    rights = ("permissions",)


@admin.register(SentNotification)
class SentNotificationAdmin(base.LongListAdmin):
    list_display = ("sent_at", "tenant", "mode", "work_order_count", "recipients", "problem")
    list_filter: Any = (base.TenantFilter, "mode")
