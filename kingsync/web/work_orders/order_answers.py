"""King's answers about one work order: the order that was looked up, and actions that needed an answer."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from integrations import notation
from kingsync.manual_actions import page_calls
from kingsync.messages import reason_texts
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.work_orders import ManualAction, WorkOrder
from kingsync.web.shared import access
from kingsync.web.work_orders import action_labels


def _row(call: BackgroundCall) -> WorkOrder:
    return get_object_or_404(WorkOrder.objects.defer("source"), pk=call.work_order_id)


def ended_search(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    row, number = _row(call), call.parameters["number"]
    if call.problem:
        return _refused(request, row, call)
    found = page_calls.found_order(call)
    if found is None:
        text = _("King has no open order %(number)s in this administration.")
        messages.error(request, text % {"number": notation.canonical_number(number)})
        return action_labels.back(request, row)
    other_customer = reason_texts.stored(found.other_customer) if found.other_customer else None
    context = {"work_order": row, "found": found, "number": number, "other_customer": other_customer}
    return render(request, "work_orders/link_to_order.html", context)


def ended_action(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    row = _row(call)
    if call.problem:
        return _refused(request, row, call)
    return action_labels.done(request, row, ManualAction.Kind(call.kind))


def ended_reset_link(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    if call.problem and call.problem["code"] == "decision.order_not_open":  # the user must say what King cannot
        text = {"problem": reason_texts.sentence(call.problem), "reason": call.parameters["reason"]}
        return action_labels.ask_reset_link(request, _row(call), **text)
    return ended_action(request, call)


def _refused(request: access.TenantRequest, row: WorkOrder, call: BackgroundCall) -> HttpResponse:
    messages.error(request, reason_texts.sentence(call.problem or {}))
    return action_labels.back(request, row)
