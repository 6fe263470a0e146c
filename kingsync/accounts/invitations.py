"""Invitations to join a tenant: a single-use link by e-mail, valid for seven days. Only its hash is stored."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext

from kingsync.models.accounts.invitations import Invitation
from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.tenants import Membership, Role, Tenant
from kingsync.models.users import User, folded
from kingsync.notifications import mailer

if TYPE_CHECKING:
    from django.db.models import QuerySet

VALID_FOR = datetime.timedelta(days=7)


class AlreadyMemberError(Exception):
    """Someone with this e-mail address is a member of the tenant."""


class NotSentError(Exception):
    """The invitation is stored, but no mail server accepted the e-mail."""


class UnknownInvitationError(Exception):
    """There is no such invitation: used, withdrawn, or replaced by a newer e-mail."""


class ExpiredInvitationError(Exception):
    """The link has expired."""


def open_ones(tenant: Tenant) -> QuerySet[Invitation]:
    """Return the invitations that were not accepted yet, newest first."""
    return tenant.invitations.filter(accepted_at=None).select_related("invited_by").order_by("-created_at", "-id")


def invite(tenant: Tenant, *, email: str, role: Role, by: User) -> None:
    """E-mail an invitation, voiding an earlier one to this address. Raises `AlreadyMemberError`, `NotSentError`."""
    if tenant.memberships.filter(user__email=email).exists():
        raise AlreadyMemberError
    secret, now = secrets.token_urlsafe(32), timezone.now()
    with transaction.atomic():
        invitation, _is_new = Invitation.objects.update_or_create(
            tenant=tenant,
            email=folded(email),
            accepted_at=None,
            defaults={
                "role": role,
                "invited_by": by,
                "token_hash": hash_of(secret),
                "created_at": now,
                "expires_at": now + VALID_FOR,
            },
        )
        _record(Action.INVITATION_SENT, invitation, by=by)
    _mail(invitation, secret)


def send_again(tenant: Tenant, invitation_id: int, *, by: User) -> str:
    """E-mail a new link, voiding the old one; return the address. Raises `UnknownInvitationError`, and as `invite`."""
    found = open_ones(tenant).filter(pk=invitation_id).first()
    if found is None:
        raise UnknownInvitationError
    invite(tenant, email=found.email, role=Role(found.role), by=by)
    return found.email


def withdraw(tenant: Tenant, invitation_id: int) -> None:
    """Make the link invalid. Raises `UnknownInvitationError`."""
    with transaction.atomic():
        invitation = open_ones(tenant).select_for_update(of=("self",)).filter(pk=invitation_id).first()
        if invitation is None:
            raise UnknownInvitationError
        _record(Action.INVITATION_WITHDRAWN, invitation)
        invitation.delete()


def find(token_hash: str, *, for_update: bool = False) -> Invitation:
    """Return the open invitation of a link. Raises `UnknownInvitationError`, `ExpiredInvitationError`."""
    rows = Invitation.objects.select_related("tenant")
    if for_update:
        rows = rows.select_for_update(of=("self",))
    invitation = rows.filter(token_hash=token_hash, accepted_at=None).first()
    if invitation is None:
        raise UnknownInvitationError
    if invitation.is_expired:
        raise ExpiredInvitationError
    return invitation


def accept(token_hash: str, user: User) -> Tenant:
    """Make the person a member; an existing member keeps the role. Raises as `find`."""
    with transaction.atomic():
        invitation = find(token_hash, for_update=True)
        Membership.objects.get_or_create(tenant=invitation.tenant, user=user, defaults={"role": invitation.role})
        invitation.accepted_at = timezone.now()
        invitation.save(update_fields=["accepted_at"])
        _record(Action.INVITATION_ACCEPTED, invitation, by=user)
    return invitation.tenant


def register(token_hash: str, *, name: str, password: str) -> User:
    """Create an account for the invited address and accept. Raises as `find`."""
    with transaction.atomic():
        invitation = find(token_hash, for_update=True)
        user = User.objects.create_user(invitation.email, password, name=name)
        accept(token_hash, user)
    return user


def _record(action: Action, invitation: Invitation, *, by: User | None = None) -> None:
    after = {"role": str(invitation.role)}
    trail.record(action, tenant=invitation.tenant_id, subject=invitation.email, after=after, by=by)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _mail(invitation: Invitation, secret: str) -> None:
    tenant, by = invitation.tenant, invitation.invited_by
    context = {
        "tenant": tenant,
        "inviter": by.display_name if by else "",
        "role": Role(invitation.role),
        "link": mailer.link("invitation_link", secret),
        "expires_at": invitation.expires_at,
    }
    with translation.override(tenant.language):
        subject = gettext("You have been invited to %(tenant)s in kingsync") % {"tenant": tenant.name}
        try:
            mailer.send_from_page(to=[invitation.email], subject=subject, template="invitation", context=context)
        except OSError as error:
            raise NotSentError from error
