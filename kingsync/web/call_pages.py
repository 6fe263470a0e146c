"""Pages that follow a background call to OutSmart or King until they can show its answer."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from kingsync.models.background_calls import BackgroundCall
from kingsync.web.settings import administration_pages, settings_answers
from kingsync.web.shared import access, call_waiting
from kingsync.web.work_orders import fetch_pages, order_answers

Kind = BackgroundCall.Kind
# Parts of the settings page: their answer replaces the waiting part in place.
_PARTS = frozenset({Kind.TEST, Kind.CHOICES})


@require_safe
@access.editors
def background_call(request: access.TenantRequest, call_id: int) -> HttpResponse:
    """Show the progress of this person's background call, and its result when it is over."""
    mine = BackgroundCall.objects.select_related("work_order").filter(requested_by=request.user)
    call = get_object_or_404(mine, pk=call_id)
    if call.is_open(now=timezone.now()):
        return call_waiting.waiting(request, call)
    if request.htmx and call.kind not in _PARTS:
        return HttpResponseClientRedirect(call_waiting.address_of(request, call))
    return _ENDED[Kind(call.kind)](request, call)


_ENDED: dict[Kind, Callable[[access.TenantRequest, BackgroundCall], HttpResponse]] = {
    Kind.TEST: settings_answers.ended_test,
    Kind.CHOICES: settings_answers.ended_choices,
    Kind.FIND_ORDER: order_answers.ended_search,
    Kind.LINK: order_answers.ended_action,
    Kind.NEW_ORDER: order_answers.ended_action,
    Kind.RESET: order_answers.ended_reset_link,
    Kind.FETCH: fetch_pages.ended,
    Kind.SWITCH: administration_pages.ended_switch,
}
