"""The page on which an owner switches the company to another King administration, or back to a former one."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kingsync.administrations import page_calls, switch
from kingsync.administrations.open_work import open_work
from kingsync.king_mirror import page_checks
from kingsync.messages import reason_texts
from kingsync.models import administrations
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import Connection, System
from kingsync.models.encryption import DecryptionError
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import administration_key
from kingsync.rules import limits
from kingsync.runs.background_calls import CallRefusedError
from kingsync.web.settings import connection_faults, settings_answers
from kingsync.web.settings.connection_forms import KingForm
from kingsync.web.shared import access, call_waiting

_KEY_DIGITS = 18


class OtherAdministrationForm(KingForm):
    """King's connection under the name of another administration."""

    def clean_administration(self) -> str:
        """Refuse the present administration, and one to which nothing has to be switched."""
        wanted = str(self.cleaned_data["administration"])
        if not administrations.is_switch(self._old_administration, wanted):
            raise ValidationError(gettext("Enter the name of another administration than the present one."))
        return wanted


class ConfirmationForm(OtherAdministrationForm):
    """The whole page: also from when on, and the name once more."""

    from_date = forms.DateField(
        label=gettext_lazy("Work finished from"),
        required=False,
        help_text=gettext_lazy("Work orders finished before this date are held. Leave empty to hold none."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    confirmation = forms.CharField(
        label=gettext_lazy("Enter the name of the new administration again to confirm"),
        max_length=limits.ADMINISTRATION,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in KingForm.base_fields.keys() & self.fields.keys():
            field, identity = self.fields[name], self[name].auto_id
            help_text = f"{identity}_helptext " if field.help_text else ""
            # A failed test or switch says there what is wrong.
            field.widget.attrs["aria-describedby"] = f"{help_text}{identity}_fault"

    def clean_confirmation(self) -> str:
        """Require the same name twice."""
        confirmation = str(self.cleaned_data["confirmation"])
        if confirmation != self.cleaned_data.get("administration", confirmation):
            raise ValidationError(gettext("This is not the name of the new administration."))
        return confirmation

    def step_one(self) -> list[forms.BoundField]:
        return [self[name] for name in ("base_url", "administration", "access_code")]

    def advanced(self) -> list[forms.BoundField]:
        shown = {field.name for field in (*self.step_one(), *self.step_two())}
        return [field for field in self if field.name not in shown]

    def step_two(self) -> list[forms.BoundField]:
        return [self[name] for name in ("from_date", "confirmation")]


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@access.owners
def switch_page(request: access.TenantRequest) -> HttpResponse:
    """Show what is open and ask for the new administration; switch once King has answered."""
    connection = _connection()
    if connection is None:
        return redirect("settings", slug=request.tenant.slug)
    if request.method != "POST":
        form = ConfirmationForm(instance=connection)
        name = request.GET.get("name", "").strip()
        form.initial["administration"], form.initial["from_date"] = name, _suggested_date(name)
        return _page(request, form, fault=_fault(request, form))
    form = ConfirmationForm(request.POST, instance=connection)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        call = page_calls.switch_to(form.as_connection(), from_date=form.cleaned_data["from_date"], by=request.user)
    except CallRefusedError as error:
        messages.error(request, reason_texts.sentence(reason_texts.stored(error.why)))
        return _page(request, form, status=409)
    return call_waiting.followed(request, call)


@sensitive_post_parameters()
@require_POST
@access.owners
def test_other(request: access.TenantRequest) -> HttpResponse:
    """Start a test of the connection in the form, and follow it."""
    form = OtherAdministrationForm(request.POST, instance=_connection() or Connection.new(System.KING))
    if not form.is_valid():
        return settings_answers.refused(request, form)
    try:
        call = page_checks.check_typed(form.as_connection(), by=request.user)
    except CallRefusedError as error:
        return settings_answers.tested(request, System.KING, reason_texts.stored(error.why))
    return call_waiting.followed(request, call)


def ended_switch(request: access.TenantRequest, call: BackgroundCall) -> HttpResponse:
    """Report the switch, or why there was none."""
    name = str(call.parameters["name"])
    if call.problem:
        messages.error(request, reason_texts.sentence(call.problem))
        address = reverse("switch_administration", args=[request.tenant.slug])
        return redirect(f"{address}?{urlencode({'name': name, 'failed': call.pk})}")
    done = gettext(
        "Switched to administration %(name)s. The next import is a first import: it stops for approval where it would "
        "change much of what OutSmart has."
    )
    messages.success(request, done % {"name": name})
    return redirect("tenant", slug=request.tenant.slug)


def _suggested_date(name: str) -> datetime.date | None:
    """Return today; on the way back to a former administration the start date as it is."""
    if not administrations.former().filter(key=administration_key(name)).exists():
        return timezone.localdate()
    settings = SyncSettings.objects.first()
    return settings.export_from_date if settings else None


@dataclass(frozen=True)
class Fault:
    """Why the switch that was tried last failed, at the field that it is about."""

    name: str
    text: str
    is_advanced: bool


def _fault(request: access.TenantRequest, form: ConfirmationForm) -> Fault | None:
    """Return the fault of the user's own switch that the address names, if it is one of a field."""
    key = request.GET.get("failed", "")
    if not key.isdecimal() or len(key) > _KEY_DIGITS:
        return None
    tried = BackgroundCall.objects.filter(requested_by=request.user, kind=BackgroundCall.Kind.SWITCH)
    call = tried.filter(pk=int(key)).first()
    if call is None or not call.problem:
        return None
    name = connection_faults.field_of(System.KING, call.problem)
    if name not in form.fields:
        return None
    is_advanced = name in {field.name for field in form.advanced()}
    return Fault(name, reason_texts.sentence(call.problem), is_advanced)


def _page(
    request: access.TenantRequest, form: ConfirmationForm, *, fault: Fault | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "fault": fault,
        "form": form,
        "present": switch.present_name(),
        "open": open_work(),
        "former": administrations.former(),
        "switches": switch.switches(),
        "first_of_january": timezone.localdate().replace(month=1, day=1),
    }
    return render(request, "settings/switch_administration.html", context, status=status)


def _connection() -> Connection | None:
    rows = Connection.objects.filter(system=System.KING)
    try:
        return rows.first()
    except DecryptionError:
        return rows.defer("credentials").first()  # the form handles credentials that no key decrypts
