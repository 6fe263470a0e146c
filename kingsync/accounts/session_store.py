"""Where Django keeps sessions: in a table that says whose they are, and holds their keys as hashes only."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.utils import timezone

from kingsync.models.accounts.login_sessions import ADDRESS, BROWSER, LoginSession, hash_of
from kingsync.models.users import User

PRECISION = datetime.timedelta(minutes=5)


class SessionStore(db.SessionStore):
    """Django's store for `LoginSession`."""

    row: LoginSession | None = None
    # Of the visitor who makes the request; kept with a session that begins.
    visitor: tuple[str, str] = ("", "")

    @classmethod
    def get_model_class(cls) -> type[LoginSession]:
        return LoginSession

    @property
    def login_id(self) -> int:
        """Return the number of this session in the list of those of an account."""
        return self.row.pk if self.row else 0

    def exists(self, session_key: str) -> bool:
        return LoginSession.objects.filter(session_key=hash_of(session_key)).exists()

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            LoginSession.objects.filter(session_key=hash_of(key)).delete()

    def create_model_instance(self, data: dict[str, Any]) -> LoginSession:
        """Return the row to save: the one that was read, or that of a session which begins."""
        hashed = hash_of(self.session_key or "")
        if self.row is None or self.row.session_key != hashed:
            self.row = self._begun(hashed)
        row, user_id = self.row, data.get(SESSION_KEY)
        row.session_data = self.encode(data)
        row.user_id = int(user_id) if user_id is not None else None
        row.limit(is_operator=row.user_id is not None and _is_operator(row.user_id))
        return row

    def _begun(self, hashed: str) -> LoginSession:
        (address, browser), now = self.visitor, timezone.now()
        return LoginSession(
            session_key=hashed, started_at=now, seen_at=now, address=address[:ADDRESS], browser=browser[:BROWSER]
        )

    def touch(self) -> None:
        """Record that the user is active, once in `PRECISION`."""
        now = timezone.now()
        if self.row is not None and self.row.pk is not None and now - self.row.seen_at >= PRECISION:
            self.row.is_active_at(now)

    def _get_session_from_db(self) -> LoginSession | None:
        hashed = hash_of(self.session_key or "")
        self.row = LoginSession.objects.filter(session_key=hashed, expire_date__gt=timezone.now()).first()
        if self.row is None:
            self._session_key = None
        return self.row


def of(user: User) -> list[LoginSession]:
    """Return where an account is logged in, the latest active first."""
    rows = LoginSession.objects.filter(user=user, expire_date__gt=timezone.now())
    return list(rows.order_by("-seen_at", "-pk"))


def end(user: User, login_id: int) -> bool:
    """End one session of an account; return False when there is none."""
    return bool(LoginSession.objects.filter(user=user, pk=login_id).delete()[0])


def end_others(user: User, *, than: int) -> int:
    """End all sessions of an account but one; return how many there were."""
    return LoginSession.objects.filter(user=user).exclude(pk=than).delete()[0]


def _is_operator(user_id: int) -> bool:
    return User.objects.filter(pk=user_id, is_superuser=True).exists()


def purge_old() -> None:
    """Delete the sessions that are over."""
    LoginSession.objects.filter(expire_date__lt=timezone.now()).delete()
