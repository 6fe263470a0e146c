"""Filters above a list: a GET form whose invalid fields are reported and ignored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Label: TypeAlias = "str | _StrPromise"


def choice(label: Label, choices: Iterable[tuple[str, Label]]) -> forms.ChoiceField:
    """Return a field to choose one of these, or any."""
    return forms.ChoiceField(label=label, choices=[("", _("all")), *choices], required=False)


def moment(label: Label) -> forms.DateTimeField:
    """Return a date and time field in the tenant's time zone."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, widget=widget, required=False)


def day(label: Label) -> forms.DateField:
    """Return a date field."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, required=False)


def text(label: Label, *, max_length: int = 255, **attributes: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=max_length,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", **attributes}),
    )


class FilterForm(forms.Form):
    """A bound form; an invalid field shows an error and filters nothing."""

    error_css_class = "bad"

    def value(self, name: str) -> Any:
        """Return the value of a field; None or "" when nothing, or nothing valid, was entered."""
        self.is_valid()
        return self.cleaned_data.get(name)

    def chosen(self, **fields: str) -> dict[str, Any]:
        """Return the values of the named fields by their look-up, without the empty ones."""
        return {lookup: value for lookup, field in fields.items() if (value := self.value(field))}

    @property
    def is_in_use(self) -> bool:
        return self.in_use_count > 0

    @property
    def in_use_count(self) -> int:
        return sum(bool(self.data.get(name)) for name in self.fields)
