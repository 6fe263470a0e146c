"""Following what a page asked of OutSmart or King. The page answers at once; with or without scripts it asks again."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from integrations import notation
from kingsync.models import wording
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import System
from kingsync.models.work_orders import Decision, WorkOrder
from kingsync.runs import page_calls
from kingsync.web import access, decision_words, settings_versions, work_order_list
from kingsync.web.settings_form import CHOSEN_FROM_SYSTEMS, SettingsForm

Kind = BackgroundCall.Kind
# Parts of the settings page: their answer takes the place of the waiting part, where it stands.
_PARTS = frozenset({Kind.TEST, Kind.CHOICES})


@require_safe
@access.editors
def background_call(request: access.TenantRequest, call_id: int) -> HttpResponse:
    """Show how far a call is that this person asked for, and what came of it when it is over."""
    mine = BackgroundCall.objects.select_related("work_order").filter(requested_by=request.user)
    call = get_object_or_404(mine, pk=call_id)
    if call.is_open(now=timezone.now()):
        return waiting(request, call)
    if request.htmx and call.kind not in _PARTS:
        return HttpResponseClientRedirect(_address(request, call))
    return _ENDED[Kind(call.kind)](request, call)


def followed(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    """Answer the press of a button: with the part that waits, or without scripts with the page that does."""
    return waiting(request, call) if request.htmx else redirect(_address(request, call))


def waiting(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    context = {"call": call, "call_url": _address(request, call), "told": _going_on(call)}
    return render(request, "_waiting.html" if request.htmx else "waiting.html", context)


def _address(request: access.TenantRequest, call: BackgroundCall) -> str:
    return reverse("background_call", args=[request.tenant.slug, call.pk])


def _going_on(call: BackgroundCall) -> str:
    if call.kind == Kind.TEST:
        return _("%(system)s is being tried…") % {"system": System(call.parameters["system"]).label}
    if call.kind == Kind.CHOICES:
        return _("OutSmart and King are being asked…")
    return _("King is being asked…")


# --- On the settings page ---------------------------------------------------------------------------------------------


def tested(request: access.TenantRequest, system: System, problem: wording.StoredReason | None) -> HttpResponse:
    """Show how a connection test went."""
    return shown(request, "_tested.html", {"system": system, "is_tried": True, "problem": problem})


def shown(request: access.TenantRequest, part: str, context: dict[str, object]) -> HttpResponse:
    """Show a part of the settings page; without scripts on a page of its own, with the way back."""
    if request.htmx:
        return render(request, part, context)
    return render(request, "settings_answer.html", context | {"part": part})


def _ended_test(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    return tested(request, System(call.parameters["system"]), call.problem)


def _ended_choices(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    """Tell the answers and give the fields that choose from them anew, as they are filled in now."""
    answers = [_told(answer) for answer in call.result.get("answers", [])]
    context: dict[str, object] = {"refreshed": answers, "problem": call.problem}
    if request.htmx:
        form = SettingsForm(request.GET, instance=settings_versions.stored_settings())
        for name in CHOSEN_FROM_SYSTEMS:
            form.fields[name].widget.attrs["hx-swap-oob"] = "outerHTML"
        context["fields"] = [form[name] for name in CHOSEN_FROM_SYSTEMS]
    return shown(request, "_choices.html", context)


def _told(answer: dict[str, object]) -> dict[str, object]:
    count = int(str(answer["count"]))
    if answer["system"] == System.OUTSMART:
        told = ngettext("%(count)s work status", "%(count)s work statuses", count)
    else:
        told = ngettext("%(count)s warehouse", "%(count)s warehouses", count)
    system = System(str(answer["system"])).label
    return {"system": system, "told": told % {"count": count}, "problem": answer["problem"]}


# --- About a work order -----------------------------------------------------------------------------------------------


def _row(call: BackgroundCall) -> WorkOrder:
    return get_object_or_404(WorkOrder.objects.defer("source"), pk=call.work_order_id)


def _ended_search(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    row, number = _row(call), call.parameters["number"]
    if call.problem:
        return _refused(request, row, call)
    found = page_calls.found_order(call)
    if found is None:
        told = _("King has no open order %(number)s in this administration.")
        messages.error(request, told % {"number": notation.canonical_number(number)})
        return decision_words.back(request, row)
    other_customer = wording.stored(found.other_customer) if found.other_customer else None
    context = {"work_order": row, "found": found, "number": number, "other_customer": other_customer}
    return render(request, "work_order_attach.html", context)


def _ended_decision(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    row = _row(call)
    if call.problem:
        return _refused(request, row, call)
    work_order_list.forget_counts()
    return decision_words.done(request, row, Decision.Kind(call.kind))


def _ended_anew(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    if call.problem and call.problem["code"] == "decision.order_not_open":  # the person must say what King cannot
        told = {"problem": wording.sentence(call.problem), "reason": call.parameters["reason"]}
        return decision_words.ask_anew(request, _row(call), **told)
    return _ended_decision(request, call)


def _refused(request: access.TenantRequest, row: WorkOrder, call: BackgroundCall) -> HttpResponse:
    messages.error(request, wording.sentence(call.problem or {}))
    return decision_words.back(request, row)


_ENDED: dict[Kind, Callable[[access.TenantRequest, BackgroundCall], HttpResponse]] = {
    Kind.TEST: _ended_test,
    Kind.CHOICES: _ended_choices,
    Kind.FIND_ORDER: _ended_search,
    Kind.ATTACH: _ended_decision,
    Kind.ANEW: _ended_anew,
}
