"""The pages behind an invitation link."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from kingsync.accounts import invitations
from kingsync.models.accounts.invitations import Invitation
from kingsync.models.tenants import Role
from kingsync.models.users import User
from kingsync.rules import limits
from kingsync.web.accounts import known_devices, recent_password
from kingsync.web.accounts.login_backend import account_of

KEY = "invitation"
_PASSWORD = {"autocomplete": "new-password"}


class NewAccountForm(forms.Form):
    """A name and a password for the invited e-mail address."""

    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=limits.PERSON_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Choose a password"),
        strip=False,
        help_text=gettext_lazy("At least ten characters. Three or four words are easy to remember and hard to guess."),
        widget=forms.PasswordInput(attrs=_PASSWORD),
    )
    again = forms.CharField(
        label=gettext_lazy("Repeat the password"), strip=False, widget=forms.PasswordInput(attrs=_PASSWORD)
    )

    def __init__(self, data: Any = None, *, email: str) -> None:
        self._email = email
        super().__init__(data)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        password, again = cleaned.get("password"), cleaned.get("again")
        if password and again and password != again:
            self.add_error("again", _("The passwords do not match."))
        if password:
            person = User(email=self._email, name=cleaned.get("name", ""))
            try:
                validate_password(password, person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned


@never_cache
@require_safe
def open_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Store the link's hash in the session and redirect to a URL without it, where others could read it."""
    request.session[KEY] = invitations.hash_of(secret)
    return redirect("invitation")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Show the invitation, and let the person join: with the current account, or with a new one."""
    try:
        found = invitations.find(request.session.get(KEY, ""))
        return _page_of(request, found)
    except invitations.ExpiredInvitationError:
        return render(request, "accounts/invitation_over.html", {"is_expired": True}, status=404)
    except invitations.UnknownInvitationError:
        return render(request, "accounts/invitation_over.html", status=404)


def _page_of(request: HttpRequest, found: Invitation) -> HttpResponse:
    account = account_of(found.email)
    if not request.user.is_authenticated:
        return _new_account(request, found) if account is None else _show(request, found, "log_in")
    if account is None or account.pk != request.user.pk:
        return _show(request, found, "wrong_person")
    return _join(request, request.user) if request.method == "POST" else _show(request, found, "join")


def _join(request: HttpRequest, user: User) -> HttpResponse:
    tenant = invitations.accept(request.session.pop(KEY), user)
    messages.success(request, _("Welcome to %(tenant)s!") % {"tenant": tenant.name})
    return redirect("tenant", slug=tenant.slug)


def _new_account(request: HttpRequest, found: Invitation) -> HttpResponse:
    form = NewAccountForm(request.POST if request.method == "POST" else None, email=found.email)
    if not form.is_valid():
        return _show(request, found, "new_account", form=form, status=422 if form.is_bound else 200)
    password = form.cleaned_data["password"]
    try:
        user = invitations.register(request.session[KEY], name=form.cleaned_data["name"], password=password)
    except IntegrityError:  # the same form was submitted twice at once, and the other one was first
        return redirect("login")
    login(request, user)
    recent_password.record(request)
    request.session.pop(KEY, None)
    messages.success(request, _("Welcome to %(tenant)s!") % {"tenant": found.tenant.name})
    answer = redirect("tenant", slug=found.tenant.slug)
    known_devices.remember(request, answer, user)
    return answer


def _show(
    request: HttpRequest, found: Invitation, way: str, *, form: NewAccountForm | None = None, status: int = 200
) -> HttpResponse:
    context = {"invitation": found, "role": Role(found.role).label, "way": way, "form": form}
    return render(request, "accounts/invitation.html", context, status=status)
