"""The work orders of a tenant: every one ever seen, and one of them with both its documents."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from kingsync.exports import verdict
from kingsync.manual_actions import fetching, order_notices, possible
from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.runs import RunKind
from kingsync.models.work_orders import WorkOrder
from kingsync.web.shared import access, paging, tenant_status
from kingsync.web.work_orders import (
    bulk_pages,
    conflict_form,
    history,
    missing_lines,
    shared_order,
    side_by_side,
    work_order_list,
)


@require_safe
@access.members
def work_orders(request: access.TenantRequest) -> HttpResponse:
    """Show the filtered work orders, newest first."""
    wanted, form = work_order_list.wanted(request.GET)
    counted = work_order_list.counts()
    total = work_order_list.sum_of(wanted, counted)
    context = {
        "page": paging.in_order(wanted.rows(), wanted.order, before=request.GET.get("before", "")),
        "may_fetch": request.may_edit and fetching.is_like_a_number(wanted.search),
        "counts": counted,
        "sum": total,
        "all_count": bulk_pages.offered_count(wanted, total) if request.may_edit else 0,
        "wanted": wanted,
        "form": form,
        "filters": form.filters(),
        "present": tenants.current_administration_id(),
    }
    return render(request, "work_orders/work_orders.html", context)


@require_safe
@access.members
def work_order(request: access.TenantRequest, work_order_id: int) -> HttpResponse:
    """Show one work order: its state and the reason, both documents, its history, its actions.

    One of a former administration is only shown.
    """
    rows = WorkOrder.across_administrations.select_related("last_run", "administration")
    row = get_object_or_404(rows, pk=work_order_id)
    is_former = row.administration_id != tenants.current_administration_id()
    may_edit = request.may_edit and not is_former
    context = {
        "work_order": row,
        "pair": side_by_side.pair_of(row),
        "others": shared_order.of(row),
        "moments": history.of(row),
        "is_off_trigger": any(why["code"] in verdict.OFF_TRIGGER for why in row.reasons),
        "last_checked": order_notices.last_checked(row),
        "notices": [stored(why) for why in order_notices.of(row)],
        "needs_a_person": row.state in WorkOrder.NEEDS_A_PERSON,
        "possible": {str(kind) for kind in possible.actions_of(row)} if may_edit else set(),
        "difference": missing_lines.of(row),
        "conflicts": conflict_form.rows(row) if may_edit else [],
        "is_former": is_former,
        "elsewhere": rows.filter(outsmart_id=row.outsmart_id).exclude(pk=row.pk).order_by("-pk"),
        "may_act": may_edit,
        "may_export": may_edit and row.state != "excluded",
        "refusal": tenant_status.refusal(RunKind.EXPORT) if may_edit else None,
    }
    return render(request, "work_orders/work_order.html", context)
