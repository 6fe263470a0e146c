"""The settings page's sections, ready for the template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _

from kingsync.models.sync_settings import TEXT_LINES
from kingsync.web.settings import settings_form
from kingsync.web.settings.connection_forms import ConnectionForm


@dataclass(frozen=True)
class Row:
    """One field, and another user's concurrent change to it."""

    field: BoundField
    note: str = ""

    @property
    def is_checkbox(self) -> bool:
        return isinstance(self.field.field.widget, forms.CheckboxInput)

    @property
    def is_choices(self) -> bool:
        return isinstance(self.field.field.widget, forms.CheckboxSelectMultiple)

    @property
    def is_wide(self) -> bool:
        is_switch_of_all = self.field.name == "schedule_enabled"
        is_large = self.is_choices or isinstance(self.field.field.widget, forms.Textarea)
        return is_large or self.is_text_line or is_switch_of_all

    @property
    def is_text_line(self) -> bool:
        return self.field.name in TEXT_LINES

    @property
    def is_of_connection(self) -> bool:
        """Whether a connection test may find fault with the field."""
        return isinstance(self.field.form, ConnectionForm)

    @property
    def needs(self) -> str:
        """The switches without which the field has no effect; for settings only, not for connections."""
        return "" if self.field.form.prefix else settings_form.NEEDS.get(self.field.name, "")


@dataclass(frozen=True)
class Group:
    """Fields under one heading. `form` is set if the fields are those of a connection; `rare` ones are folded."""

    title: str
    rows: list[Row]
    form: ConnectionForm | None = None
    rare: list[Row] = field(default_factory=list)

    @property
    def has_rare_problems(self) -> bool:
        return any(row.field.errors for row in self.rare)

    @property
    def is_named_by_its_field(self) -> bool:
        """Whether a heading would only repeat the label of the first field."""
        return bool(self.rows) and self.title.casefold() == str(self.rows[0].field.label).casefold()

    @property
    def has_needs(self) -> bool:
        return any(row.needs for row in self.rows)


@dataclass(frozen=True)
class Section:
    """One section of the page; `key` is its anchor."""

    key: str
    title: str
    groups: list[Group] = field(default_factory=list)
    help: str = ""


@dataclass(frozen=True)
class Problem:
    """A refused field, for the list at the top of the page."""

    anchor: str
    label: str
    text: str


def sections(
    company: forms.BaseForm, connections: Iterable[ConnectionForm], choices: forms.BaseForm, notes: Mapping[str, str]
) -> list[Section]:
    """Return the page's sections in order."""

    def chosen(layout: Mapping[Any, tuple[str, ...]]) -> list[Group]:
        return [
            Group(str(title), [Row(choices[name], notes.get(name, "")) for name in names])
            for title, names in layout.items()
        ]

    systems = [_connection(form) for form in connections]
    tags = _("Tags are filled in from the work order. While you type, a tag is its code in braces.")
    return [
        Section("company", _("Company"), [Group("", [Row(bound) for bound in company])]),
        Section("connection", _("Connection"), systems),
        Section("imports", _("Imports"), chosen(settings_form.IMPORTS), _("From King to OutSmart.")),
        Section("exports", _("Exports"), chosen(settings_form.EXPORTS), _("From OutSmart to King.")),
        Section("texts", _("Text lines"), chosen(settings_form.TEXTS), tags),
        Section("schedule", _("Schedule"), chosen(settings_form.SCHEDULE)),
        Section("notifications", _("E-mail notifications"), chosen(settings_form.NOTIFICATIONS)),
    ]


def _connection(form: ConnectionForm) -> Group:
    usual = [Row(bound) for bound in form if bound.name not in form.rare]
    return Group(str(form.system.label), usual, form, [Row(bound) for bound in form if bound.name in form.rare])


def problems(all_forms: Iterable[forms.BaseForm]) -> list[Problem]:
    """Return every refused field of bound forms; nothing for forms that were not sent."""
    found = []
    for form in all_forms:
        for name, errors in form.errors.items():
            if name in form.fields:
                bound = form[name]
                found += [Problem(bound.id_for_label, str(bound.label), str(error)) for error in errors]
            else:
                found += [Problem("", "", str(error)) for error in errors]
    return found
