"""Pages of the two-step login: the step itself, setup, backup codes, removal."""

from __future__ import annotations

import django_otp
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kingsync.accounts import login_trail, passkeys
from kingsync.models.accounts import second_steps
from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.encryption import DecryptionError
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.web.accounts import known_devices, passkey_challenges, recent_password, throttle, tries, two_step_codes
from kingsync.web.accounts.recent_password import ConfirmForm
from kingsync.web.shared import access, second_step

KEY = "two_step_key"
UNREADABLE = gettext_noop(
    "The app's codes cannot be checked at the moment. Enter a backup code, or ask the operator of kingsync."
)


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@access.people
def second_step_page(request: access.PersonRequest) -> HttpResponse:
    """Ask for the code after the password."""
    if second_step.is_verified(request.user) or not second_step.has_device(request.user):
        return redirect(second_step.next_page(request))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _passes(request, form):
        tries.has_proved(request, request.user)
        answer = redirect(second_step.next_page(request))
        known_devices.remember(request, answer, request.user)
        return answer
    return login_page(request, form)


def _passes(request: access.PersonRequest, form: CodeForm) -> bool:
    is_known = bool(known_devices.of(request, request.user))
    try:
        recorded = throttle.record_try(*tries.of_code(request, request.user))
        device = two_step_codes.verify(request.user, form.cleaned_data["code"], is_known=is_known)
    except throttle.TooManyTriesError:
        login_trail.locked_out(request.user.email)
        form.add_error("code", _("Too many wrong codes. Wait a quarter of an hour."))
        return False
    except two_step_codes.WaitError as error:
        throttle.forgive(recorded)
        form.add_error("code", _("Too many wrong codes. Wait %(count)s seconds.") % {"count": error.seconds})
        return False
    except DecryptionError:
        text = _(
            "The app's codes cannot be checked at the moment. Enter a backup code, or ask the operator of kingsync."
        )
        form.add_error("code", text)
        return False
    if device is None:
        trail.record_of_account(Action.CODE_REFUSED, request.user)
        form.add_error("code", _("The code is incorrect. A code is valid for half a minute."))
        return False
    throttle.forgive(recorded)
    django_otp.login(request, device)
    trail.record_of_account(Action.CODE_ACCEPTED, request.user)
    return True


@never_cache
@require_safe
@access.people
def two_step(request: access.PersonRequest) -> HttpResponse:
    """Show whether the second step is on, and its options."""
    return state_page(request, ConfirmForm(request=request))


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@access.people
def enrol(request: access.PersonRequest) -> HttpResponse:
    """Show the key as a QR code, and save it once a code proves that the application has it."""
    user = request.user
    if second_steps.has_app(user.pk):
        return redirect("two_step")
    key = two_step_codes.open_key(request.session.get(KEY, ""))
    if request.method != "POST" and not recent_password.is_recent(request):
        return recent_password.ask(request)
    if not key and request.method == "POST":
        return redirect(request.get_full_path())
    if not key:
        key = two_step_codes.new_key()
        request.session[KEY] = two_step_codes.sealed_key(key)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        device = two_step_codes.confirm(user, key, form.cleaned_data["code"])
        if device:
            del request.session[KEY]
            django_otp.login(request, device)
            return enabled(request)
        form.add_error("code", _("The code is incorrect. Check that the clock of your phone is right."))
    context = {
        "form": form,
        "next": second_step.next_page(request),
        "picture": two_step_codes.picture(user, key),
        "key": two_step_codes.readable_key(key),
        "asking": _asking(user),
    }
    return render(request, "accounts/two_step_enrol.html", context, status=422 if form.is_bound else 200)


@never_cache
@sensitive_post_parameters()
@require_POST
@access.people
def new_codes(request: access.PersonRequest) -> HttpResponse:
    """Create new backup codes, which invalidates the old ones."""
    form = ConfirmForm(request.POST, request=request)
    if not second_step.has_device(request.user):
        return redirect("two_step")
    return _codes_page(request) if form.is_valid() else state_page(request, form, status=422)


@never_cache
@sensitive_post_parameters()
@require_POST
@access.people
def remove(request: access.PersonRequest) -> HttpResponse:
    """Remove the second step."""
    form = ConfirmForm(request.POST, request=request)
    if not form.is_valid():
        return state_page(request, form, status=422)
    two_step_codes.remove(request.user)
    messages.success(request, _("You now log in with your password only."))
    return redirect("account")


@never_cache
@sensitive_post_parameters()
@require_POST
@access.people
def remove_app(request: access.PersonRequest) -> HttpResponse:
    """Remove the authenticator application; passkeys stay."""
    form = ConfirmForm(request.POST, request=request)
    if not form.is_valid():
        return state_page(request, form, status=422)
    two_step_codes.remove_app(request.user)
    messages.success(request, _("The authenticator app has been removed."))
    return redirect("two_step")


def login_page(request: access.PersonRequest, form: CodeForm, *, problem: str = "") -> HttpResponse:
    """Show the second step of the login: a passkey, a code, or both."""
    user = request.user
    context = {
        "form": form,
        "next": second_step.next_page(request),
        "has_app": second_steps.has_app(user.pk),
        "passkey_options": passkey_challenges.begin_login(request) if passkeys.of(user).exists() else "",
        "problem": problem,
    }
    return render(request, "accounts/two_step_login.html", context, status=422 if problem or form.is_bound else 200)


def enabled(request: access.PersonRequest) -> HttpResponse:
    """Show backup codes after the first second step; after another one the user has them already."""
    if not two_step_codes.backup_codes_left(request.user):
        return _codes_page(request, is_new=True)
    messages.success(request, _("Saved."))
    return redirect("two_step")


def state_page(request: access.PersonRequest, form: ConfirmForm, *, status: int = 200) -> HttpResponse:
    user = request.user
    context = {
        "form": form,
        "is_on": second_step.has_device(user),
        "has_app": second_steps.has_app(user.pk),
        "passkeys": passkeys.of(user),
        "codes_left": two_step_codes.backup_codes_left(user),
        "asking": _asking(user),
    }
    return render(request, "accounts/two_step.html", context, status=status)


def _codes_page(request: access.PersonRequest, *, is_new: bool = False) -> HttpResponse:
    made = two_step_codes.new_backup_codes(request.user)
    return render(
        request,
        "accounts/two_step_codes.html",
        {"codes": made, "is_new": is_new, "next": second_step.next_page(request)},
    )


def _asking(user: User) -> list[Tenant]:
    """Return the tenants that require a second step of this person."""
    mine = Tenant.objects.filter(memberships__user=user)
    return list(mine.filter(requires_second_step=True).order_by("name"))
