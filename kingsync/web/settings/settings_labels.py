"""The settings in words: the label of a setting, its place on the page, and its display value."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import formats
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.models.links import WorkStatus
from kingsync.models.sync_settings import Review, SyncSettings, label
from kingsync.web.settings import settings_form

_LAYOUTS: dict[Any, Mapping[Any, tuple[str, ...]]] = {
    _("Imports"): settings_form.IMPORTS,
    _("Exports"): settings_form.EXPORTS,
    _("Text lines"): settings_form.TEXTS,
    _("Schedule"): settings_form.SCHEDULE,
    _("E-mail notifications"): settings_form.NOTIFICATIONS,
}


def places() -> Iterator[tuple[str, str]]:
    """Yield (column, place and label), in the order of the page."""
    for section, layout in _LAYOUTS.items():
        for group, columns in layout.items():
            place = " › ".join(str(part) for part in (section, group) if part)
            for column in columns:
                yield column, f"{place} › {label(column)}"


def status_names() -> dict[str, str]:
    """Return OutSmart's work statuses for display: code → `code - name`."""
    return {status.code: str(status) for status in WorkStatus.objects.all()}


def shown(column: str, value: object, statuses: Mapping[str, str] | None = None) -> str:
    """Return a value of the history (JSON) in words."""
    if isinstance(value, bool):
        return gettext("on") if value else gettext("off")
    if value in (None, "", []):
        return gettext("empty")
    if isinstance(value, list):
        offered = dict(Review.choices) if column == "review" else {}
        return ", ".join(str(offered.get(each, each)) for each in value)
    if column in settings_form.STATUSES and statuses:
        return statuses.get(str(value), str(value))
    choices = dict(getattr(SyncSettings._meta.get_field(column), "flatchoices", ()))
    return str(choices[value]) if value in choices else _plain(column, value)


def _plain(column: str, value: object) -> str:
    if column.endswith("_from_date"):
        try:
            return formats.date_format(datetime.date.fromisoformat(str(value)))
        except ValueError:
            return str(value)
    return str(value)
