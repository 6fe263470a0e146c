"""The second step of a login: who has one, and a middleware that enforces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from kingsync.models.accounts import second_steps
from kingsync.models.tenants import Tenant
from kingsync.models.users import User

if TYPE_CHECKING:
    from django.urls import ResolverMatch

# Open with the password alone: the step itself, logging in or out, language and health; and what knows no logins: the
# API, and the way out of e-mails.
ALWAYS_OPEN = frozenset(
    {
        *("second_step", "passkey_login", "login", "logout", "set_language", "health"),
        *("api", "api_elsewhere", "unsubscribe"),
    }
)


class Verified(Protocol):
    """The attributes that django-otp's middleware adds to a user."""

    def is_verified(self) -> bool: ...


def has_device(user: User | AnonymousUser) -> bool:
    """Return True when the person has set up a second step."""
    known = getattr(user, "has_second_step", None)  # see accounts.AccountBackend
    return second_steps.has_one(user.pk) if known is None else bool(known)


def is_verified(user: User | AnonymousUser) -> bool:
    return cast(Verified, user).is_verified()


class SecondStepMiddleware(MiddlewareMixin):
    """Keeps people who have a second step on its page until it is done; a middleware, so that no page can forget it."""

    def process_view(self, request: HttpRequest, _view: object, _args: object, _kwargs: object) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.view_name in ALWAYS_OPEN or not request.user.is_authenticated:
            return None
        if is_verified(request.user):
            return None
        if has_device(request.user):
            return to_page(request, "second_step")
        needs_device = _operator_needs_device(request, match) or _admin_needs_device(request, match)
        return to_page(request, "two_step_enrol") if needs_device else None


def _operator_needs_device(request: HttpRequest, match: ResolverMatch) -> bool:
    """Return True for an operator on pages that show companies: a password alone must not open all of them."""
    is_for_operators = match.route.startswith("operators/")
    shows_companies = is_for_operators or "admin" in match.app_names or "slug" in match.kwargs
    return shows_companies and request.user.is_superuser and settings.OPERATORS_NEED_SECOND_STEP


def _admin_needs_device(request: HttpRequest, match: ResolverMatch) -> bool:
    """Return True for tenant staff in the admin if the owner requires two steps: it shows that tenant's rows."""
    if "admin" not in match.app_names or request.user.is_superuser:
        return False
    return Tenant.objects.visible_to(request.user).filter(requires_second_step=True).exists()


def to_page(request: HttpRequest, name: str) -> HttpResponse:
    """Redirect to a page of the second step and back afterwards; for a self-refreshing part, the whole page."""
    if getattr(request, "htmx", None):
        return HttpResponseClientRedirect(resolve_url(name))
    wanted = request.get_full_path() if request.method in {"GET", "HEAD"} else resolve_url("home")
    return redirect(f"{resolve_url(name)}?{urlencode({'next': wanted}, safe='/')}")


def next_page(request: HttpRequest) -> str:
    """Return where to go afterwards: the requested page, if it is ours, else the home page."""
    wanted: Any = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return str(wanted) if is_ours else resolve_url("home")
