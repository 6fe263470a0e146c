"""Entries of the audit trail in words: each field that changed, with its old and its new value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.models.api.tokens import ApiToken
from kingsync.models.api.webhooks import Webhook
from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.connections import Connection
from kingsync.models.import_kinds import KINDS, label_of
from kingsync.models.king_files import KingFile
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Membership, Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import ManualAction, WorkOrder
from kingsync.web.settings import settings_labels

# Whose columns the values of a group are; the first one that has the field.
_MODELS: dict[str, tuple[type[models.Model], ...]] = {
    "settings": (SyncSettings,),
    "connection": (Connection,),
    "company": (Tenant,),
    "member": (Membership,),
    "account": (User,),
    "decision.work_order": (WorkOrder, ManualAction),
    "decision": (ChangeLimitTrip,),
    "file": (KingFile,),
    "api": (ApiToken, Webhook),
    "operator": (User,),
}
# Fields that are no columns.
_OTHERS = {
    "token": _("Token"),
    "software_token": _("Software token"),
    "bearer_token": _("Bearer token"),
    "access_code": _("API token (in King: Toegangscode)"),
    "access_codes": _("Access codes of individual operations"),
    "decision": _("decision"),
    "entries": _("entries"),
    "before": _("from before"),
    "digest": _("SHA-256 of the content"),
}


@dataclass(frozen=True)
class Change:
    """One field in words; `old` is "" when there is nothing to compare with."""

    label: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.label}: {self.old} → {self.new}" if self.old else f"{self.label}: {self.new}"


def changes(entry: AuditEntry) -> list[Change]:
    return list(_changes(entry))


def subject(entry: AuditEntry) -> str:
    """Return what the entry is about: a work order by its number, a kind of import in the reader's words."""
    if entry.action == "decision.work_order":
        return gettext("Work order %(number)s (OutSmart)") % {"number": entry.subject}
    return str(label_of(entry.subject)) if entry.subject in KINDS else entry.subject


def _changes(entry: AuditEntry) -> Iterator[Change]:
    before, after = entry.before or {}, entry.after or {}
    places = dict(settings_labels.places()) if entry.action == Action.SETTINGS_SAVED else {}
    for name in after | before:
        field = _field(entry.action, name)
        label = places.get(name) or _label(field, name)
        old = _shown(field, before[name]) if name in before else ""
        if name in after:
            yield Change(label, old, _new(field, name, after[name]))
        else:  # either all of it was removed, or this was only the state in which something was done
            yield Change(label, "", old) if after else Change(label, old, gettext("removed"))


def _new(field: Any, name: str, value: Any) -> str:
    return gettext("changed") if trail.is_secret(name) and value == trail.CHANGED else _shown(field, value)


def _field(action: str, name: str) -> Any:
    for model in _MODELS.get(action) or _MODELS.get(action.partition(".")[0], ()):
        try:
            return model._meta.get_field(name)
        except FieldDoesNotExist:
            continue
    return ManualAction._meta.get_field("kind") if name == "decision" else None


def _label(field: Any, name: str) -> str:
    known: Any = _OTHERS.get(name)
    text = str(known or getattr(field, "verbose_name", name))
    return text[:1].upper() + text[1:]


def _shown(field: Any, value: Any) -> str:
    if isinstance(value, bool):
        return gettext("on") if value else gettext("off")
    if value is None or value in ("", [], {}):
        return gettext("empty")
    if isinstance(value, list):
        inner = getattr(field, "base_field", None)
        return ", ".join(_shown(inner, each) for each in value)
    if isinstance(value, dict):
        return ", ".join(sorted(value))
    offered = dict(getattr(field, "flatchoices", ()))
    return str(offered.get(value, value))
