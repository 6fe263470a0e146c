"""Login by e-mail address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db.models import Exists, OuterRef
from django_otp.plugins.otp_totp.models import TOTPDevice

from kingsync.models.users import User


def account_of(email: str) -> User | None:
    """Return the account with this e-mail address, ignoring case."""
    return User.objects.filter(email=email).first()


class AccountBackend(ModelBackend):
    """Django's own backend, plus what every page needs of an account."""

    def get_user(self, user_id: int) -> Any:
        """Return the account with `has_second_step`: every page needs it, and this saves a query."""
        confirmed = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        user = User.objects.annotate(has_second_step=Exists(confirmed)).filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
