"""Asking for the password again, unless it was entered a few minutes ago: the browser may have been left open."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from kingsync.web.accounts.passwords import PasswordCheckForm
from kingsync.web.shared import access, second_step

KEY, SECONDS = "password_at", 600


class ConfirmForm(PasswordCheckForm):
    """The password; not asked for when the browser's user entered it recently."""

    def __init__(self, data: Any = None, *, request: access.PersonRequest, **rest: Any) -> None:
        self._request = request
        super().__init__(data, user=request.user, **rest)
        if is_recent(request):
            del self.fields["password"]

    def clean(self) -> None:
        super().clean()
        if "password" in self.fields and not self.has_error("password"):
            record(self._request)


class EnterForm(PasswordCheckForm):
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


def record(request: HttpRequest) -> None:
    """Remember that the password was right just now."""
    request.session[KEY] = time.time()


def is_recent(request: HttpRequest) -> bool:
    entered_at: float = request.session.get(KEY, 0.0)
    return 0 <= time.time() - entered_at < SECONDS


def ask(request: HttpRequest) -> HttpResponse:
    """Redirect to the page that asks for the password, and back afterwards."""
    return redirect(f"{resolve_url('password_confirm')}?{urlencode({'next': request.get_full_path()}, safe='/')}")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@access.people
def confirm(request: access.PersonRequest) -> HttpResponse:
    """Ask for the password, then go where the user wanted."""
    form = EnterForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        record(request)
        return redirect(second_step.next_page(request))
    context = {"form": form, "next": second_step.next_page(request)}
    return render(request, "accounts/password_confirm.html", context, status=422 if form.is_bound else 200)
