"""Logins in the audit trail: whatever logs someone in or out sends Django's signals, which end up here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import signals
from django.utils import timezone

from kingsync.models.audit import actors, trail
from kingsync.models.audit.actions import Action
from kingsync.models.users import User

# One entry in this time for someone who is locked out and goes on: their tries have no limit.
LOCKED_MINUTES = 15


def connect() -> None:
    signals.user_logged_in.connect(_logged_in, dispatch_uid="audit of logins")
    signals.user_logged_out.connect(_logged_out, dispatch_uid="audit of logouts")
    signals.user_login_failed.connect(_failed, dispatch_uid="audit of failed logins")


def locked_out(email: str) -> None:
    """Record that too many tries were made for an account, or from an address for accounts that do not exist."""
    user, address = User.objects.filter(email=email).first(), actors.current().address
    now = timezone.now()
    period = f"{now:%Y%m%d%H}{now.minute // LOCKED_MINUTES}"
    during = f"{user.pk if user else ''} {address} {period}"
    for tenant in trail.tenants_of(user) if user else [None]:
        trail.record_once(Action.LOGIN_LOCKED, during=during, tenant=tenant, subject=_subject(user, email))


def reset_requested(email: str) -> None:
    _record_of_address(Action.RESET_REQUESTED, email)


def _logged_in(user: User, **_details: Any) -> None:
    trail.record_of_account(Action.LOGIN_SUCCEEDED, user, by=user)


def _logged_out(user: User | None, **_details: Any) -> None:
    if user is not None:
        trail.record_of_account(Action.LOGGED_OUT, user, by=user)


def _failed(credentials: dict[str, Any], **_details: Any) -> None:
    _record_of_address(Action.LOGIN_FAILED, str(credentials.get("username", "")))


def _record_of_address(action: Action, email: str) -> None:
    """Record what a visitor did: in the trails of the account's companies, of no company if there is no account."""
    user = User.objects.filter(email=email).first()
    for tenant in trail.tenants_of(user) if user else [None]:
        trail.record(action, tenant=tenant, subject=_subject(user, email))


def _subject(user: User | None, email: str) -> str:
    return actors.text_of(user) if user else email
