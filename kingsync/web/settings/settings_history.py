"""All versions of the settings: who, when, what changed; and restoring one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kingsync.models.sync_settings import COLUMNS, TEXT_LINES, SettingsVersion, StaleVersionError, SyncSettings
from kingsync.rules.mapping import Mapping as Choices
from kingsync.web.settings import settings_labels, settings_versions
from kingsync.web.shared import access, paging

PAGE_SIZE = 20


@dataclass(frozen=True)
class Change:
    """One setting that differs from the previous version, in words."""

    label: str
    old: str
    new: str


@dataclass(frozen=True)
class Entry:
    """One version; `changes` is None for the very first one, which had nothing before it."""

    row: SettingsVersion
    changes: list[Change] | None
    is_current: bool


@require_safe
@access.members
def versions(request: access.TenantRequest) -> HttpResponse:
    """Show what every version changed, newest first."""
    found = SettingsVersion.objects.select_related("saved_by")
    page = paging.newest_first(found, before=request.GET.get("before", ""), size=PAGE_SIZE)
    current = settings_versions.stored_settings().version
    context = {"page": page, "entries": _entries(page, current), "current": current}
    return render(request, "settings/versions.html", context)


@require_POST
@access.editors
def restore(request: access.TenantRequest, version: int) -> HttpResponse:
    """Create a new version with the settings of an old one. Connections and secrets are unchanged."""
    wanted = get_object_or_404(SettingsVersion, version=version)
    sent = request.POST.get("current", "")
    based_on = int(sent) if sent.isdecimal() and len(sent) <= 9 else -1
    try:
        is_new = _as_it_was(wanted).store(by=request.user, expected_version=based_on)
    except StaleVersionError:
        messages.warning(request, _("Someone else saved the settings in the meantime. Check them, then decide."))
    except (msgspec.ValidationError, ValidationError):
        messages.error(request, _("Version %(version)s can no longer be used.") % {"version": version})
    else:
        done = _("The settings are those of version %(version)s again.") if is_new else _("There was nothing to save.")
        messages.success(request, done % {"version": version} if is_new else done)
    return redirect("settings_versions", slug=request.tenant.slug)


def _as_it_was(version: SettingsVersion) -> SyncSettings:
    """Return the settings of a version; settings that it did not have yet keep their current value.

    Raises `ValidationError` of Django or msgspec when today's rules refuse them.
    """
    settings = settings_versions.stored_settings()
    document = msgspec.to_builtins(settings.as_document())
    old = settings_versions.flat(version.document)
    for path, column in COLUMNS.items():
        target = document
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = old.get(column, target[path[-1]])
    document["exports"]["extra_text_lines"] = [old.get(name, getattr(settings, name)) for name in TEXT_LINES]
    settings.take(msgspec.convert(document, Choices))
    settings.clean()
    return settings


def _entries(page: paging.Page[SettingsVersion], current: int) -> list[Entry]:
    rows = page.rows
    before = rows[1:]
    if page.older:
        before = [*before, *SettingsVersion.objects.filter(pk__lt=page.older).order_by("-pk")[:1]]
    statuses = settings_labels.status_names()
    entries = [
        Entry(row, _changes(older.document, row.document, statuses), row.version == current)
        for row, older in zip(rows, before, strict=False)
    ]
    return entries + [Entry(row, None, row.version == current) for row in rows[len(before) :]]


def _changes(old: Mapping[str, object], new: Mapping[str, object], statuses: Mapping[str, str]) -> list[Change]:
    before, after = settings_versions.flat(old), settings_versions.flat(new)
    return [
        Change(
            label,
            settings_labels.shown(column, before[column], statuses),
            settings_labels.shown(column, after[column], statuses),
        )
        for column, label in settings_labels.places()
        # A setting that is newer than a version was not changed by it.
        if column in before and column in after and before[column] != after[column]
    ]
