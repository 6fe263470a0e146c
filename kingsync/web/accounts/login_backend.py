"""Login by e-mail address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from kingsync.models.accounts import second_steps
from kingsync.models.users import User


def account_of(email: str) -> User | None:
    """Return the account with this e-mail address, ignoring case."""
    return User.objects.filter(email=email).first()


class AccountBackend(ModelBackend):
    """Django's own backend, plus what every page needs of an account."""

    def get_user(self, user_id: int) -> Any:
        """Return the account with `has_second_step`: every page needs it, and this saves a query."""
        user = User.objects.annotate(has_second_step=second_steps.exists_for("pk")).filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
