"""A tenant's start page: how it stands, and the two buttons."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kingsync import tasks
from kingsync.models.runs import RunKind, SyncRun
from kingsync.web import access, overview

# The page's overview listens for this and fetches itself anew.
RUN_ENDED = "run-ended"


@require_safe
@access.members
def tenant(request: access.TenantRequest) -> HttpResponse:
    """Show connections, runs and work orders of the tenant."""
    cards = overview.run_cards()
    return render(request, "tenant.html", {"overview": overview.overview(), "cards": cards})


@require_safe
@access.members
def overview_part(request: access.TenantRequest) -> HttpResponse:
    """Show the part of the start page that changes when a run has ended."""
    return render(request, "_overview_part.html", {"overview": overview.overview()})


@require_safe
@access.members
def live(request: access.TenantRequest, kind: str) -> HttpResponse:
    """Show the newest run of a kind. While it is open, the part asks for itself again each second."""
    return _live_part(request, _kind_or_404(kind))


@require_POST
@access.editors
def start_run(request: access.TenantRequest, kind: str) -> HttpResponse:
    """Start a run, or join the one that is going on, and show it."""
    wanted = _kind_or_404(kind)
    requested = tasks.request_run(
        tenant=request.tenant, kind=wanted, trigger=SyncRun.Trigger.BUTTON, requested_by=request.user, options={}
    )
    if request.htmx:
        return _live_part(request, wanted, joined=requested.joined)
    if requested.joined:
        messages.info(request, _("A run was going on already; this is the one."))
    return redirect("tenant", slug=request.tenant.slug)


def _kind_or_404(kind: str) -> RunKind:
    if kind not in RunKind.values:
        raise Http404
    return RunKind(kind)


def _live_part(request: access.TenantRequest, kind: RunKind, *, joined: bool = False) -> HttpResponse:
    [card] = overview.run_cards([kind])
    response = render(request, "_live.html", {"card": card, "joined": joined})
    if card.run is None or not card.run.is_open:
        response["HX-Trigger"] = RUN_ENDED
    return response
