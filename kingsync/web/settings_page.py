"""The settings of a tenant as one web form, and the buttons that try a connection."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kingsync.models import tenants, wording
from kingsync.models.connections import Connection, System
from kingsync.models.sync_settings import StaleVersionError
from kingsync.models.tenants import Tenant
from kingsync.runs import clients, notices, refreshing
from kingsync.web import access, settings_saved, settings_sections, settings_tags, settings_versions
from kingsync.web.connection_forms import FORMS, ConnectionForm
from kingsync.web.settings_company import CompanyForm
from kingsync.web.settings_form import CHOSEN_FROM_SYSTEMS, SettingsForm


@dataclass
class Forms:
    """Everything that the page saves together, and the versions that it was based on."""

    company: CompanyForm
    connections: list[ConnectionForm]
    choices: SettingsForm
    version: int
    stamp: str
    notes: dict[str, str]

    def are_valid(self) -> bool:
        # A list, not a generator: every form shows its own errors.
        sent = [form.is_valid() for form in (*self.connections, self.choices)]
        return all([self.company.is_right(), *sent])


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@access.members
def settings_page(request: access.TenantRequest) -> HttpResponse:
    """Show the settings; save them for those who may."""
    if request.method != "POST":
        to_try = settings_saved.to_try(request)
        return _page(request, _forms(request, is_read_only=not request.may_edit), to_try=to_try)
    if not request.may_edit:
        raise PermissionDenied
    forms = _forms(request, request.POST)
    if not forms.are_valid():
        return _page(request, forms, status=422)
    try:
        has_changed = _store(request, forms)
    except StaleVersionError:
        return _stale_page(request, forms)
    if has_changed:
        settings_saved.tell(request, changed=[form.system for form in forms.connections if form.has_changed()])
    else:
        messages.success(request, _("There was nothing to save."))
    return redirect("settings", slug=request.tenant.slug)


@sensitive_post_parameters()
@require_POST
@access.editors
def test_connection(request: access.TenantRequest, system: str) -> HttpResponse:
    """Try a connection with what stands in the form, saved or not, and say how it went."""
    if system not in System.values:
        raise Http404
    stored = _connection(System(system))
    form = FORMS[System(system)](request.POST, instance=stored)
    if not form.is_valid() or not (stored.pk or form.has_changed()):
        return render(request, "_tested.html", {"system": System(system), "form": form})
    # How the trial of a changed form goes says nothing about the stored connection, so it books nothing.
    reason = clients.trial(form.as_connection()) if form.has_changed() else clients.test_connection(stored)
    context = {"system": System(system), "is_tried": True, "problem": reason and wording.stored(reason)}
    return render(request, "_tested.html", context)


@sensitive_post_parameters()
@require_POST
@access.editors
def refresh_choices(request: access.TenantRequest) -> HttpResponse:
    """Ask both systems for their lists, and give the fields that choose from them anew, as they were filled in."""
    answers = [_told(answer) for answer in refreshing.refresh_choices()]
    form = SettingsForm(request.POST, instance=settings_versions.stored_settings())
    for name in CHOSEN_FROM_SYSTEMS:
        form.fields[name].widget.attrs["hx-swap-oob"] = "outerHTML"
    fields = [form[name] for name in CHOSEN_FROM_SYSTEMS]
    return render(request, "_choices.html", {"refreshed": answers, "fields": fields})


def _told(answer: refreshing.Refreshed) -> dict[str, object]:
    if answer.system == System.OUTSMART:
        told = ngettext("%(count)s work status", "%(count)s work statuses", answer.count)
    else:
        told = ngettext("%(count)s warehouse", "%(count)s warehouses", answer.count)
    problem = answer.problem and wording.stored(answer.problem)
    return {"system": answer.system.label, "told": told % {"count": answer.count}, "problem": problem}


def _forms(request: access.TenantRequest, data: QueryDict | None = None, *, is_read_only: bool = False) -> Forms:
    connections = [_connection(system) for system in System]
    settings = settings_versions.stored_settings()
    # A copy: a name that was refused must not stand in the head of the page.
    tenant = copy.copy(request.tenant)
    return Forms(
        company=CompanyForm(data, instance=tenant, is_read_only=is_read_only),
        connections=[FORMS[System(row.system)](data, instance=row, is_read_only=is_read_only) for row in connections],
        choices=SettingsForm(data, instance=settings, is_read_only=is_read_only),
        version=_number(data.get("version", "")) if data else settings.version,
        stamp=data.get("stamp", "") if data else settings_versions.stamp_of(request.tenant, connections),
        notes={},
    )


def _store(request: access.TenantRequest, forms: Forms) -> bool:
    """Save everything or nothing; raises `StaleVersionError` when somebody else saved in the meantime."""
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update().get(pk=request.tenant.pk)  # one after the other
        connections = [_connection(system) for system in System]
        is_stale = settings_versions.stamp_of(tenant, connections) != forms.stamp
        if is_stale or settings_versions.stored_settings().version != forms.version:
            raise StaleVersionError(str(StaleVersionError.__doc__))
        changed = [form for form in forms.connections if form.has_changed()]
        for form in changed:
            form.save()
        is_renamed = forms.company.store()
        has_new_version = forms.choices.instance.store(by=request.user, expected_version=forms.version)
    return has_new_version or is_renamed or bool(changed)


def _stale_page(request: access.TenantRequest, sent: Forms) -> HttpResponse:
    merged = settings_versions.merge(sent.choices.instance, based_on=sent.version)
    fresh = _forms(request)
    is_typed = any(form.has_changed() for form in sent.connections)
    forms = Forms(
        company=sent.company if sent.company.has_changed() else fresh.company,
        connections=_forms(request, request.POST).connections if is_typed else fresh.connections,
        choices=SettingsForm(instance=merged.settings),
        version=merged.settings.version,
        stamp=fresh.stamp,
        notes=merged.notes,
    )
    context = {"stale": True, "saved_by": merged.saved_by, "must_retype": is_typed}
    return _page(request, forms, status=409, **context)


def _page(request: access.TenantRequest, forms: Forms, *, status: int = 200, **extra: object) -> HttpResponse:
    context = {
        "forms": forms,
        "sections": settings_sections.sections(forms.company, forms.connections, forms.choices, forms.notes),
        "tags": settings_tags.meanings(),
        "unsent": notices.unsent(settings_versions.stored_settings(), now=timezone.now()),
        "problems": settings_sections.problems([forms.company, *forms.connections, forms.choices]),
    }
    return render(request, "settings.html", context | extra, status=status)


def _connection(system: System) -> Connection:
    """Return the stored connection, or a new one that is not saved yet."""
    # Credentials are opened by the form, which knows what to do when no key fits.
    found = Connection.objects.filter(system=system).defer("credentials").first()
    if found:
        return found
    busy_codes = ["LOCK"] if system == System.KING else []
    return Connection(tenant_id=tenants.current_id(), system=system, busy_codes=busy_codes)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 9 else -1
