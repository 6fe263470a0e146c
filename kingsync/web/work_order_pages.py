"""The ledger of a tenant: every work order seen, and one of them with its lines."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from kingsync.models.runs import LogEntry
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.web import access, overview, paging

LATEST_ENTRIES = 30
PERSON = "person"


@require_safe
@access.members
def work_orders(request: access.TenantRequest) -> HttpResponse:
    """Show the work orders, newest first, of one state and with one number or customer when asked."""
    state, search = request.GET.get("state", ""), request.GET.get("q", "").strip()
    found = _matching(_in_state(WorkOrder.objects.defer("source"), state), search)
    counts = overview.state_counts()
    context = {
        "page": paging.newest_first(found, before=request.GET.get("before", "")),
        "counts": [part for part in counts if part.count],
        "total": sum(part.count for part in counts),
        "person_total": sum(part.count for part in counts if part.needs_a_person),
        "state": state,
        "search": search,
    }
    return render(request, "work_orders.html", context)


@require_safe
@access.members
def work_order(request: access.TenantRequest, work_order_id: int) -> HttpResponse:
    """Show one work order: why it stands where it stands, its lines, what happened."""
    found = get_object_or_404(WorkOrder.objects.select_related("last_run"), pk=work_order_id)
    entries = LogEntry.objects.filter(outsmart_id=found.outsmart_id).order_by("-pk")[:LATEST_ENTRIES]
    context = {
        "work_order": found,
        "lines": found.lines.filter(tenant=request.tenant).order_by("position", "pk"),
        "entries": entries,
        "needs_a_person": found.state in WorkOrder.NEEDS_A_PERSON,
    }
    return render(request, "work_order.html", context)


def _in_state(found: QuerySet[WorkOrder], state: str) -> QuerySet[WorkOrder]:
    if state == PERSON:
        return found.filter(state__in=WorkOrder.NEEDS_A_PERSON)
    return found.filter(state=state) if state in LedgerState.values else found


def _matching(found: QuerySet[WorkOrder], search: str) -> QuerySet[WorkOrder]:
    if not search or "\0" in search:
        return found
    return found.filter(
        Q(order_number__istartswith=search)
        | Q(customer_name__icontains=search)
        | Q(outsmart_id=search)
        | Q(king_order_number=search)
    )
