"""Where a user is logged in: the list on the account page, and its buttons."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from kingsync.accounts import session_store
from kingsync.web.accounts import browser_names
from kingsync.web.shared import access


@dataclass(frozen=True)
class Place:
    """A browser in which the user is logged in."""

    number: int
    browser: str
    address: str
    started_at: datetime.datetime
    seen_at: datetime.datetime
    is_this: bool


def places(request: access.PersonRequest) -> list[Place]:
    """Return where the user is logged in, this browser first."""
    here = _this(request)
    found = [
        Place(row.pk, browser_names.name_of(row.browser), row.address, row.started_at, row.seen_at, row.pk == here)
        for row in session_store.of(request.user)
    ]
    return sorted(found, key=lambda place: not place.is_this)


@require_POST
@access.people
def end(request: access.PersonRequest, login_id: int) -> HttpResponse:
    """End one session of the user."""
    if session_store.end(request.user, login_id):
        messages.success(request, _("That browser is logged out."))
    else:
        messages.info(request, _("That browser was already logged out."))
    return redirect("account")


@require_POST
@access.people
def end_others(request: access.PersonRequest) -> HttpResponse:
    """End all sessions of the user except this one."""
    count = session_store.end_others(request.user, than=_this(request))
    text = ngettext("%(count)s other browser is logged out.", "%(count)s other browsers are logged out.", count)
    messages.success(request, text % {"count": count})
    return redirect("account")


def _this(request: access.PersonRequest) -> int:
    store = request.session
    return store.login_id if isinstance(store, session_store.SessionStore) else 0
