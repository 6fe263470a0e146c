"""The settings of a tenant as one form, and the connection checks."""

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
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kingsync.king_mirror import page_checks
from kingsync.messages import reason_texts
from kingsync.models.connections import Connection, System
from kingsync.models.encryption import DecryptionError
from kingsync.models.sync_settings import MailMode, StaleVersionError, SyncSettings
from kingsync.models.tenants import Tenant, emails_of_owners
from kingsync.notifications import notify, recipients
from kingsync.runs.background_calls import CallRefusedError
from kingsync.web.settings import settings_answers, settings_saved, settings_sections, settings_tags, settings_versions
from kingsync.web.settings.connection_forms import FORMS, ConnectionForm
from kingsync.web.settings.settings_company import CompanyForm
from kingsync.web.settings.settings_form import CHOSEN_FROM_SYSTEMS, SettingsForm, typed_articles
from kingsync.web.shared import access, call_waiting, tenant_status


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
        # A list, not a generator: every form must show its own errors.
        sent = [form.is_valid() for form in (*self.connections, self.choices)]
        return all([self.company.is_right(), *sent])

    def is_right_but_for_connections(self) -> bool:
        return self.company.is_right() and self.choices.is_valid()


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@access.members
def settings_page(request: access.TenantRequest) -> HttpResponse:
    """Show the settings; save them for editors."""
    if request.method != "POST":
        connections_to_check = settings_saved.connections_to_check(request)
        return _page(
            request, _forms(request, is_read_only=not request.may_edit), connections_to_check=connections_to_check
        )
    if not request.may_edit:
        raise PermissionDenied
    forms = _forms(request, request.POST)
    if not forms.are_valid():
        # After someone else changed the connection, one's own form looks like a change without its secrets.
        is_stale = forms.is_right_but_for_connections() and _stamp(request.tenant) != forms.stamp
        return _stale_page(request, forms) if is_stale else _page(request, forms, status=422)
    try:
        has_changed = _store(request, forms)
    except StaleVersionError:
        return _stale_page(request, forms)
    if has_changed:
        settings_saved.report_saved(request, changed=[form.system for form in forms.connections if form.has_changed()])
    else:
        messages.success(request, _("There was nothing to save."))
    return redirect("settings", slug=request.tenant.slug)


@sensitive_post_parameters()
@require_POST
@access.editors
def test_connection(request: access.TenantRequest, system: str) -> HttpResponse:
    """Start a check of the connection in the form, saved or not, and follow it."""
    if system not in System.values:
        raise Http404
    stored = _connection(System(system))
    form = FORMS[System(system)](request.POST, instance=stored)
    form.require_everything()
    if not form.is_valid() or not (stored.pk or form.has_changed()):
        return settings_answers.refused(request, form)
    try:
        if form.has_changed():
            call = page_checks.check_typed(form.as_connection(), by=request.user)
        else:
            call = page_checks.check_stored(System(system), by=request.user)
    except CallRefusedError as error:
        return settings_answers.tested(request, System(system), reason_texts.stored(error.why))
    return call_waiting.followed(request, call)


@sensitive_post_parameters()
@require_POST
@access.editors
def refresh_choices(request: access.TenantRequest) -> HttpResponse:
    """Start a refresh of both systems' pick lists, and follow it."""
    try:
        call = page_checks.refresh_choices(articles=typed_articles(request.POST), by=request.user)
    except CallRefusedError as error:
        return settings_answers.shown(request, "settings/_pick_lists.html", {"problem": reason_texts.stored(error.why)})
    return call_waiting.followed(request, call)


def _forms(request: access.TenantRequest, data: QueryDict | None = None, *, is_read_only: bool = False) -> Forms:
    connections = [_connection(system) for system in System]
    settings = settings_versions.stored_settings()
    # A copy: a refused name must not appear in the page header.
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
    """Save everything or nothing; raises `StaleVersionError` when someone else saved in the meantime."""
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update().get(pk=request.tenant.pk)  # one save at a time
        is_stale = _stamp(tenant) != forms.stamp
        if is_stale or settings_versions.stored_settings().version != forms.version:
            raise StaleVersionError(str(StaleVersionError.__doc__))
        changed = [form for form in forms.connections if form.has_changed()]
        for form in changed:
            form.save()
        is_renamed = forms.company.store()
        has_new_version = forms.choices.instance.store(by=request.user, expected_version=forms.version)
    return has_new_version or is_renamed or bool(changed)


def _stamp(tenant: Tenant) -> str:
    return settings_versions.stamp_of(tenant, [_connection(system) for system in System])


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
    notes, stored = forms.choices.notes() | forms.notes, settings_versions.stored_settings()
    context = {
        "cards": tenant_status.run_cards(tenant_status.tenant_status()) if request.may_edit else [],
        "forms": forms,
        "sections": settings_sections.sections(forms.company, forms.connections, forms.choices, notes),
        "tags": settings_tags.meanings(),
        "pick_list_fields": ", ".join(f"[name='{forms.choices[name].html_name}']" for name in CHOSEN_FROM_SYSTEMS),
        "unsent": notify.unsent(stored, now=timezone.now()),
        "stopped": recipients.stopped(stored),
        "owners_without_mail": _owners_without_mail(request, stored) if request.may_edit else [],
        "problems": settings_sections.problems([forms.company, *forms.connections, forms.choices]),
    }
    return render(request, "settings/settings.html", context | extra, status=status)


def _owners_without_mail(request: access.TenantRequest, stored: SyncSettings) -> list[str]:
    """Return whom to suggest where e-mails are wanted and nobody gets them."""
    is_without = stored.version and stored.notification_mode != MailMode.OFF and not stored.notification_emails
    return emails_of_owners(request.tenant) if is_without else []


def _connection(system: System) -> Connection:
    """Return the stored connection, or a new unsaved one."""
    rows = Connection.objects.filter(system=system)
    try:
        found = rows.first()  # one statement: never the secrets of a later save with the address of an earlier one
    except DecryptionError:
        found = rows.defer("credentials").first()  # the form handles credentials that no key decrypts
    return found or Connection.new(system)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 9 else -1
