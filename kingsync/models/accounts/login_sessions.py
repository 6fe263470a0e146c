"""Sessions: where an account is logged in, since when, and until when at the latest."""

from __future__ import annotations

import datetime
import hashlib

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.translation import gettext_lazy as _

ADDRESS, BROWSER = 64, 300


def hash_of(session_key: str) -> str:
    """Return what is stored instead of a session's key: reading the database is not enough to take a session over."""
    return hashlib.sha256(session_key.encode()).hexdigest()


class LoginSession(AbstractBaseSession):
    """A session of Django's; `session_key` is a hash. It ends when idle for too long, and at `ends_at` in any case."""

    session_key = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="login_sessions", verbose_name=_("user")
    )
    started_at = models.DateTimeField(_("logged in at"))
    # To within a few minutes, so that pages need not write it each time; pages that refresh themselves do not count.
    seen_at = models.DateTimeField(_("last active at"))
    ends_at = models.DateTimeField(_("ends at"))
    address = models.CharField(_("IP address"), max_length=ADDRESS, blank=True)
    browser = models.CharField(_("browser"), max_length=BROWSER, blank=True)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes = [
            # Where an account is logged in.
            models.Index(fields=["user", "-seen_at"], name="sessions_of_a_user"),
        ]

    def limit(self, *, is_operator: bool) -> None:
        """Set when the session ends; operators see every tenant, so theirs is shorter."""
        longest = settings.OPERATOR_SESSION_HOURS if is_operator else settings.SESSION_DAYS * 24
        self.ends_at = self.started_at + datetime.timedelta(hours=longest)
        self.expire_date = self._end_when_idle()

    def is_active_at(self, moment: datetime.datetime) -> None:
        """Postpone the end of an idle session."""
        self.seen_at = moment
        self.expire_date = self._end_when_idle()
        LoginSession.objects.filter(pk=self.pk).update(seen_at=self.seen_at, expire_date=self.expire_date)

    def _end_when_idle(self) -> datetime.datetime:
        return min(self.ends_at, self.seen_at + datetime.timedelta(hours=settings.SESSION_IDLE_HOURS))
