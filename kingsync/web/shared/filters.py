"""Filters above a list: a form by GET whose unreadable fields are told and left out of account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Label: TypeAlias = "str | _StrPromise"


def choice(label: Label, choices: Iterable[tuple[str, Label]]) -> forms.ChoiceField:
    """Return a field that chooses one of these, or any of them."""
    return forms.ChoiceField(label=label, choices=[("", _("all")), *choices], required=False)


def moment(label: Label) -> forms.DateTimeField:
    """Return a field for a moment in the tenant's time."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, widget=widget, required=False)


def text(label: Label, *, max_length: int = 255, **attributes: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=max_length,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", **attributes}),
    )


class FilterForm(forms.Form):
    """A bound form; what cannot be read has an error at its field and filters nothing."""

    error_css_class = "bad"

    def value(self, name: str) -> Any:
        """Return what was asked for; None or "" when nothing was, or nothing that can be read."""
        self.is_valid()
        return self.cleaned_data.get(name)

    @property
    def is_in_use(self) -> bool:
        return any(self.data.get(name) for name in self.fields)
