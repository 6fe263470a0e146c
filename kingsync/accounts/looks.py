"""Operators who open the pages of a company that they do not work for: one entry per hour in its audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sessions.backends.base import SessionBase

    from kingsync.models.tenants import Tenant
    from kingsync.models.users import User

KEY = "looked_at"


def record(tenant: Tenant, user: User | AnonymousUser, session: SessionBase) -> None:
    """Record an operator's look, unless there is an entry of this hour; the session remembers, which saves queries."""
    if not user.is_superuser:
        return
    hour = f"{timezone.now():%Y%m%d%H}"
    seen = {key: at for key, at in session.get(KEY, {}).items() if at == hour}
    if str(tenant.pk) in seen or tenant.memberships.filter(user_id=user.pk).exists():
        return
    trail.record_once(Action.OPERATOR_LOOKED, during=f"{user.pk} {hour}", tenant=tenant.pk, by=user)
    session[KEY] = seen | {str(tenant.pk): hour}
