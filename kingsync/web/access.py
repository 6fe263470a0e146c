"""Who may see and do what. Every page of a tenant goes through one of these two decorators."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, resolve_url
from django_htmx.http import HttpResponseClientRedirect

from kingsync.models import tenants
from kingsync.models.tenants import Tenant

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_htmx.middleware import HtmxDetails


class TenantRequest(HttpRequest):
    """A request of a person who is logged in and may see the tenant; its scope is open."""

    user: User
    htmx: HtmxDetails
    tenant: Tenant
    may_edit: bool


# A view of one tenant takes a `TenantRequest` and the rest of the address; from outside it takes a slug as well.
View = Callable[..., HttpResponse]


def members(view: View) -> View:
    """Open the page to the tenant's people and the operator. Strangers get 404: they learn of no tenant."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, slug: str, **rest: object) -> HttpResponse:
        if not request.user.is_authenticated:
            return to_login(request)
        tenant = get_object_or_404(Tenant.objects.visible_to(request.user), slug=slug)
        inside = cast(TenantRequest, request)
        inside.tenant = tenant
        inside.may_edit = tenants.may_edit(request.user, tenant)
        with tenants.scope(tenant):
            return view(inside, **rest)

    return wrapped


def editors(view: View) -> View:
    """Open the action to those who may change things; a viewer of the tenant gets 403."""

    @functools.wraps(view)
    def checked(request: TenantRequest, **rest: object) -> HttpResponse:
        if not request.may_edit:
            raise PermissionDenied
        return view(request, **rest)

    return members(checked)


def to_login(request: HttpRequest) -> HttpResponse:
    """Send to the login page; a part of a page that refreshes itself takes the whole page there."""
    if getattr(request, "htmx", None):
        return HttpResponseClientRedirect(resolve_url("login"))
    return redirect_to_login(request.get_full_path())
