"""Saved views of the list of work orders: a user names the present filters and order, and finds them again."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kingsync.models.accounts.saved_views import SavedView
from kingsync.rules import limits
from kingsync.web.shared import access
from kingsync.web.work_orders import work_order_list

# So many stay readable as a row of links.
VIEWS_AT_MOST = 20


@dataclass(frozen=True)
class View:
    """A saved view as the list shows it; `is_present` when the list shows just this."""

    pk: int
    name: str
    query: str
    is_present: bool


def of(request: access.TenantRequest, query: str) -> list[View]:
    """Return the user's saved views of this company, by name."""
    saved = SavedView.objects.filter(user=request.user).order_by("name")
    return [View(each.pk, each.name, each.query, each.query == query) for each in saved]


@require_POST
@access.members
def save_view(request: access.TenantRequest) -> HttpResponse:
    """Save the filters and the order of a list under a name; one of that name is replaced."""
    asked = QueryDict(request.POST.get("asked", "")[: limits.VIEW_QUERY])
    query = work_order_list.wanted(asked, user_id=request.user.pk)[1].query()
    # PostgreSQL stores no NUL.
    name = request.POST.get("name", "").replace("\0", "").strip()
    if problem := _problem(request, name, query):
        messages.error(request, problem)
    else:
        SavedView.objects.update_or_create(user=request.user, name=name, defaults={"query": query})
        messages.success(request, _("View “%(name)s” was saved.") % {"name": name})
    return _list(request, query)


@require_POST
@access.members
def remove_view(request: access.TenantRequest, view_id: int) -> HttpResponse:
    """Remove one of the user's own views; one that is gone already stays so."""
    found = SavedView.objects.filter(pk=view_id, user=request.user).first()
    if found:
        found.delete()
        messages.success(request, _("View “%(name)s” was removed.") % {"name": found.name})
    query = work_order_list.wanted(QueryDict(request.POST.get("asked", "")), user_id=request.user.pk)[1].query()
    return _list(request, query)


def _problem(request: access.TenantRequest, name: str, query: str) -> str:
    """Return why a view cannot be saved; "" if it can."""
    if not name:
        return _("Enter a name for the view.")
    if len(name) > limits.VIEW_NAME:
        return _("The name of a view has at most %(length)s characters.") % {"length": limits.VIEW_NAME}
    if not query or len(query) > limits.VIEW_QUERY:
        return _("Choose a filter or a sort order first, then save the view.")
    others = SavedView.objects.filter(user=request.user).exclude(name=name)
    if others.count() >= VIEWS_AT_MOST:
        return _("You have %(number)s views already. Remove one first.") % {"number": VIEWS_AT_MOST}
    return ""


def _list(request: access.TenantRequest, query: str) -> HttpResponse:
    address = reverse("work_orders", kwargs={"slug": request.tenant.slug})
    return HttpResponseRedirect(f"{address}?{query}" if query else address)
