"""The runs of a tenant, and one of them with its log."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from kingsync import tasks
from kingsync.models.runs import LogEntry, RunKind, SyncRun
from kingsync.web import access, paging, run_words


@require_safe
@access.members
def runs(request: access.TenantRequest) -> HttpResponse:
    """Show the runs, newest first, of one kind when asked."""
    found = SyncRun.objects.select_related("requested_by")
    kind = request.GET.get("kind", "")
    if kind in RunKind.values:
        found = found.filter(kind=kind)
    page = paging.newest_first(found, before=request.GET.get("before", ""))
    return render(request, "runs.html", {"page": page, "kind": kind, "kinds": RunKind})


@require_safe
@access.members
def run(request: access.TenantRequest, run_id: int) -> HttpResponse:
    """Show one run with its log; only the part that changes when that asks for itself."""
    found = get_object_or_404(SyncRun.objects.select_related("requested_by"), pk=run_id)
    entries = LogEntry.objects.filter(run=found)
    level = request.GET.get("level", "")
    if level in LogEntry.Level.values:
        entries = entries.filter(level=level)
    context = {
        "run": found,
        "counts": run_words.labelled_counts(found),
        "page": paging.newest_first(entries, before=request.GET.get("before", "")),
        "level": level,
        "levels": LogEntry.Level,
    }
    return render(request, "_run.html" if request.htmx else "run.html", context)


@require_POST
@access.editors
def cancel_run(request: access.TenantRequest, run_id: int) -> HttpResponse:
    """Ask a run to stop between two records."""
    tasks.request_cancel(get_object_or_404(SyncRun, pk=run_id))
    return redirect("run", slug=request.tenant.slug, run_id=run_id)
