"""The home page: the tenants that a person works for."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from kingsync.models.connections import Connection
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.web.shared import access


@dataclass(frozen=True)
class Card:
    """One tenant in the list; `person_count` is how many of its work orders need attention."""

    tenant: Tenant
    person_count: int
    is_paused: bool


@require_safe
@access.people
def home(request: access.PersonRequest) -> HttpResponse:
    """Show the list of tenants, or go straight to the only one."""
    visible = Tenant.objects.visible_to(request.user).order_by("name", "id")
    if request.user.is_superuser and visible[:2].count() != 1:
        return redirect("operators")
    tenants = list(visible)
    if len(tenants) == 1:
        return redirect("tenant", slug=tenants[0].slug)
    return render(request, "start/home.html", {"cards": _cards(tenants)})


def _cards(tenants: list[Tenant]) -> list[Card]:
    """Return the tenants, each with its problems. Crosses tenants on purpose: the person may see them all."""
    keys = [tenant.pk for tenant in tenants]
    present = WorkOrder.across_tenants.filter(administration__present_tenant__in=keys)
    stopped = present.filter(state__in=WorkOrder.NEEDS_A_PERSON).order_by()
    persons = dict(stopped.values_list("tenant").annotate(number=Count("pk")))
    paused = Connection.across_tenants.filter(tenant__in=keys, state=Connection.State.PAUSED)
    is_paused = set(paused.values_list("tenant", flat=True))
    return [Card(tenant, persons.get(tenant.pk, 0), tenant.pk in is_paused) for tenant in tenants]


@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """Redirect browsers that request the icon at its default address."""
    return redirect(static("shared/mark.svg"))
