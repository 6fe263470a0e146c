"""Give a tenant an owner without an invitation: for its first one, and where no e-mail can be sent."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from kingsync.models.tenants import Membership, Role, Tenant
from kingsync.models.users import User, folded
from kingsync.notifications import mailer


@dataclass(frozen=True)
class Owner:
    """`link` is where a person without a password chooses one; "" for an account that has one."""

    user: User
    is_new_account: bool
    link: str


def make_owner(tenant: Tenant, email: str, *, name: str = "") -> Owner:
    """Make this person an owner, with a new account if there is none. Repeating it gives a new link at most."""
    with transaction.atomic():
        user = User.objects.filter(email=folded(email)).first()
        is_new = user is None
        user = user or User.objects.create_user(folded(email), None, name=name)
        Membership.objects.update_or_create(tenant=tenant, user=user, defaults={"role": Role.OWNER})
    return Owner(user, is_new, "" if user.has_usable_password() else _link(user))


def _link(user: User) -> str:
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return mailer.link("password_reset_confirm", uid, default_token_generator.make_token(user))
