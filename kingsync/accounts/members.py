"""A tenant's members, and changes that never leave it without an owner."""

from __future__ import annotations

from django.db import models, transaction

from kingsync.models import tenants
from kingsync.models.accounts import second_steps
from kingsync.models.accounts.saved_views import SavedView
from kingsync.models.tenants import Membership, Role, Tenant


class LastOwnerError(Exception):
    """The tenant would have no owner left."""


class UnknownMemberError(Exception):
    """The tenant has no such member (any more)."""


def of(tenant: Tenant) -> models.QuerySet[Membership]:
    """Return the tenant's members by name, each with `has_second_step`."""
    rows = tenant.memberships.select_related("user").annotate(has_second_step=second_steps.exists_for("user_id"))
    return rows.order_by("user__name", "user__email")


def change_role(tenant: Tenant, membership_id: int, role: Role) -> None:
    """Give a member another role. Raises `UnknownMemberError`, `LastOwnerError`."""
    with transaction.atomic():
        membership = _locked(tenant, membership_id)
        if role != Role.OWNER:
            _keep_an_owner(tenant, membership)
        membership.role = role
        membership.save(update_fields=["role"])


def remove(tenant: Tenant, membership_id: int) -> None:
    """Remove a member from the tenant; the account stays. Raises `UnknownMemberError`, `LastOwnerError`."""
    with transaction.atomic():
        membership = _locked(tenant, membership_id)
        _keep_an_owner(tenant, membership)
        with tenants.scope(tenant):
            SavedView.objects.filter(user=membership.user_id).delete()
        membership.delete()


def _locked(tenant: Tenant, membership_id: int) -> Membership:
    # One change of the tenant's members at a time: two owners must not remove each other.
    Tenant.objects.select_for_update().get(pk=tenant.pk)
    membership = tenant.memberships.select_related("user").filter(pk=membership_id).first()
    if membership is None:
        raise UnknownMemberError
    return membership


def _keep_an_owner(tenant: Tenant, leaving: Membership) -> None:
    is_owner = leaving.role == Role.OWNER
    if is_owner and not tenant.memberships.filter(role=Role.OWNER).exclude(pk=leaving.pk).exists():
        raise LastOwnerError
