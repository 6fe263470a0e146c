"""The page of the change limit: what an import would do, and the approval or refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from kingsync.imports import change_limit
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.runs import RunKind
from kingsync.runs.wanted import NotWantedError
from kingsync.web.records.record_pages import Change, changes_of
from kingsync.web.shared import access, refusals, run_labels, start_runs

ALLOW, REFUSE = "allow", "refuse"


@dataclass(frozen=True)
class StagedRecord:
    """One record that the change limit holds back."""

    king_id: str
    name: str
    is_deactivated: bool
    changes: list[Change]


@require_http_methods(["GET", "HEAD", "POST"])
@access.members
def change_limit_page(request: access.TenantRequest, trip_id: int) -> HttpResponse:
    """Show what an import would do; accept the decision of an editor."""
    found = get_object_or_404(ChangeLimitTrip.objects.select_related("decided_by", "run"), pk=trip_id)
    if request.method == "POST":
        return _resolve(request, trip_id=found.pk, kind=found.kind)
    staged = [_staged_record(each) for each in found.records]
    context = {
        "trip": found,
        "kind": run_labels.kind_label(found.kind),
        "records": staged,
        "rest": max(0, found.changed_count + found.deactivated_count - len(staged)),
        "is_open": found.state in ChangeLimitTrip.OPEN,
        "may_decide": found.state in (ChangeLimitTrip.State.WAITING, ChangeLimitTrip.State.REFUSED),
    }
    return render(request, "records/change_limit.html", context)


def _resolve(request: access.TenantRequest, *, trip_id: int, kind: str) -> HttpResponse:
    if not request.may_edit:
        raise PermissionDenied
    decision = request.POST.get("decision", "")
    if decision not in (ALLOW, REFUSE):
        raise BadRequest("decision")
    try:
        if decision == ALLOW:
            change_limit.allow(trip_id, by=request.user)
            import_now(request, kind)
        else:
            change_limit.refuse(trip_id, by=request.user)
            messages.info(request, _("On hold: nothing is written until someone approves it."))
    except change_limit.NotWaitingError:
        messages.warning(request, _("This has already been decided, or is no longer needed."))
    return redirect("tenant", slug=request.tenant.slug)


def import_now(request: access.TenantRequest, kind: str) -> None:
    """Start the approved import; one already in progress began before the approval, so the next one does it."""
    try:
        requested = start_runs.start(request, RunKind.IMPORT, {"kinds": [kind], "full": True})
    except NotWantedError as error:
        messages.warning(request, refusals.message(error))
        return
    if requested.already_running:
        messages.success(request, _("Approved. An import is in progress; the next one writes the changes."))
    else:
        messages.success(request, _("Approved. The import has been started."))


def _staged_record(entry: Mapping[str, Any]) -> StagedRecord:
    return StagedRecord(
        king_id=str(entry.get("king_id", "")),
        name=str(entry.get("name", "")),
        is_deactivated=entry.get("action") == "deactivated",
        changes=changes_of(entry.get("changes") or {}),
    )
