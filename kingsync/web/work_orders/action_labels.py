"""The response to an action on one work order: its message, and which page follows."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from kingsync.messages.reason_texts import sentence
from kingsync.models.runs import RunKind
from kingsync.models.work_orders import ManualAction, WorkOrder
from kingsync.web.shared import access, tenant_status

Kind = ManualAction.Kind

DONE: dict[Kind, str | Promise] = {
    Kind.RETRY: gettext_lazy("The next export picks this work order up again."),
    Kind.RELEASE: gettext_lazy("Released: the next export sends this work order."),
    Kind.EXCLUDE: gettext_lazy("Excluded: kingsync no longer sends this work order."),
    Kind.RESTORE: gettext_lazy("Restored: the next export picks this work order up."),
    Kind.LINK: gettext_lazy("Linked: the next export updates the King order."),
    Kind.SUPPLEMENT: gettext_lazy("The next export creates the supplementary order."),
    Kind.SETTLE: gettext_lazy("Settled by hand: kingsync reports only later changes."),
    Kind.NEW_ORDER: gettext_lazy("The next export creates a new King order."),
    Kind.RESET: gettext_lazy("The link to King was reset: the next export starts over."),
    Kind.SOLVE: gettext_lazy("Your choice is kept: the next export carries it out."),
}


def done(request: access.TenantRequest, row: WorkOrder, kind: Kind) -> HttpResponse:
    messages.success(request, str(DONE[kind]))
    warn_when_no_export_comes(request, kind)
    return back(request, row)


def warn_when_no_export_comes(request: access.TenantRequest, kind: Kind) -> None:
    """Add why the next export, which an action waits for, will not run, if so."""
    refusal = tenant_status.refusal(RunKind.EXPORT) if kind not in (Kind.EXCLUDE, Kind.SETTLE) else None
    if refusal:
        messages.warning(request, sentence(refusal))


def back(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    return redirect("work_order", slug=request.tenant.slug, work_order_id=row.pk)


def ask_reset_link(
    request: access.TenantRequest, row: WorkOrder, *, problem: str = "", reason: str = ""
) -> HttpResponse:
    """Ask to confirm a reset of the link; with `problem` the user must state what King cannot."""
    return render(request, "work_orders/reset_link.html", {"work_order": row, "problem": problem, "reason": reason})
