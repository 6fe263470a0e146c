"""What a page shows during a call to OutSmart or King; it answers at once and polls, even without scripts."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import System
from kingsync.web.shared import access

Kind = BackgroundCall.Kind


def followed(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    """Answer a button: with the waiting part, or without scripts with a page that waits."""
    return waiting(request, call) if request.htmx else redirect(address_of(request, call))


def waiting(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    context = {"call": call, "call_url": address_of(request, call), "message": _going_on(call)}
    return render(request, "shared/_waiting.html" if request.htmx else "shared/waiting.html", context)


def address_of(request: access.TenantRequest, call: BackgroundCall) -> str:
    return reverse("background_call", args=[request.tenant.slug, call.pk])


def _going_on(call: BackgroundCall) -> str:
    if call.kind == Kind.TEST:
        return _("%(system)s is being tested…") % {"system": System(call.parameters["system"]).label}
    if call.kind == Kind.SWITCH:
        return _("%(system)s is being tested…") % {"system": System.KING.label}
    if call.kind == Kind.CHOICES:
        return _("Reading the lists of OutSmart and King…")
    if call.kind == Kind.FETCH:
        return _("Searching in OutSmart…")
    return _("Searching in King…")
