"""Forms of the people page."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from kingsync.models.tenants import Role, Tenant
from kingsync.rules import limits


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("role"), choices=Role.choices)


class InviteForm(RoleForm):
    email = forms.EmailField(label=_("mail address"), max_length=limits.EMAIL)
    field_order = ["email", "role"]


class OrganisationForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an owner decides for everybody; name and language stand on the settings page."""

    class Meta:
        model = Tenant
        fields = ["requires_second_step", "log_days"]
        help_texts = {
            "log_days": _(
                "Runs and their log are thrown away after so many days. Work orders and decisions about them stay."
            ),
            "requires_second_step": _(
                "Everybody, you too, needs a code from an authenticator application at login. Who has none yet is led "
                "to set it up before the next page."
            ),
        }
