"""Form fields of our own."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from kingsync.rules import limits


class LinesField(forms.Field):
    """A list, one value per line or separated by commas; each is checked by the field `inner`, duplicates dropped."""

    default_error_messages = {"too_many": _("There are too many: at most %(most)s.")}

    widget = forms.Textarea

    def __init__(self, inner: forms.Field, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 3}), **options)
        self.inner = inner

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: str | None) -> list[str]:
        lines = (line.strip() for line in re.split(r"[\r\n,;]", value or ""))
        return list(dict.fromkeys(line for line in lines if line))

    def clean(self, value: str | None) -> list[str]:
        """Return the values; raises `ValidationError` that names each bad one."""
        lines: list[str] = super().clean(value)
        if len(lines) > limits.ENTRIES:
            raise ValidationError(self.error_messages["too_many"], params={"most": limits.ENTRIES}, code="too_many")
        problems = [problem for line in lines for problem in self._problems_of(line)]
        if problems:
            raise ValidationError(problems)
        return lines

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)

    def _problems_of(self, line: str) -> list[str]:
        try:
            self.inner.clean(line)
        except ValidationError as error:
            return [f"{line}: {message}" for message in error.messages]
        return []
