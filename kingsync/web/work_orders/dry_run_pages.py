"""One work order alone: its dry run, and exporting it now. Both are runs, followed on its page.

King may take a minute to answer, so no page waits for it: a worker asks, and the page follows the run.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.runs.wanted import NotWantedError
from kingsync.web.shared import access, refusals, run_labels, start_runs
from kingsync.web.work_orders import dry_run_preview

BUSY = _("An export is in progress. Try again when it has finished.")


@require_POST
@access.editors
def preview(request: access.TenantRequest, work_order_id: int) -> HttpResponse:
    """Start a dry run of this work order."""
    return _begin(request, work_order_id, {"dry_run": True} | _agreed(request))


@require_POST
@access.editors
def export_one(request: access.TenantRequest, work_order_id: int) -> HttpResponse:
    """Export this work order now, and no other."""
    return _begin(request, work_order_id, _agreed(request))


def _agreed(request: access.TenantRequest) -> dict[str, object]:
    """Return the option of a user who saw that the work order's status would not start an export."""
    name = SyncRun.WHATEVER_STATUS
    return {name: True} if name in request.POST else {}


def _begin(request: access.TenantRequest, work_order_id: int, options: dict[str, object]) -> HttpResponse:
    row = get_object_or_404(WorkOrder.objects.only("pk", "outsmart_id"), pk=work_order_id)
    try:
        run, is_it = _requested(request, options | {"work_orders": [row.outsmart_id]})
    except NotWantedError as error:
        return _not_started(request, row, refusals.message(error))
    if not is_it:
        return _not_started(request, row, str(BUSY), run)
    if request.htmx:
        return render(request, "work_orders/dry_run_part.html", {"work_order": row, "run": run})
    return redirect("work_order_run", slug=request.tenant.slug, work_order_id=row.pk, run_id=run.pk)


def _requested(request: access.TenantRequest, options: dict[str, object]) -> tuple[SyncRun, bool]:
    """Request a run; return it with True, or another open one with False. Raises `NotWantedError`."""
    requested = start_runs.start(request, RunKind.EXPORT, options)
    return requested.run, requested.run.options == options


@require_POST
@access.editors
def export_from_dry_run(request: access.TenantRequest, run_id: int) -> HttpResponse:
    """Export one work order of a dry run, possibly unseen by any export; the start page follows it."""
    dry_run = get_object_or_404(SyncRun, pk=run_id, kind=RunKind.EXPORT)
    number = request.POST.get("outsmart_id", "")
    if number not in {entry.get("outsmart_id") for entry in dry_run.dry_run_examples.get("work_orders", [])}:
        raise Http404
    try:
        _run, is_it = _requested(request, {"work_orders": [number]} | _whatever_status(dry_run))
    except NotWantedError as error:
        is_it, problem = False, refusals.message(error)
    else:
        problem = str(BUSY)
    if is_it:
        return redirect("tenant", slug=request.tenant.slug)
    messages.warning(request, problem)
    return redirect("run", slug=request.tenant.slug, run_id=dry_run.pk)


def _whatever_status(dry_run: SyncRun) -> dict[str, object]:
    name = SyncRun.WHATEVER_STATUS
    return {name: True} if dry_run.options.get(name) else {}


def _not_started(request: access.TenantRequest, row: WorkOrder, why: str, run: SyncRun | None = None) -> HttpResponse:
    """Say why nothing was started; `run` is the other one that is in the way, if any."""
    if request.htmx:
        return render(request, "work_orders/dry_run_part.html", {"work_order": row, "problem": why, "run": run})
    messages.warning(request, why)
    return redirect("work_order", slug=request.tenant.slug, work_order_id=row.pk)


@require_safe
@access.members
def work_order_run(request: access.TenantRequest, work_order_id: int, run_id: int) -> HttpResponse:
    """Show the progress of this work order's run, and its result when it is over. Polls each second."""
    row = get_object_or_404(WorkOrder.objects.defer("source"), pk=work_order_id)
    run = get_object_or_404(SyncRun.objects.select_related("requested_by"), pk=run_id, kind=RunKind.EXPORT)
    if request.htmx and not (run.is_open or run.is_dry):
        return _ended(request, row, run)
    context: dict[str, Any] = {"work_order": row, "run": run}
    if run.is_dry and not run.is_open and _is_about(run, row):
        lines = OrderLine.objects.filter(work_order=row)
        context["dry_run_result"] = dry_run_preview.of(run, row, {line.reference: line for line in lines})
    return render(request, "work_orders/dry_run_part.html" if request.htmx else "work_orders/dry_run.html", context)


def _ended(request: access.TenantRequest, row: WorkOrder, run: SyncRun) -> HttpResponse:
    """Show the work order as it is after its export, with the run's result on top."""
    level = messages.SUCCESS if run.status == RunStatus.SUCCEEDED else messages.WARNING
    messages.add_message(request, level, run_labels.result(run))
    address = reverse("work_order", kwargs={"slug": request.tenant.slug, "work_order_id": row.pk})
    return HttpResponseClientRedirect(address)


def _is_about(run: SyncRun, row: WorkOrder) -> bool:
    return bool(run.options.get("work_orders") == [row.outsmart_id])
