"""The page on which an owner exports all data of the company, or has the company deleted."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.upkeep.tenant_data import closing, deletion, export, people
from kingsync.web.accounts.passwords import PasswordCheckForm
from kingsync.web.shared import access


class DeletionForm(PasswordCheckForm):
    """The company's short name and the user's password, as confirmation."""

    slug = forms.CharField(
        label=gettext_lazy("Short name of the company"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ["slug", "password"]

    def __init__(self, data: object = None, *, tenant: Tenant, user: User) -> None:
        self._tenant = tenant
        super().__init__(data, user=user)

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug != self._tenant.slug:
            raise forms.ValidationError(_("This is not the short name of the company."))
        return slug


@require_safe
@access.owners
def company_data(request: access.TenantRequest) -> HttpResponse:
    """Show what can be exported and deleted."""
    return _page(request, DeletionForm(tenant=request.tenant, user=request.user))


@require_POST
@access.owners
def company_export(request: access.TenantRequest) -> HttpResponse:
    """Send all data of the company as a zip file, complete or not at all."""
    try:
        file = export.to_temporary_file(request.tenant)
    except export.BusyError:
        messages.warning(request, _("Another file is being made. Try again in a few minutes."))
        return _back(request)
    except OSError:
        messages.error(request, _("The server has no room for the file now. Notify the operator."))
        return _back(request)
    name = f"{request.tenant.slug}-{timezone.localdate():%Y-%m-%d}.zip"
    # Django types a file response differently; it supports everything we do with it.
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")  # type: ignore[return-value]


@sensitive_post_parameters()
@require_POST
@access.owners
def company_delete(request: access.TenantRequest) -> HttpResponse:
    """Request the deletion of the company; it happens after the time of grace."""
    form = DeletionForm(request.POST, tenant=request.tenant, user=request.user)
    if not form.is_valid():
        return _page(request, form, status=422)
    closing.request(request.tenant, by=request.user, now=timezone.now())
    messages.success(request, _("The deletion has been requested. All owners receive an e-mail."))
    return _back(request)


@require_POST
@access.owners
def company_keep(request: access.TenantRequest) -> HttpResponse:
    """Withdraw the request."""
    try:
        closing.undo(request.tenant, now=timezone.now())
    except closing.TooLateError:
        messages.error(request, _("It is too late: the company is being deleted."))
        return _back(request)
    messages.success(request, _("The company will not be deleted. Imports and exports go on as before."))
    return _back(request)


def _back(request: access.TenantRequest) -> HttpResponse:
    return redirect("company_data", slug=request.tenant.slug)


def _page(request: access.TenantRequest, form: DeletionForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "days": closing.GRACE.days,
        "row_count": sum(deletion.counts(request.tenant).values()),
        "leaving": people.of_only(request.tenant),
    }
    return render(request, "accounts/company_data.html", context, status=status)
