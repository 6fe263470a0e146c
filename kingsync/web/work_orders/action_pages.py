"""Manual actions on one work order. Dangerous ones are confirmed on a page of their own.

Actions that need an answer from King run in the background, and the page follows them: `call_pages`.
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kingsync.manual_actions import actions, care, conflicts, guards, page_calls
from kingsync.models.work_orders import ManualAction, WorkOrder
from kingsync.runs.background_calls import CallRefusedError
from kingsync.web.shared import access, call_waiting, refusals
from kingsync.web.work_orders import action_labels, conflict_form, missing_lines

Kind = ManualAction.Kind
Page = Callable[[access.TenantRequest, WorkOrder], HttpResponse]

NUMBER_LENGTH = 50


@require_POST
@access.editors
def decide(request: access.TenantRequest, work_order_id: int) -> HttpResponse:
    """Carry out an action on one work order, or ask for confirmation; refusals are shown on its page."""
    row = get_object_or_404(WorkOrder.objects.defer("source"), pk=work_order_id)
    kind = kind_of(request)
    try:
        return _PAGES[kind](request, row)
    except (*refusals.REFUSALS, CallRefusedError) as error:
        messages.error(request, refusals.message(error))
        return action_labels.back(request, row)


def kind_of(request: access.TenantRequest) -> Kind:
    """Return the requested action; raises `BadRequest` for one that no page of ours sends."""
    kind_name = request.POST.get("kind", "")
    if kind_name not in Kind.values or kind_name in care.KINDS:
        raise BadRequest(kind_name)
    return Kind(kind_name)


def act_on_one(request: access.TenantRequest, kind: Kind, keys: list[int]) -> actions.Decided:
    """Apply an action to any number of work orders. Raises refusals of the action as a whole."""
    if kind == Kind.EXCLUDE:
        return actions.exclude(work_orders=keys, by=request.user, reason=request.POST.get("reason", ""))
    if kind == Kind.SETTLE:
        return actions.settle(work_orders=keys, by=request.user, reason=request.POST.get("reason", ""))
    if kind in _ABOUT_MANY:
        return _ABOUT_MANY[kind](work_orders=keys, by=request.user)
    raise BadRequest(kind)


_ABOUT_MANY: dict[Kind, Callable[..., actions.Decided]] = {
    Kind.RETRY: actions.retry,
    Kind.RELEASE: actions.release,
    Kind.RESTORE: actions.restore,
    Kind.SUPPLEMENT: actions.supplement,
}


def _at_once(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    kind = kind_of(request)
    decided = act_on_one(request, kind, [row.pk])
    for refused in decided.refused:
        raise guards.ActionRefusedError(refused.why)
    return action_labels.done(request, row, kind)


def _solve(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    conflicts.solve(work_order=row, chosen=conflict_form.chosen(request), by=request.user)
    return action_labels.done(request, row, Kind.SOLVE)


# --- Confirmation -----------------------------------------------------------------------------------------------------


def _link_to_order(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    number = _typed(request, "number")
    if not number:
        messages.error(request, _("Enter the number of the King order."))
        return action_labels.back(request, row)
    if len(number) > NUMBER_LENGTH:
        messages.error(request, _("A number has at most %(length)s characters.") % {"length": NUMBER_LENGTH})
        return action_labels.back(request, row)
    if "sure" not in request.POST:
        return call_waiting.followed(request, page_calls.find_order(row, number, by=request.user))
    agreed = "other_customer" in request.POST
    call = page_calls.link_to_order(row, number, accepts_other_customer=agreed, by=request.user)
    return call_waiting.followed(request, call)


def _reset_link(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    reason = _typed(request, "reason")
    if "sure" not in request.POST:
        return action_labels.ask_reset_link(request, row, reason=reason)
    reason = guards.checked_reason(reason)
    even_so = "even_so" in request.POST
    call = page_calls.reset_link(row, reason=reason, even_so=even_so, by=request.user)
    return call_waiting.followed(request, call)


def _supplement(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    if "sure" in request.POST or not missing_lines.of(row):
        return _at_once(request, row)
    context = {"work_order": row, "difference": missing_lines.of(row)}
    return render(request, "work_orders/supplement.html", context)


def _new_order(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    return call_waiting.followed(request, page_calls.new_order(row, by=request.user))


def _typed(request: access.TenantRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()  # PostgreSQL stores no NUL


_PAGES: dict[Kind, Page] = {
    **dict.fromkeys((Kind.RETRY, Kind.RELEASE, Kind.EXCLUDE, Kind.RESTORE, Kind.SETTLE), _at_once),
    Kind.SUPPLEMENT: _supplement,
    Kind.NEW_ORDER: _new_order,
    Kind.LINK: _link_to_order,
    Kind.RESET: _reset_link,
    Kind.SOLVE: _solve,
}
