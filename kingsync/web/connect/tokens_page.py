"""The page on which an owner makes and revokes API tokens."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from kingsync.models.api import tokens as stored
from kingsync.models.api.tokens import ApiToken
from kingsync.web.connect.forms import TokenForm
from kingsync.web.shared import access


@require_safe
@access.owners
def tokens(request: access.TenantRequest) -> HttpResponse:
    """Show the tokens, never their texts."""
    return _page(request, TokenForm(request=request))


@never_cache
@sensitive_variables("text")
@sensitive_post_parameters()
@require_POST
@access.owners
def make(request: access.TenantRequest) -> HttpResponse:
    """Make a token and show it: this once."""
    form = TokenForm(request.POST, request=request)
    if not form.is_valid():
        return _page(request, form, status=422)
    row, text = stored.make(
        name=form.cleaned_data["name"], scopes=form.scopes, expires_at=form.expires_at, by=request.user
    )
    return render(request, "connect/token_made.html", {"token": row, "text": text})


@require_POST
@access.owners
def revoke(request: access.TenantRequest, token_id: int) -> HttpResponse:
    """Revoke a token, at once."""
    row = get_object_or_404(ApiToken, pk=token_id)
    stored.revoke(row)
    messages.success(request, _("The token “%(name)s” has been revoked.") % {"name": row.name})
    return redirect("tokens", slug=request.tenant.slug)


def _page(request: access.TenantRequest, form: TokenForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "tokens": ApiToken.objects.order_by("revoked_at", "-pk")}
    return render(request, "connect/tokens.html", context, status=status)
