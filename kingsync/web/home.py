"""The first page: the tenants that a person works for."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from kingsync.models.tenants import Tenant
from kingsync.web import access


@require_safe
@access.people
def home(request: access.PersonRequest) -> HttpResponse:
    """Show the list of tenants, or go straight to the only one."""
    tenants = list(Tenant.objects.visible_to(request.user).order_by("name", "id"))
    if len(tenants) == 1:
        return redirect("tenant", slug=tenants[0].slug)
    return render(request, "home.html", {"tenants": tenants})


@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """Lead browsers that ask for the icon at its old address to the one that there is."""
    return redirect(static("img/mark.svg"))
