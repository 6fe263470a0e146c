"""A work order that no export ever read: find it in OutSmart, see its preview, export it whatever its status."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kingsync.manual_actions import fetching
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.work_orders import WorkOrder
from kingsync.runs.background_calls import CallRefusedError
from kingsync.runs.wanted import NotWantedError
from kingsync.web.shared import access, call_waiting, refusals, start_runs
from kingsync.web.work_orders import dry_run_pages


@require_POST
@access.editors
def fetch(request: access.TenantRequest) -> HttpResponse:
    """Search OutSmart for the number that the list did not find."""
    number = request.POST.get("number", "").replace("\0", "").strip()
    if not fetching.is_like_a_number(number):
        messages.error(
            request, _("Enter a number of at most %(length)s characters.") % {"length": fetching.NUMBER_LENGTH}
        )
        return redirect("work_orders", slug=request.tenant.slug)
    try:
        return call_waiting.followed(request, fetching.fetch(number, by=request.user))
    except CallRefusedError as error:
        messages.error(request, refusals.message(error))
        return redirect("work_orders", slug=request.tenant.slug)


def ended(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    """Show what OutSmart has under the number."""
    found = fetching.matches_of(call)
    known = WorkOrder.objects.defer("source").filter(outsmart_id__in=[each.outsmart_id for each in found])
    rows = {row.outsmart_id: row for row in known}
    context: dict[str, Any] = {
        "call": call,
        "number": call.parameters["number"],
        "problem": call.problem,
        "matches": [(match, rows.get(match.outsmart_id)) for match in found],
    }
    return render(request, "work_orders/fetched.html", context)


@require_POST
@access.editors
def use(request: access.TenantRequest, call_id: int) -> HttpResponse:
    """Start the preview or the export of a work order that this person's call found."""
    mine = BackgroundCall.objects.filter(requested_by=request.user, kind=BackgroundCall.Kind.FETCH)
    call = get_object_or_404(mine, pk=call_id)
    number = request.POST.get("outsmart_id", "")
    if number not in {match.outsmart_id for match in fetching.matches_of(call)}:
        raise Http404
    options: dict[str, object] = {"work_orders": [number], SyncRun.WHATEVER_STATUS: True}
    if "export" not in request.POST:
        options["dry_run"] = True
    try:
        requested = start_runs.start(request, RunKind.EXPORT, options)
    except NotWantedError as error:
        messages.warning(request, refusals.message(error))
        return redirect(reverse("background_call", args=[request.tenant.slug, call.pk]))
    if requested.run.options != options:
        messages.warning(request, str(dry_run_pages.BUSY))
    return redirect("run", slug=request.tenant.slug, run_id=requested.run.pk)
