"""Pages of passkeys: adding and removing them, and using one as the second step."""

from __future__ import annotations

import django_otp
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kingsync.accounts import passkeys
from kingsync.models.accounts.passkeys import NAME
from kingsync.web.accounts import (
    browser_names,
    known_devices,
    passkey_challenges,
    recent_password,
    throttle,
    tries,
    two_step,
    two_step_codes,
)
from kingsync.web.accounts.recent_password import ConfirmForm
from kingsync.web.shared import access, second_step

# What browsers send is a few hundred characters.
ANSWER = 16_384


class NewPasskeyForm(forms.Form):
    """A name to tell passkeys apart, and what the browser answered."""

    name = forms.CharField(label=gettext_lazy("Name of this passkey"), max_length=NAME)
    answer = forms.CharField(widget=forms.HiddenInput, max_length=ANSWER, required=False)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@access.people
def add(request: access.PersonRequest) -> HttpResponse:
    """Add a passkey."""
    if request.method != "POST":
        return _add_page(request) if recent_password.is_recent(request) else recent_password.ask(request)
    form = NewPasskeyForm(request.POST)
    challenge = passkey_challenges.take(request, passkey_challenges.NEW)
    if not form.is_valid():
        return _add_page(request, form)
    try:
        added = passkeys.add(
            request.user, answer=form.cleaned_data["answer"], challenge=challenge, name=form.cleaned_data["name"]
        )
    except passkeys.KnownPasskeyError:
        form.add_error(None, _("This device already has a passkey for kingsync."))
        return _add_page(request, form)
    except passkeys.RefusedPasskeyError:
        form.add_error(None, _("The passkey could not be added. Try again."))
        return _add_page(request, form)
    django_otp.login(request, added)
    return two_step.enabled(request)


@never_cache
@sensitive_post_parameters()
@require_POST
@access.people
def remove(request: access.PersonRequest, passkey_id: int) -> HttpResponse:
    """Remove a passkey."""
    form = ConfirmForm(request.POST, request=request)
    if not form.is_valid():
        return two_step.state_page(request, form, status=422)
    if passkeys.remove(request.user, passkey_id):
        two_step_codes.without_rest(request.user)
        messages.success(request, _("The passkey has been removed."))
    return redirect("two_step")


@never_cache
@sensitive_post_parameters()
@require_POST
@access.people
def log_in(request: access.PersonRequest) -> HttpResponse:
    """Take a passkey as the second step."""
    if second_step.is_verified(request.user) or not second_step.has_device(request.user):
        return redirect(second_step.next_page(request))
    challenge = passkey_challenges.take(request, passkey_challenges.LOGIN)
    try:
        recorded = throttle.record_try(*tries.of_code(request, request.user))
        used = passkeys.verify(request.user, answer=request.POST.get("answer", "")[:ANSWER], challenge=challenge)
    except throttle.TooManyTriesError:
        return _again(request, _("Too many wrong codes. Wait a quarter of an hour."))
    except passkeys.RefusedPasskeyError:
        return _again(request, _("The passkey was not accepted. Try again, or use another one."))
    throttle.forgive(recorded)
    django_otp.login(request, used)
    tries.has_proved(request, request.user)
    answer = redirect(second_step.next_page(request))
    known_devices.remember(request, answer, request.user)
    return answer


def _again(request: access.PersonRequest, problem: str) -> HttpResponse:
    return two_step.login_page(request, two_step.CodeForm(), problem=problem)


def _add_page(request: access.PersonRequest, form: NewPasskeyForm | None = None) -> HttpResponse:
    usual = browser_names.name_of(request.headers.get("User-Agent", ""))
    context = {
        "form": form or NewPasskeyForm(initial={"name": usual}),
        "next": second_step.next_page(request),
        "options": passkey_challenges.begin_adding(request) if passkeys.is_possible() else "",
    }
    return render(request, "accounts/passkey_new.html", context, status=422 if form else 200)
