"""The first page: the tenants that a person works for."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from kingsync.models.tenants import Tenant
from kingsync.web import access


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the list of tenants, or go straight to the only one."""
    if not request.user.is_authenticated:
        return access.to_login(request)
    tenants = list(Tenant.objects.visible_to(request.user).order_by("name", "id"))
    if len(tenants) == 1:
        return redirect("tenant", slug=tenants[0].slug)
    return render(request, "home.html", {"tenants": tenants})
