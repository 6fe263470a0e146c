"""The accounts of people who work for one tenant only, and what else names them."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Exists, OuterRef, Q, QuerySet

from kingsync.models.accounts.login_sessions import LoginSession
from kingsync.models.tenants import Membership, Tenant
from kingsync.models.users import User


def of_only(tenant: Tenant) -> QuerySet[User]:
    """Return the members who work for no other tenant and are neither staff nor operators."""
    elsewhere = Membership.objects.filter(user=OuterRef("pk")).exclude(tenant=tenant)
    members = User.objects.filter(memberships__tenant=tenant, is_staff=False, is_superuser=False)
    return members.exclude(Exists(elsewhere)).order_by("email")


def others_of(tenant: Tenant) -> QuerySet[User]:
    """Return the members whose accounts stay."""
    return (
        User.objects.filter(memberships__tenant=tenant).exclude(pk__in=of_only(tenant).values("pk")).order_by("email")
    )


def delete(users: Sequence[User]) -> None:
    """Delete accounts with their sessions and second steps. What they decided elsewhere keeps their name."""
    for user in users:
        user.delete()


def sessions_of(user_ids: Sequence[int]) -> QuerySet[LoginSession]:
    """Return these people's sessions, which go with their accounts."""
    return LoginSession.objects.filter(user_id__in=user_ids)


def admin_entries(tenant_id: int, user_ids: Sequence[int]) -> QuerySet[LogEntry]:
    """Return what the admin logged about a tenant, and about and by these people."""
    of_tenant = Q(content_type=ContentType.objects.get_for_model(Tenant), object_id=str(tenant_id))
    keys = [str(each) for each in user_ids]
    about = Q(content_type=ContentType.objects.get_for_model(User), object_id__in=keys)
    return LogEntry.objects.filter(of_tenant | about | Q(user_id__in=user_ids))
