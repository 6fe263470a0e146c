"""Users and groups: the operator's only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from kingsync.admin import base

admin.site.unregister(User)
admin.site.unregister(Group)


class OperatorOnly:
    """Accounts reach across tenants, so that not even a staff member with permissions may open them."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return base.is_operator(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return base.is_operator(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return base.is_operator(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return base.is_operator(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return base.is_operator(request.user)


@admin.register(User)
class UserAdmin(OperatorOnly, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg,misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(OperatorOnly, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Groups of permissions, as Django has them."""
