"""After saving the settings: check each changed connection, and continue the onboarding."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from kingsync.models.connections import System
from kingsync.web.shared import access
from kingsync.web.start import dashboard, onboarding

KEY = "connections_to_try"


def report_saved(request: access.TenantRequest, *, changed: Iterable[System]) -> None:
    """Confirm saving, with a link back to unfinished onboarding; queue checks of the changed connections."""
    if systems := [str(system) for system in changed]:
        request.session[KEY] = [request.tenant.slug, systems]
    message = _("Saved.")
    if onboarding.steps(request.tenant, dashboard.dashboard()):
        address = reverse("tenant", args=[request.tenant.slug])
        message = format_html('{} <a href="{}">{}</a>', message, address, _("Continue getting started"))
    messages.success(request, message)


def connections_to_check(request: access.TenantRequest) -> list[str]:
    """Return, once, the connections that were just saved, for the page to check."""
    if KEY not in request.session:
        return []
    slug, systems = request.session.pop(KEY)
    return list(systems) if slug == request.tenant.slug else []
