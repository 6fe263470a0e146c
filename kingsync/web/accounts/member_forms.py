"""Forms of the users page."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from kingsync.models.tenants import Role, Tenant
from kingsync.rules import limits


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("role"), choices=Role.choices)


class InviteForm(RoleForm):
    email = forms.EmailField(label=_("e-mail address"), max_length=limits.EMAIL)
    field_order = ["email", "role"]


class CompanyForm(forms.ModelForm):  # type: ignore[type-arg]
    """The owner's settings for everyone; name and language are on the settings page."""

    class Meta:
        model = Tenant
        fields = ["requires_second_step", "log_days", "payload_days", "verification_calls", "silence_hours"]
        help_texts = {
            "log_days": _(
                "Runs and their log are deleted after this number of days. Work orders and the "
                "decisions about them are kept."
            ),
            "payload_days": _(
                "The log shows what a failed call sent and what was answered, with names and addresses. After this "
                "number of days only the call, its status and the reason remain, and previews show counts only."
            ),
            "verification_calls": _(
                "Each exported work order is checked in OutSmart once a day for 60 days, and its open order in King. "
                "The oldest check goes first; what is left waits until the next day."
            ),
            "silence_hours": _(
                "When no export has succeeded for this number of hours, or nothing has run that the schedule should "
                "have started, all owners and the operator receive one e-mail, and another one when it works again."
            ),
            "requires_second_step": _(
                "Everyone, including you, must enter an authenticator code when logging in. Users who "
                "have not set this up yet do so first."
            ),
        }
