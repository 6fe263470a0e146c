"""The note on a work order, and who looks after it, as its page changes them."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from kingsync.manual_actions import care
from kingsync.models.work_orders import WorkOrder
from kingsync.web.shared import access, refusals
from kingsync.web.work_orders import action_labels


@require_POST
@access.editors
def change_care(request: access.TenantRequest, work_order_id: int) -> HttpResponse:
    """Write the note, or take or leave the work order, and show its page again."""
    row = get_object_or_404(WorkOrder.objects.defer("source"), pk=work_order_id)
    try:
        _carry_out(request, row)
    except refusals.REFUSALS as error:
        messages.error(request, refusals.message(error))
    return action_labels.back(request, row)


def _carry_out(request: access.TenantRequest, row: WorkOrder) -> None:
    if "note" in request.POST:
        # PostgreSQL stores no NUL.
        care.write_note(row, request.POST["note"].replace("\0", ""), by=request.user)
    elif "take" in request.POST:
        care.take(row, by=request.user)
    elif "leave" in request.POST:
        care.leave(row, by=request.user)
    else:
        raise BadRequest
