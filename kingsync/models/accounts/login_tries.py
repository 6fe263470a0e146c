"""Login attempts, to slow down guessing."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class LoginTry(models.Model):
    """A password attempt that was wrong or is being checked. Kept for minutes; `key` is a hash of the name."""

    key = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("failed login")
        verbose_name_plural = _("failed logins")
        indexes = [
            # How many recent attempts there were.
            models.Index(fields=["key", "at"], name="login_tries_of_a_name"),
            # For purging old ones.
            models.Index(fields=["at"], name="login_tries_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
