"""Browsers in which an account logged in before, by a signed cookie: strangers' tries elsewhere do not delay them."""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import get_random_string, salted_hmac

from kingsync.models.users import User

SALT = "kingsync.known-device"
DAYS = 365


def of(request: HttpRequest | None, user: User | None) -> str:
    """Return the id of this browser, if the account logged in here before; else ""."""
    if not request or not user:
        return ""
    sealed = next((request.COOKIES[name] for name in _cookies(user) if name in request.COOKIES), "")
    try:
        content = signing.loads(sealed, salt=SALT, max_age=DAYS * 24 * 3600)
    except signing.BadSignature:
        return ""
    return str(content["device"]) if content["user"] == user.pk else ""


def remember(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """Remember this browser: the account has passed every check."""
    device = of(request, user) or get_random_string(16)
    response.set_cookie(
        _cookies(user)[0],
        signing.dumps({"user": user.pk, "device": device}, salt=SALT),
        max_age=DAYS * 24 * 3600,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _cookies(user: User) -> list[str]:
    """Return the name of an account's cookie, then those that it had under former keys."""
    # Over https, browsers accept this prefix from this very host only.
    prefix = "__Host-" if settings.SESSION_COOKIE_SECURE else ""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [f"{prefix}known_{salted_hmac(SALT, str(user.pk), secret=key).hexdigest()[:12]}" for key in keys]
