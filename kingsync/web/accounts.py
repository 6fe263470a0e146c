"""Who logs in: people by their user name or their mail address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django_otp.plugins.otp_totp.models import TOTPDevice

if TYPE_CHECKING:
    from django.http import HttpRequest


def account_of(name: str) -> User | None:
    """Return the account of this user name; else the only one with this mail address, in any case of letters."""
    by_name = User.objects.filter(username=name).first()
    if by_name or "@" not in name:
        return by_name
    found = list(User.objects.filter(email__iexact=name)[:2]) or list(User.objects.filter(username__iexact=name)[:2])
    return found[0] if len(found) == 1 else None


class NameOrEmailBackend(ModelBackend):
    """Django's own accounts, also found by their mail address."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **rest: Any
    ) -> Any:
        account = account_of(username or "")
        return super().authenticate(request, account.username if account else username, password, **rest)

    def get_user(self, user_id: int) -> Any:
        """Return the account with `has_second_step`: every page asks for it, and this saves a query."""
        confirmed = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        user = User.objects.annotate(has_second_step=Exists(confirmed)).filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
