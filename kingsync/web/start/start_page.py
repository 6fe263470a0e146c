"""A tenant's start page: its status, onboarding, and the two buttons."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kingsync.models import import_kinds
from kingsync.models.runs import RunKind, SyncRun
from kingsync.runs import heartbeats
from kingsync.runs.wanted import NotWantedError
from kingsync.web.shared import access, refusals, run_labels, start_runs, tenant_status
from kingsync.web.start import alerts, already_running, charts, dashboard, onboarding


@require_safe
@access.members
def tenant(request: access.TenantRequest) -> HttpResponse:
    """Show the tenant's connections, runs and work orders."""
    return render(request, "start/start.html", _context(request))


def _context(request: access.TenantRequest) -> dict[str, Any]:
    found = dashboard.dashboard()
    steps = onboarding.steps(request.tenant, found)
    is_missing = any(card.is_missing for card in found.systems)
    # A tenant that never ran anything is led to the connections by the onboarding; alerts would only alarm.
    on_top = [] if steps and is_missing and not found.latest_runs else alerts.of(request.tenant, found)
    reported = {alert.trip for alert in on_top}
    return {
        "dashboard": found,
        "known_trouble": found.trouble,
        "cards": found.cards,
        "trips": [trip for trip in found.trips if trip not in reported],
        "last_days": None if found.days.is_empty else charts.Drawings(found.days, request.tenant),
        "steps": steps,
        "alerts": on_top,
        "background_silent_since": heartbeats.silent_since(),
        "import_kinds": [(kind, run_labels.kind_label(kind)) for kind in import_kinds.SHOWN],
    }


@require_safe
@access.members
def live(request: access.TenantRequest, kind: str) -> HttpResponse:
    """Show the newest run of a kind. While it is open, the part refreshes itself when it moves."""
    return _live_part(request, _kind_or_404(kind), already_running.from_query(request.GET))


@require_POST
@access.editors
def start_run(request: access.TenantRequest, kind: str) -> HttpResponse:
    """Start the requested run, or join the one in progress, and show it; or say why it is refused."""
    wanted = _kind_or_404(kind)
    options = _options(request.POST, wanted)
    try:
        requested = start_runs.start(request, wanted, options)
    except NotWantedError as error:
        return _refused(request, wanted, error)
    open_run = already_running.for_request(requested, options) if requested.already_running else None
    if request.htmx:
        return _live_part(request, wanted, open_run)
    if open_run:
        messages.info(request, open_run.message_for(requested.run))
    return redirect("tenant", slug=request.tenant.slug)


def _refused(request: access.TenantRequest, kind: RunKind, error: NotWantedError) -> HttpResponse:
    if request.htmx:
        return _live_part(request, kind, None, refused=refusals.message(error))
    messages.error(request, refusals.message(error))
    return redirect("tenant", slug=request.tenant.slug)


def _options(form: QueryDict, kind: RunKind) -> dict[str, object]:
    """Return the options chosen beside the button. Raises `Http404` for an unknown kind."""
    options: dict[str, object] = {}
    kinds = [each for each in form.getlist("kinds") if each]
    if kind == RunKind.IMPORT and kinds:
        if not set(kinds) <= set(import_kinds.SHOWN):
            raise Http404
        options["kinds"] = kinds
    if kind == RunKind.IMPORT and form.get("full"):
        options["full"] = True
    if form.get("dry_run"):
        options["dry_run"] = True
    elif kind == RunKind.EXPORT and form.get(SyncRun.CONFIRMED):
        options[SyncRun.CONFIRMED] = True
    return options


def _kind_or_404(kind: str) -> RunKind:
    if kind not in RunKind.values:
        raise Http404
    return RunKind(kind)


def _live_part(
    request: access.TenantRequest, kind: RunKind, open_run: already_running.AlreadyRunning | None, refused: str = ""
) -> HttpResponse:
    [card] = tenant_status.run_cards(tenant_status.tenant_status(), [kind])
    note = open_run.message_for(card.run) if open_run and card.run else ""
    context = {"card": card, "note": note, "already_running": open_run if note else None, "refused": refused}
    if (card.run is not None and card.run.is_open) or not _is_on_start_page(request):
        return render(request, "start/_live.html", context)
    # In one response, so that "All went well" never appears above the numbers of the previous run.
    return render(request, "start/_live_ended.html", _context(request) | context)


def _is_on_start_page(request: access.TenantRequest) -> bool:
    """Return whether the part is for the start page; the settings page has the two buttons, and nothing to refresh."""
    shown = request.htmx.current_url_abs_path
    return shown is None or urlsplit(shown).path != reverse("settings", args=[request.tenant.slug])
