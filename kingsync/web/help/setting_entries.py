"""Every setting, as the forms of the pages have it: label, explanation, limits, default."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import NoneType

from django import forms
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from kingsync.models import sync_settings
from kingsync.models.connections import Connection, System
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.web.accounts.member_forms import CompanyForm as EveryoneForm
from kingsync.web.settings import settings_company, settings_form, settings_labels, settings_tags
from kingsync.web.settings.connection_forms import FORMS

_FREE_FIELD = "free_field_"
_WITHOUT_DEFAULT = frozenset({"name", "base_url", "administration"})


@dataclass(frozen=True)
class SettingEntry:
    """One setting; `key` is its name in the HTML of its form, and its anchor here."""

    key: str
    label: str
    help: str
    facts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SettingGroup:
    title: str
    entries: list[SettingEntry]


def groups() -> list[SettingGroup]:
    """Return all settings in the active language, under the headings of their pages."""
    company = _of_form(settings_company.CompanyForm.base_fields, Tenant(), prefix="company-")
    everyone = _of_form(EveryoneForm.base_fields, Tenant())
    return [
        SettingGroup(_("Company"), company),
        *(_connection(system) for system in System),
        *_choices(),
        SettingGroup(f"{_('Users')} › {_('For the whole company')}", everyone),
    ]


def tags() -> list[tuple[str, str]]:
    """Return the tags of the text lines, with their meaning; the free fields as one."""
    named = [each for each in settings_tags.meanings() if not each[0].startswith(_FREE_FIELD)]
    free = [each for each in settings_tags.meanings() if each[0].startswith(_FREE_FIELD)]
    first, last = free[0], free[-1]
    return [*named, (f"{first[0]}}} … {{{last[0]}", f"{first[1]} … {last[1].rpartition(' ')[2]}")]


@functools.cache
def all_keys() -> frozenset[str]:
    """Return the keys of all entries; they are the same in each language."""
    return frozenset(entry.key for group in groups() for entry in group.entries)


def address(key: str) -> str:
    """Return where the help explains a setting."""
    return f"{reverse('help_settings')}#{key}"


def _choices() -> Iterator[SettingGroup]:
    """Yield the settings with versions, in the order of the settings page."""
    fields, defaults = settings_form.SettingsForm.base_fields, SyncSettings()
    found: dict[str, list[SettingEntry]] = {}
    for column, place in settings_labels.places():
        title = place.removesuffix(sync_settings.label(column)).rstrip(" ›")
        found.setdefault(title, []).append(_entry(column, fields[column], defaults))
    for title, entries in found.items():
        yield SettingGroup(title, entries)


def _connection(system: System) -> SettingGroup:
    row = Connection.new(system)
    form = FORMS[system](instance=row)
    return SettingGroup(f"{_('Connection')} › {system.label}", _of_form(form.fields, row, prefix=f"{system.value}-"))


def _of_form(fields: dict[str, forms.Field], row: models.Model, *, prefix: str = "") -> list[SettingEntry]:
    return [_entry(name, each, row, prefix=prefix) for name, each in fields.items()]


def _entry(name: str, form_field: forms.Field, row: models.Model, *, prefix: str = "") -> SettingEntry:
    label = capfirst(str(form_field.label))
    facts = [*_limits(name, form_field, row), *_default(name, form_field, row)]
    return SettingEntry(f"{prefix}{name}", label, str(form_field.help_text), facts)


def _limits(name: str, form_field: forms.Field, row: models.Model) -> Iterator[str]:
    """Yield what may be entered."""
    offered = [str(label) for value, label in getattr(form_field, "choices", ()) if value not in ("", None)]
    if offered:
        yield _("Possible values: %(choices)s.") % {"choices": ", ".join(offered)}
        return
    validators = [*form_field.validators, *_column_validators(name, row)]
    least, most = _limit(validators, MinValueValidator), _limit(validators, MaxValueValidator)
    if most is not None:
        yield _("From %(least)s to %(most)s.") % {"least": least or 0, "most": most}
    longest = _limit(validators, MaxLengthValidator)
    if longest is not None:
        yield _("At most %(most)s characters.") % {"most": longest}


def _column_validators(name: str, row: models.Model) -> list[object]:
    column = _column(name, row)
    return list(column.validators) if column is not None else []


def _limit(validators: list[object], kind: type) -> int | None:
    """Return the strictest limit of a kind."""
    found = [each.limit_value for each in validators if type(each) is kind]  # type: ignore[attr-defined]
    return (max if kind is MinValueValidator else min)(found) if found else None


def _default(name: str, form_field: forms.Field, row: models.Model) -> Iterator[str]:
    """Yield the value until someone chooses another one; secrets, names and addresses have none."""
    if _column(name, row) is None or name in _WITHOUT_DEFAULT:
        return
    yield _("Default: %(value)s.") % {"value": _shown(name, getattr(row, name), form_field)}


def _shown(name: str, value: object, form_field: forms.Field) -> str:
    if isinstance(value, bool | list | NoneType) or value == "":
        return settings_labels.shown(name, value)
    return str(dict(getattr(form_field, "choices", ())).get(value, value))


def _column(name: str, row: models.Model) -> models.Field[object, object] | None:
    return next((each for each in row._meta.concrete_fields if each.name == name), None)
