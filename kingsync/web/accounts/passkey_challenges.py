"""The challenges that browsers sign with a passkey: kept in the session, each valid once and for some minutes."""

from __future__ import annotations

import time

from kingsync.accounts import passkeys
from kingsync.accounts.passkeys import Ceremony
from kingsync.web.shared import access

LOGIN, NEW = "passkey_login", "passkey_new"
SECONDS = 900


def begin_login(request: access.PersonRequest) -> str:
    """Return the options for a login."""
    return _begin(request, LOGIN, passkeys.begin_login(request.user))


def begin_adding(request: access.PersonRequest) -> str:
    """Return the options for a new passkey."""
    return _begin(request, NEW, passkeys.begin_adding(request.user))


def take(request: access.PersonRequest, purpose: str) -> str:
    """Return the challenge of the page that was shown; "" when it is too old, or was answered before."""
    kept = request.session.pop(purpose, None)
    return str(kept["challenge"]) if kept and time.time() < kept["until"] else ""


def _begin(request: access.PersonRequest, purpose: str, ceremony: Ceremony) -> str:
    request.session[purpose] = {"challenge": ceremony.challenge, "until": time.time() + SECONDS}
    return ceremony.options
