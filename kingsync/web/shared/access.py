"""Access to pages. Every page of a tenant goes through `members`, `editors` or `owners`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect

from kingsync.accounts import looks
from kingsync.models import tenants
from kingsync.models.tenants import Role, Tenant
from kingsync.web.shared import second_step

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from kingsync.models.users import User


class PersonRequest(HttpRequest):
    """A request of a logged-in person, with the second step passed if there is one."""

    user: User
    htmx: HtmxDetails


class TenantRequest(PersonRequest):
    """A request of a person who may see the tenant; its scope is open."""

    tenant: Tenant
    may_edit: bool
    may_manage: bool


# A tenant's view takes a `TenantRequest` and the rest of the URL; from outside it takes the slug as well.
View = Callable[..., HttpResponse]


def people(view: View) -> View:
    """Open the page to everyone who is logged in. The middleware checks the second step."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, **rest: object) -> HttpResponse:
        if not request.user.is_authenticated:
            return to_login(request)
        return view(cast(PersonRequest, request), **rest)

    return wrapped


def members(view: View) -> View:
    """Open the page to the tenant's members and the operator. Strangers get 404, so they learn of no tenant.

    If the tenant requires a second step at login, people without one are led to set it up first.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, slug: str, **rest: object) -> HttpResponse:
        if not request.user.is_authenticated:
            return to_login(request)
        found = tenants.find_for(request.user, slug)
        if found is None:
            raise Http404
        tenant, role = found
        if tenant.requires_second_step and not second_step.is_verified(request.user):
            return second_step.to_page(request, "two_step_enrol")
        inside = cast(TenantRequest, request)
        inside.tenant = tenant
        looks.record(tenant, request.user, request.session)
        inside.may_edit, inside.may_manage = role in tenants.EDITING, role == Role.OWNER
        with tenants.scope(tenant):
            return view(inside, **rest)

    return wrapped


def editors(view: View) -> View:
    """Open the page to those who may change things; a viewer of the tenant gets 403."""

    @functools.wraps(view)
    def checked(request: TenantRequest, **rest: object) -> HttpResponse:
        if not request.may_edit:
            raise PermissionDenied
        return view(request, **rest)

    return members(checked)


def owners(view: View) -> View:
    """Open the page to owners and the operator; the tenant's other members get 403."""

    @functools.wraps(view)
    def checked(request: TenantRequest, **rest: object) -> HttpResponse:
        if not request.may_manage:
            raise PermissionDenied
        return view(request, **rest)

    return members(checked)


def to_login(request: HttpRequest, wanted: str = "") -> HttpResponse:
    """Redirect to the login page and back afterwards; for a self-refreshing part, redirect the whole page."""
    if getattr(request, "htmx", None):
        return HttpResponseClientRedirect(resolve_url("login"))
    return redirect_to_login(wanted or request.get_full_path())
