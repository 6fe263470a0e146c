"""The response to an action on one work order: its message, and which page follows."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from kingsync.models.work_orders import ManualAction, WorkOrder
from kingsync.web.shared import access
from kingsync.web.work_orders import work_order_list
from kingsync.web.work_orders.export_answers import NextExport, next_export

Kind = ManualAction.Kind

DONE: dict[Kind, str | Promise] = {
    Kind.RETRY: gettext_lazy("This work order is ready for %(export)s."),
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


# The next export has nothing to do with these.
_ENDED = (Kind.EXCLUDE, Kind.SETTLE)
EXPORT_NOW = "export-now"


def done(request: access.TenantRequest, row: WorkOrder, kind: Kind) -> HttpResponse:
    export = next_export()
    answer(request, messages.SUCCESS, str(DONE[kind]) % {"export": export.name}, export=export, kind=kind)
    return back(request, row)


def answer(request: access.TenantRequest, level: int, text: str, *, export: NextExport | None, kind: Kind) -> None:
    """Answer an action, with when the export comes that carries it out, and a button to export now."""
    if export is None or kind in _ENDED:
        messages.add_message(request, level, text)
        return
    said = text if export.name in text else f"{text} {export.planned}".strip()
    tag = EXPORT_NOW if export.may_start else ""
    messages.add_message(request, level, f"{said} {export.note}".strip(), extra_tags=tag)


def back(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    """Show the page of the work order again, as one of the list that led to it."""
    address = reverse("work_order", kwargs={"slug": request.tenant.slug, "work_order_id": row.pk})
    query = work_order_list.wanted(request.GET, user_id=request.user.pk)[1].query() if request.GET else ""
    return HttpResponseRedirect(f"{address}?{query}" if query else address)


def ask_reset_link(
    request: access.TenantRequest, row: WorkOrder, *, problem: str = "", reason: str = ""
) -> HttpResponse:
    """Ask to confirm a reset of the link; with `problem` the user must state what King cannot."""
    return render(request, "work_orders/reset_link.html", {"work_order": row, "problem": problem, "reason": reason})
