"""Logging in, and resetting a forgotten password by e-mail."""

from __future__ import annotations

import logging
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.accounts import login_trail
from kingsync.models.users import User
from kingsync.notifications import mailer
from kingsync.web.accounts import known_devices, limits_text, recent_password, throttle, tries
from kingsync.web.shared import access, second_step

logger = logging.getLogger(__name__)

TOO_MANY = _("Too many wrong passwords. Wait a quarter of an hour, or request a new password by e-mail.")


class LoginForm(AuthenticationForm):
    """An e-mail address and a password, with protection against guessing."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": _("The e-mail address or the password is wrong."),
    }
    # Django's name for the login field, whatever it is.
    username = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"}),
    )

    def clean(self) -> dict[str, Any]:
        email = self.cleaned_data.get("username")
        if not email or not self.cleaned_data.get("password"):
            return self.cleaned_data
        try:
            recorded = throttle.record_try(*tries.of_password(self.request, email))
        except throttle.TooManyTriesError:
            login_trail.locked_out(email)
            raise ValidationError(TOO_MANY, code="too_many") from None
        cleaned = super().clean()
        throttle.forgive(recorded)
        return cleaned


class LoginView(views.LoginView):
    template_name = "accounts/login.html"
    form_class = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in; if there is a second step, the browser becomes known only after that."""
        user = form.get_user()
        answer = super().form_valid(form)
        recent_password.record(self.request)
        if not second_step.has_device(user):
            tries.has_proved(self.request, user)
            known_devices.remember(self.request, answer, user)
        return answer


def admin_door(request: HttpRequest) -> HttpResponse:
    """Redirect to our own login, so that there is one entrance; users who may not enter the admin to their pages."""
    if request.user.is_authenticated:
        return redirect("admin:index" if request.user.is_staff else "home")
    request_path = request.GET.get("next") or reverse("admin:index")
    return access.to_login(request, request_path)


class ResetForm(PasswordResetForm):
    """E-mails a link, and does not reveal whether there is an account with the address."""

    request: HttpRequest | None = None

    def clean_email(self) -> str:
        """Count the e-mail, whether there is such an account or not."""
        email: str = self.cleaned_data["email"]
        try:
            throttle.record_try(*tries.of_reset(self.request, email))
        except throttle.TooManyTriesError as error:
            raise ValidationError(limits_text.too_many_mails(error), code="too_many") from None
        return email

    def save(self, *args: Any, **kwargs: Any) -> None:
        login_trail.reset_requested(self.cleaned_data["email"])
        super().save(*args, **kwargs)

    def send_mail(  # noqa: PLR0917  (Django's)
        self,
        subject_template_name: str,  # noqa: ARG002  (our own templates)
        email_template_name: str,  # noqa: ARG002
        context: dict[str, Any],
        from_email: str | None,  # noqa: ARG002
        to_email: str,
        html_email_template_name: str | None = None,  # noqa: ARG002
    ) -> None:
        link = mailer.link("password_reset_confirm", context["uid"], context["token"])
        values = {"user": context["user"], "link": link}
        try:
            mailer.send_from_page(
                to=[to_email], subject=gettext("A new password for kingsync"), template="password", context=values
            )
        except OSError:
            logger.exception("password.mail_failed: the mail server took no mail")


class ResetView(views.PasswordResetView):
    template_name = "accounts/password_reset.html"
    form_class = ResetForm
    success_url = reverse_lazy("password_reset_done")

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.request = self.request
        return form


class ResetDoneView(views.PasswordResetDoneView):
    template_name = "accounts/password_reset_done.html"


class ResetConfirmView(views.PasswordResetConfirmView):
    template_name = "accounts/password_new.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        """Remember this browser: the owner of the mailbox gets in even while strangers guess at the account."""
        messages.success(self.request, gettext("Your password has been changed. Log in with the new one."))
        answer = super().form_valid(form)
        tries.has_proved(self.request, form.user)
        known_devices.remember(self.request, answer, form.user)
        return answer
