"""What a user wants of a company's notifications: on the page of the account, for each company."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from kingsync.models.notifications import NotificationChoice
from kingsync.models.sync_settings import MailMode
from kingsync.models.tenants import Membership, Tenant
from kingsync.models.users import User
from kingsync.notifications import recipients
from kingsync.web.shared import access

AS_COMPANY = ""


class ChoiceForm(forms.Form):
    """How often, and in which language."""

    mode = forms.ChoiceField(
        label=gettext_lazy("E-mail notifications"),
        required=False,
        choices=[(AS_COMPANY, gettext_lazy("as the company has set")), *MailMode.choices],
    )
    language = forms.ChoiceField(label=gettext_lazy("Language of the e-mails"), choices=Tenant.Language.choices)


@dataclass(frozen=True)
class Company:
    """A company that the user works for, with the form for its e-mails."""

    membership: Membership
    form: ChoiceForm


def companies(user: User) -> list[Company]:
    """Return the companies of a user, with what the user chose."""
    memberships = Membership.objects.filter(user=user).select_related("tenant").order_by("tenant__name")
    chosen = {each.tenant_id: each for each in NotificationChoice.across_tenants.filter(user=user)}
    return [Company(each, _form(each.tenant, chosen.get(each.tenant_id))) for each in memberships]


def _form(tenant: Tenant, choice: NotificationChoice | None) -> ChoiceForm:
    initial = {
        "mode": choice.mode if choice else AS_COMPANY,
        "language": choice.language if choice else tenant.language,
    }
    return ChoiceForm(initial=initial, auto_id=f"id_{tenant.slug}_%s", label_suffix="")


@require_POST
@access.members
def choose(request: access.TenantRequest) -> HttpResponse:
    """Save what the user wants of this company's e-mails."""
    form = ChoiceForm(request.POST)
    if not form.is_valid():
        raise BadRequest("choice")
    chosen = form.cleaned_data
    if chosen["mode"] == AS_COMPANY:
        recipients.choose_nothing(request.tenant, request.user)
    else:
        recipients.choose(request.tenant, request.user, mode=chosen["mode"], language=chosen["language"])
    messages.success(request, _("Saved."))
    return redirect("account")
