"""Login by e-mail address."""

from __future__ import annotations

import functools
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db.models import QuerySet

from kingsync.models.accounts import second_steps
from kingsync.models.users import User


def account_of(email: str) -> User | None:
    """Return the account with this e-mail address, ignoring case."""
    return User.objects.filter(email=email).first()


class AccountBackend(ModelBackend):
    """Django's own backend, plus what every page needs of an account."""

    def get_user(self, user_id: int) -> Any:
        """Return the account with `has_second_step`: every page needs it, and this saves a query."""
        user = _accounts().filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None


@functools.cache
def _accounts() -> QuerySet[Any]:
    """Return the question that each request narrows down to one account: putting it together takes long."""
    return User.objects.annotate(has_second_step=second_steps.exists_for("pk"))
