"""What people decide about one work order. The dangerous ones are asked about once more, on a page of their own."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from integrations import notation
from kingsync.models.work_orders import Decision, WorkOrder
from kingsync.runs import deciding, people
from kingsync.web import access, refusals, work_order_list

Kind = Decision.Kind
Page = Callable[[access.TenantRequest, WorkOrder], HttpResponse]

DONE: dict[Kind, str | Promise] = {
    Kind.RETRY: gettext_lazy("The next export takes this work order up again."),
    Kind.RELEASE: gettext_lazy("Released: the next export sends this work order."),
    Kind.EXCLUDE: gettext_lazy("Excluded: kingsync does not send this work order any more."),
    Kind.INCLUDE: gettext_lazy("Included again: the next export takes this work order up."),
    Kind.ATTACH: gettext_lazy("Attached: the next export brings the King order up to date."),
    Kind.ANEW: gettext_lazy("The earlier attempt is forgotten: the next export begins from the start."),
}


@require_POST
@access.editors
def decide(request: access.TenantRequest, work_order_id: int) -> HttpResponse:
    """Decide about one work order, or ask once more first; what refuses it is told on its page."""
    row = get_object_or_404(WorkOrder.objects.defer("source"), pk=work_order_id)
    kind = kind_of(request)
    try:
        return _PAGES[kind](request, row)
    except refusals.REFUSALS as error:
        messages.error(request, refusals.words(error))
        return _back(request, row)


def kind_of(request: access.TenantRequest) -> Kind:
    """Return what was decided; raises `BadRequest` for what no page of ours sends."""
    told = request.POST.get("kind", "")
    if told not in Kind.values:
        raise BadRequest(told)
    return Kind(told)


def decide_about(request: access.TenantRequest, kind: Kind, keys: list[int]) -> people.Decided:
    """Decide about any number of work orders. Raises the refusals of the decision as a whole."""
    if kind == Kind.EXCLUDE:
        decided = people.exclude(work_orders=keys, by=request.user, reason=request.POST.get("reason", ""))
    elif kind in _ABOUT_MANY:
        decided = _ABOUT_MANY[kind](work_orders=keys, by=request.user)
    else:
        raise BadRequest(kind)
    work_order_list.forget_counts()
    return decided


_ABOUT_MANY: dict[Kind, Callable[..., people.Decided]] = {
    Kind.RETRY: people.retry,
    Kind.RELEASE: people.release,
    Kind.INCLUDE: people.include,
}


def _at_once(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    kind = kind_of(request)
    decided = decide_about(request, kind, [row.pk])
    for refused in decided.refused:
        raise deciding.NotDecidedError(refused.why)
    return _done(request, row, kind)


def _done(request: access.TenantRequest, row: WorkOrder, kind: Kind) -> HttpResponse:
    messages.success(request, str(DONE[kind]))
    return _back(request, row)


def _back(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    return redirect("work_order", slug=request.tenant.slug, work_order_id=row.pk)


# --- Asked about once more --------------------------------------------------------------------------------------------


def _attach(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    number = request.POST.get("number", "").strip()
    if not number:
        messages.error(request, _("Fill in the number of the King order."))
        return _back(request, row)
    if "sure" in request.POST:
        people.attach(work_order=row, king_order_number=number, by=request.user)
        work_order_list.forget_counts()
        return _done(request, row, Kind.ATTACH)
    found = people.find_king_order(number)
    if found is None:
        told = _("King has no open order %(number)s in this administration.")
        messages.error(request, told % {"number": notation.canonical_number(number)})
        return _back(request, row)
    return render(request, "work_order_attach.html", {"work_order": row, "found": found, "number": number})


def _anew(request: access.TenantRequest, row: WorkOrder) -> HttpResponse:
    if "sure" not in request.POST:
        return _ask_anew(request, row)
    reason, even_so = request.POST.get("reason", ""), "even_so" in request.POST
    try:
        people.start_anew(work_order=row, by=request.user, reason=reason, even_so=even_so)
    except deciding.OrderNotOpenError as error:  # the person must say what King cannot
        return _ask_anew(request, row, problem=refusals.words(error))
    work_order_list.forget_counts()
    return _done(request, row, Kind.ANEW)


def _ask_anew(request: access.TenantRequest, row: WorkOrder, problem: str = "") -> HttpResponse:
    context = {"work_order": row, "problem": problem, "reason": request.POST.get("reason", "")}
    return render(request, "work_order_anew.html", context)


_PAGES: dict[Kind, Page] = {
    **dict.fromkeys((Kind.RETRY, Kind.RELEASE, Kind.EXCLUDE, Kind.INCLUDE), _at_once),
    Kind.ATTACH: _attach,
    Kind.ANEW: _anew,
}
