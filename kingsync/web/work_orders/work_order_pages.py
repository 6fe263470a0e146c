"""The work orders of a tenant: every one ever seen, and one of them with both its documents."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from kingsync.exports import verdict
from kingsync.exports.overview import trouble
from kingsync.manual_actions import care, fetching, order_notices, possible
from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.runs import RunKind
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.web.shared import access, paging, tenant_status
from kingsync.web.shared.paging import Page
from kingsync.web.work_orders import (
    bulk_pages,
    conflict_form,
    export_answers,
    list_counts,
    list_rows,
    missing_lines,
    saved_view_pages,
    work_order_list,
)
from kingsync.web.work_orders.list_rows import Shown
from kingsync.web.work_orders.list_search import Search
from kingsync.web.work_orders.order_page import (
    history,
    last_time,
    neighbours,
    recommendation,
    shared_order,
    side_by_side,
)
from kingsync.web.work_orders.record_names import Names
from kingsync.web.work_orders.work_order_list import Wanted


@require_safe
@access.members
def work_orders(request: access.TenantRequest) -> HttpResponse:
    """Show the filtered work orders, newest first."""
    wanted, form = work_order_list.wanted(request.GET, user_id=request.user.pk)
    counted = list_counts.counts()
    search = Search(wanted) if wanted.search and counted.is_large else None
    total = list_counts.sum_of(wanted, counted, search)
    query = form.query()
    page = _page(wanted, search, before=request.GET.get("before", ""))
    present = tenants.current_administration_id()
    shown = Shown(request.path, query, present if request.may_edit else None, wanted.has_former)
    context = {
        "list_query": query,
        "views": saved_view_pages.of(request, query),
        "page": page,
        "rows_html": list_rows.html(page.rows, shown),
        "may_fetch": request.may_edit and fetching.is_like_a_number(wanted.search),
        "counts": counted,
        "known_trouble": trouble.trouble(attention=counted.person),
        "sum": total,
        "all_count": bulk_pages.offered_count(wanted, total) if request.may_edit else 0,
        "wanted": wanted,
        "form": form,
        "filters": form.filters(),
    }
    return render(request, "work_orders/work_orders.html", context)


def _page(wanted: Wanted, search: Search | None, *, before: str) -> Page[WorkOrder]:
    return search.page(before=before) if search else paging.in_order(wanted.rows(), wanted.order, before=before)


@require_safe
@access.members
def work_order(request: access.TenantRequest, work_order_id: int) -> HttpResponse:
    """Show one work order: its state and the reason, both documents, its history, its actions.

    One of a former administration is only shown.
    """
    rows = WorkOrder.across_administrations.select_related("last_run", "administration")
    row = get_object_or_404(rows, pk=work_order_id)
    is_former = row.administration_id != tenants.current_administration_id()
    pair, looked_after = side_by_side.pair_of(row), care.of(row)
    context = {
        "work_order": row,
        "pair": pair,
        "reasons": [pair.names.in_reason(why) for why in row.reasons],
        "others": shared_order.of(row),
        "moments": history.of(row, pair.names),
        "care": looked_after,
        "is_mine": looked_after.is_by(request.user),
        "last_checked": order_notices.last_checked(row),
        "notices": [stored(why) for why in order_notices.of(row)],
        "is_last_time": last_time.is_past(row),
        "needs_a_person": row.state in WorkOrder.NEEDS_A_PERSON,
        "difference": missing_lines.of(row),
        "is_former": is_former,
        "elsewhere": rows.filter(outsmart_id=row.outsmart_id).exclude(pk=row.pk).order_by("-pk"),
    }
    if not is_former:
        context |= _what_to_do(request, row, pair.names)
    return render(request, "work_orders/work_order.html", context)


def _what_to_do(request: access.TenantRequest, row: WorkOrder, names: Names) -> dict[str, Any]:
    """Return what the page offers: to a viewer only the recommendation and the way to the next work order."""
    status = tenant_status.tenant_status()
    allowed = {str(kind) for kind in possible.actions_of(row)}
    after = export_answers.next_export(status).taken_up if row.state in WorkOrder.NEEDS_A_PERSON else ""
    recommended = recommendation.of(row, possible=allowed, names=names, after=after)
    wanted, form = work_order_list.wanted(request.GET, user_id=request.user.pk) if request.GET else (None, None)
    query = form.query() if form else ""
    offered = {
        "recommended": recommended,
        "neighbours": neighbours.of(row, wanted if query else None),
        "list_query": f"?{query}" if query else "",
    }
    if not request.may_edit:
        return offered
    return offered | {
        "may_act": True,
        "may_export": row.state != LedgerState.EXCLUDED,
        "refusal": status.refusal(RunKind.EXPORT),
        "possible": [kind for kind in recommendation.OFFERED if kind in allowed and kind != recommended.action],
        "conflicts": conflict_form.rows(row),
        "is_off_trigger": any(why["code"] in verdict.OFF_TRIGGER for why in row.reasons),
    }
