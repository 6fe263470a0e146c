"""The onboarding's step that sets the start date: from when on work orders are invoiced through kingsync."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kingsync.models import tenants
from kingsync.models.sync_settings import StaleVersionError, SyncSettings
from kingsync.web.shared import access
from kingsync.web.shared.dates import short_date


class StartDateForm(forms.Form):
    date = forms.DateField()


@require_POST
@access.editors
def start_date(request: access.TenantRequest) -> HttpResponse:
    """Save the start date as a new version of the settings."""
    form = StartDateForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("The start date was not saved: enter a date."))
        return redirect("tenant", slug=request.tenant.slug)
    settings = SyncSettings.objects.first() or SyncSettings(tenant_id=tenants.current_id())
    settings.export_from_date = form.cleaned_data["date"]
    try:
        settings.store(by=request.user, expected_version=settings.version)
    except StaleVersionError:
        messages.warning(request, _("Someone else saved the settings in the meantime. Check them, then decide."))
    else:
        date = short_date(form.cleaned_data["date"])
        messages.success(request, _("Work that was finished before %(date)s is held.") % {"date": date})
    return redirect("tenant", slug=request.tenant.slug)
