"""Manual actions on many work orders: those ticked in the list, or all that one cause stops."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kingsync.exports.overview import causes, ledger_counts, trouble
from kingsync.manual_actions import actions
from kingsync.web.shared import access, paging, refusals
from kingsync.web.work_orders import (
    action_labels,
    action_pages,
    export_answers,
    list_counts,
    repairs,
    work_order_list,
)

TICKED_AT_MOST = 500
# More at once would keep the page, and with it the exports, waiting.
ALL_AT_MOST = 5_000
_LONGEST_COUNT = 9
# Work orders beyond these are stopped by the same causes.
CAUSES_OF_NEWEST = 10_000


@require_POST
@access.editors
def act_on_many(request: access.TenantRequest) -> HttpResponse:
    """Apply an action to the work orders ticked in the list, or to all of it, and show the list again."""
    kind = action_pages.kind_of(request)
    try:
        keys = _all_of_list(request) if "all" in request.POST else _ticked(request)
        if keys:
            _show_result(request, action_pages.act_on_one(request, kind, keys))
        else:
            messages.error(request, _("Select work orders first."))
    except _ListChangedError as error:
        messages.error(request, str(error))
    except refusals.REFUSALS as error:
        messages.error(request, refusals.message(error))
    return _list_again(request)


def offered_count(wanted: work_order_list.Wanted, total: list_counts.Sum) -> int:
    """Return how many work orders an action on the whole list would be about; 0 if that is not offered."""
    if total.is_more or total.count > ALL_AT_MOST:
        return 0
    count = wanted.rows_to_act_on().count() if wanted.may_have_former else total.count
    return count if count > paging.PAGE_SIZE else 0


@require_safe
@access.members
def causes_page(request: access.TenantRequest) -> HttpResponse:
    """Show what stops work orders: one entry per cause, with who repairs it and one button for all of them."""
    found, attention = repairs.of(causes.causes(newest=CAUSES_OF_NEWEST)), ledger_counts.person()
    context = {
        "causes": found,
        "is_cut": attention > CAUSES_OF_NEWEST,
        "known_trouble": trouble.trouble(attention=attention),
        "after": export_answers.next_export().taken_up if found else "",
    }
    return render(request, "work_orders/causes.html", context)


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


class _ListChangedError(Exception):
    """More work orders are in the list than the user saw."""


def _all_of_list(request: access.TenantRequest) -> list[int]:
    """Return the keys of the list as the user saw it. Raises `_ListChangedError` if it has grown."""
    wanted, _form = work_order_list.wanted(QueryDict(request.POST.get("asked", "")), user_id=request.user.pk)
    seen = request.POST.get("all", "")
    keys = list(wanted.rows_to_act_on().order_by("-pk").values_list("pk", flat=True)[: ALL_AT_MOST + 1])
    if not seen.isdecimal() or len(seen) > _LONGEST_COUNT or not len(keys) <= min(int(seen), ALL_AT_MOST):
        list_counts.forget_sum(wanted)
        raise _ListChangedError(_("The list has changed meanwhile: check it and select again."))
    return keys


def _show_result(request: access.TenantRequest, decided: actions.Decided) -> None:
    level = messages.SUCCESS if not decided.refused else messages.WARNING if decided.done else messages.ERROR
    kind, export = action_pages.kind_of(request), export_answers.next_export()
    result = refusals.result(decided, kind=kind, export=export.name)
    action_labels.answer(request, level, result, export=export if decided.done else None, kind=kind)


def _list_again(request: access.TenantRequest) -> HttpResponse:
    """Return to the list with the same filters; only the list's own parameters are kept."""
    asked = QueryDict(request.POST.get("asked", ""), mutable=True)
    address = reverse("work_orders", kwargs={"slug": request.tenant.slug})
    return HttpResponseRedirect(f"{address}?{asked.urlencode()}" if asked else address)
