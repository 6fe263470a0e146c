"""Manual actions on many work orders: those ticked in the list, or all that one cause stops."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kingsync.exports import causes
from kingsync.manual_actions import actions
from kingsync.web.shared import access, refusals
from kingsync.web.work_orders import action_labels, action_pages, repairs, work_order_list

TICKED_AT_MOST = 500
# Work orders beyond these are stopped by the same causes.
CAUSES_OF_NEWEST = 10_000


@require_POST
@access.editors
def act_on_many(request: access.TenantRequest) -> HttpResponse:
    """Apply an action to the work orders ticked in the list, and show the list again."""
    kind, keys = action_pages.kind_of(request), _ticked(request)
    if not keys:
        messages.error(request, _("Select work orders first."))
        return _list_again(request)
    try:
        _show_result(request, action_pages.act_on_one(request, kind, keys))
    except refusals.REFUSALS as error:
        messages.error(request, refusals.message(error))
    return _list_again(request)


@require_safe
@access.members
def causes_page(request: access.TenantRequest) -> HttpResponse:
    """Show what stops work orders: one entry per cause, with who repairs it and one button for all of them."""
    found = [repairs.Repair(each) for each in causes.causes(newest=CAUSES_OF_NEWEST)]
    is_cut = work_order_list.counts().person > CAUSES_OF_NEWEST
    return render(request, "work_orders/causes.html", {"causes": found, "is_cut": is_cut})


@require_POST
@access.editors
def act_on_cause(request: access.TenantRequest) -> HttpResponse:
    """Apply an action to all that a cause stops."""
    kind = action_pages.kind_of(request)
    try:
        keys = causes.stopped_by(request.POST.get("cause", ""))
        _show_result(request, action_pages.act_on_one(request, kind, keys))
    except refusals.REFUSALS as error:
        messages.error(request, refusals.message(error))
    return redirect("causes", slug=request.tenant.slug)


def _ticked(request: access.TenantRequest) -> list[int]:
    ticked = [key for key in request.POST.getlist("row") if key.isdecimal() and len(key) <= 18]
    return [int(key) for key in ticked[:TICKED_AT_MOST]]


def _show_result(request: access.TenantRequest, decided: actions.Decided) -> None:
    level = messages.SUCCESS if not decided.refused else messages.WARNING if decided.done else messages.ERROR
    messages.add_message(request, level, refusals.result(decided, kind=action_pages.kind_of(request)))
    if decided.done:
        action_labels.warn_when_no_export_comes(request, action_pages.kind_of(request))


def _list_again(request: access.TenantRequest) -> HttpResponse:
    """Return to the list with the same filters; only the list's own parameters are kept."""
    asked = QueryDict(request.POST.get("asked", ""), mutable=True)
    address = reverse("work_orders", kwargs={"slug": request.tenant.slug})
    return HttpResponseRedirect(f"{address}?{asked.urlencode()}" if asked else address)
