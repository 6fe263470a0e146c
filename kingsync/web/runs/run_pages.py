"""The runs of a tenant, and one run with its log."""

from __future__ import annotations

import datetime

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from kingsync import tasks
from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.web.runs import record_examples, run_counts, run_ledger, run_list, run_records
from kingsync.web.shared import access, filters, paging, tenant_status
from kingsync.web.work_orders import dry_run_preview


class RunFilter(filters.FilterForm):
    kind = filters.choice(_("Kind"), RunKind.choices)
    state = filters.choice(_("State"), RunStatus.choices)
    trigger = filters.choice(_("Started by"), SyncRun.Trigger.choices)
    preview = filters.choice(_("Previews"), [("no", _("without previews")), ("yes", _("only previews"))])
    ended = filters.day(_("Ended on"))
    since = filters.moment(_("From"))
    until = filters.moment(_("Up to"))

    def narrowed(self, runs: QuerySet[SyncRun]) -> QuerySet[SyncRun]:
        """Return the filtered runs."""
        asked = self.chosen(
            kind="kind", status="state", trigger="trigger", begun_at__gte="since", begun_at__lte="until"
        )
        if asked.keys() & {"begun_at__gte", "begun_at__lte"}:
            runs = runs.annotate(begun_at=Coalesce("started_at", "queued_at"))
        return self._by_preview(self._by_end(runs.filter(**asked)))

    def _by_end(self, runs: QuerySet[SyncRun]) -> QuerySet[SyncRun]:
        day = self.value("ended")
        return runs if day is None else runs.filter(finished_at__date=day)

    def _by_preview(self, runs: QuerySet[SyncRun]) -> QuerySet[SyncRun]:
        asked, is_preview = self.value("preview"), Q(options__contains={"dry_run": True})
        return runs.filter(is_preview if asked == "yes" else ~is_preview) if asked else runs


@require_safe
@access.members
def runs(request: access.TenantRequest) -> HttpResponse:
    """Show the filtered runs, newest first; those that found nothing new are folded."""
    form = RunFilter(request.GET)
    found = form.narrowed(tenant_status.listed_runs())
    page = run_list.page(found, before=request.GET.get("before", ""))
    return render(request, "runs/runs.html", {"page": page, "form": form})


@require_safe
@access.members
def run(request: access.TenantRequest, run_id: int) -> HttpResponse:
    """Show one run with its log; for a refresh only the part that changes."""
    found = get_object_or_404(SyncRun.objects.select_related("requested_by"), pk=run_id)
    outcome, after = request.GET.get("outcome", ""), request.GET.get("after", "")
    if outcome and not request.htmx and (elsewhere := run_counts.elsewhere(found, request.tenant, outcome)):
        return redirect(elsewhere)
    ledger = run_ledger.of(found, outcome=outcome, after=after)
    records = run_records.of(found, outcome=outcome, kind=request.GET.get("kind", ""), after=after)
    entries = LogEntry.objects.filter(run=found)
    level = request.GET.get("level", "")
    if level in LogEntry.Level.values:
        entries = entries.filter(level=level)
    trial = dry_run_preview.all_of(found) if found.is_dry and found.kind == RunKind.EXPORT else []
    context = {
        "run": found,
        "counts": run_counts.of(found, request.tenant),
        "ledger": ledger,
        "records": records,
        "not_kept": bool(outcome) and ledger is None and records is None and not found.is_dry,
        "kind_counts": run_counts.by_kind(found),
        "examples": record_examples.of(found) if found.is_dry else [],
        "dry_run_orders": trial,
        "refusal": tenant_status.refusal(RunKind.EXPORT) if trial else None,
        "page": paging.newest_first(entries, before=request.GET.get("before", "")),
        "level": level,
        "levels": LogEntry.Level,
        "log_is_gone": _is_log_purged(found, request.tenant.log_days),
    }
    return render(request, "runs/_run.html" if request.htmx else "runs/run.html", context)


def _is_log_purged(found: SyncRun, log_days: int) -> bool:
    """Return whether the run is so old that its entries were purged."""
    return found.finished_at is not None and found.finished_at < timezone.now() - datetime.timedelta(days=log_days)


@require_POST
@access.editors
def cancel_run(request: access.TenantRequest, run_id: int) -> HttpResponse:
    """Ask a run to stop between two records."""
    tasks.request_cancel(get_object_or_404(SyncRun, pk=run_id))
    return redirect("run", slug=request.tenant.slug, run_id=run_id)
