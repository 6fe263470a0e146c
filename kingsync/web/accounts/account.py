"""A user's own account: name, e-mail address, password."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import PasswordChangeView
from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kingsync.models.users import User, folded
from kingsync.notifications import mailer
from kingsync.rules import limits
from kingsync.web.accounts import limits_text, recent_password, sessions_page, throttle, tries
from kingsync.web.accounts.passwords import ChangePasswordForm
from kingsync.web.notifications import choice_page
from kingsync.web.shared import access, second_step

SALT = "kingsync.mail-address"


class NameForm(forms.ModelForm):  # type: ignore[type-arg]
    """The name that colleagues see; one field, because names have many forms."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=limits.PERSON_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )

    class Meta:
        model = User
        fields = ("name",)

    def save(self, commit: bool = True) -> User:  # noqa: ARG002  (Django's)
        self.instance.save(update_fields=["name"])
        saved: User = self.instance
        return saved


class KeysForm(forms.ModelForm):  # type: ignore[type-arg]
    """The keys that a page listens to without Ctrl or Alt (WCAG 2.1.4)."""

    class Meta:
        model = User
        fields = ("is_slash_on",)
        help_texts: ClassVar = {
            "is_slash_on": gettext_lazy(
                "Outside of text fields. Switch it off if you use speech input; Ctrl+K always opens the search."
            )
        }

    def save(self, commit: bool = True) -> User:  # noqa: ARG002  (Django's)
        self.instance.save(update_fields=["is_slash_on"])
        saved: User = self.instance
        return saved


class EmailForm(recent_password.ConfirmForm):
    email = forms.EmailField(
        label=gettext_lazy("New e-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    field_order = ["email", "password"]

    def clean_email(self) -> str:
        email = folded(self.cleaned_data["email"])
        if _is_taken(email, by_others_than=self.user):
            raise forms.ValidationError(_("Another account has this e-mail address."))
        return email


@require_http_methods(["GET", "HEAD", "POST"])
@access.people
def account(request: access.PersonRequest) -> HttpResponse:
    """Show the account; save the name."""
    form = NameForm(request.POST if request.method == "POST" else None, instance=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("account")
    return _page(request, name_form=form, status=422 if form.is_bound else 200)


@require_POST
@access.people
def change_keys(request: access.PersonRequest) -> HttpResponse:
    """Save which keys the pages listen to."""
    form = KeysForm(request.POST, instance=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
    return redirect("account")


@sensitive_post_parameters()
@require_POST
@access.people
def change_email(request: access.PersonRequest) -> HttpResponse:
    """E-mail a link to the new address, which counts once the link is opened."""
    form = EmailForm(request.POST, request=request, prefix="email")
    if not form.is_valid():
        return _page(request, email_form=form, status=422)
    email = form.cleaned_data["email"]
    try:
        throttle.record_try(*tries.of_new_address(request.user))
    except throttle.TooManyTriesError as error:
        form.add_error("email", limits_text.too_many_mails(error))
        return _page(request, email_form=form, status=422)
    sealed = signing.dumps({"user": request.user.pk, "old": request.user.email, "new": email}, salt=SALT)
    content = {"user": request.user, "link": mailer.link("email_confirm", sealed)}
    try:
        mailer.send_from_page(
            to=[email], subject=_("Your e-mail address for kingsync"), template="email", context=content
        )
    except OSError:
        messages.error(request, _("The e-mail could not be sent. Nothing was changed; try again later."))
        return redirect("account")
    messages.success(request, _("Open the link in the e-mail to %(email)s to finish.") % {"email": email})
    return redirect("account")


@require_http_methods(["GET", "HEAD", "POST"])
@access.people
def confirm_email(request: access.PersonRequest, sealed: str) -> HttpResponse:
    """Save the new address once its owner has opened the link."""
    email = _sealed_email(request.user, sealed)
    if not email or _is_taken(email, by_others_than=request.user):
        return render(request, "accounts/account_email.html", {"email": ""}, status=404)
    if request.method != "POST":
        return render(request, "accounts/account_email.html", {"email": email})
    if not _take(email, request.user):
        return render(request, "accounts/account_email.html", {"email": ""}, status=404)
    messages.success(request, _("Your e-mail address is now %(email)s.") % {"email": email})
    return redirect("account")


class ChangePasswordView(PasswordChangeView):
    template_name = "accounts/password_change.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy("account")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.is_authenticated:
            return access.to_login(request)
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password has been changed."))
        return super().form_valid(form)


def _sealed_email(user: User, sealed: str) -> str:
    """Return the new address of a link that is recent, this person's, and not used yet; else ""."""
    try:
        content = signing.loads(sealed, salt=SALT, max_age=settings.PASSWORD_RESET_TIMEOUT)
    except signing.BadSignature:
        return ""
    is_ours = content["user"] == user.pk and content["old"] == user.email
    return str(content["new"]) if is_ours else ""


def _take(email: str, user: User) -> bool:
    """Save the new address; return False when another account got it meanwhile."""
    try:
        with transaction.atomic():
            fresh = User.objects.get(pk=user.pk)
            fresh.email = email
            fresh.save(update_fields=["email"])
    except IntegrityError:
        return False
    return True


def _is_taken(email: str, *, by_others_than: User) -> bool:
    return User.objects.exclude(pk=by_others_than.pk).filter(email=email).exists()


def _page(
    request: access.PersonRequest,
    *,
    name_form: NameForm | None = None,
    email_form: EmailForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "name_form": name_form or NameForm(instance=request.user),
        "keys_form": KeysForm(instance=request.user),
        "email_form": email_form or EmailForm(request=request, prefix="email"),
        "places": sessions_page.places(request),
        "has_second_step": second_step.has_device(request.user),
        "companies": choice_page.companies(request.user),
    }
    return render(request, "accounts/account.html", context, status=status)
