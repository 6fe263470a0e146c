"""Concurrent edits of the settings: the second user is informed, and both keep their changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext

from kingsync.models import tenants
from kingsync.models.connections import Connection
from kingsync.models.sync_settings import COLUMNS, TEXT_LINES, SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.web.settings import settings_labels
from kingsync.web.settings.connection_forms import stored_credentials

Columns = dict[str, object]


@dataclass(frozen=True)
class Merged:
    """The merged settings of both users. `notes` says at a field what the other user did."""

    settings: SyncSettings
    saved_by: User | None
    notes: dict[str, str]


def stamp_of(tenant: Tenant, connections: list[Connection]) -> str:
    """Return a hash that changes whenever the name or a stored connection does, and reveals nothing about them."""
    rows: list[object] = [(tenant.name, tenant.language)]
    rows += [
        (row.system, row.base_url, row.administration, row.verify_tls, row.ca_certificate, row.busy_codes,
         row.sql_timeout, row.reader, stored_credentials(row))
        for row in connections
        if row.pk
    ]  # fmt: skip
    return salted_hmac("kingsync.web.settings", msgspec.json.encode(rows)).hexdigest()


def stored_settings() -> SyncSettings:
    """Return the settings of the current tenant; the defaults as version 0 if there are none yet."""
    return SyncSettings.objects.first() or SyncSettings(tenant_id=tenants.current_id())


def merge(mine: SyncSettings, *, based_on: int) -> Merged:
    """Merge the settings that this user changed since version `based_on` into the stored version."""
    stored = stored_settings()
    base, theirs, ours = _columns_of_version(based_on), _columns(stored), _columns(mine)
    notes: dict[str, str] = {}
    for column, value in ours.items():
        changed_by_them = column not in base or theirs[column] != base[column]
        if value == base.get(column, _NOTHING):
            if changed_by_them:
                notes[column] = gettext("Someone else just changed this to the same value.")
            continue
        if changed_by_them and theirs[column] != value:
            value_text = settings_labels.shown(column, theirs[column])
            notes[column] = gettext("Someone else just changed this to “%(value)s”.") % {"value": value_text}
        setattr(stored, column, getattr(mine, column))
    saved = SettingsVersion.objects.select_related("saved_by").filter(version=stored.version).first()
    return Merged(stored, saved.saved_by if saved else None, notes)


_NOTHING = object()


def _columns_of_version(version: int) -> Columns:
    found = SettingsVersion.objects.filter(version=version).first()
    return flat(found.document) if found else {}


def _columns(settings: SyncSettings) -> Columns:
    return flat(msgspec.to_builtins(settings.as_document()))


def flat(document: Mapping[str, Any]) -> Columns:
    """Return column → value as the history stores it; columns that an old version lacks are left out."""
    flat: Columns = {}
    for path, column in COLUMNS.items():
        value: Any = document
        for part in path:
            value = value.get(part, _NOTHING) if isinstance(value, Mapping) else _NOTHING
        if value is not _NOTHING:
            flat[column] = value
    lines = document.get("exports", {}).get("extra_text_lines", [])
    return flat | dict(zip(TEXT_LINES, lines, strict=False))
