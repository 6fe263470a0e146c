"""Settings in the search: sections and fields by their labels and explanations."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from kingsync.models.connections import System
from kingsync.models.tenants import Tenant
from kingsync.web.search import hits
from kingsync.web.search.hits import Hit
from kingsync.web.settings import settings_form, settings_labels

AT_MOST = 6
_BETWEEN = " › "


def found(tenant: Tenant, text: str) -> list[Hit]:
    """Return the settings whose label, place or explanation has all the words; labels first."""
    wanted = hits.words(text)
    if not wanted:
        return []
    page = reverse("settings", args=[tenant.slug])
    by_label, others = [], []
    for anchor, place, label, about in _offered():
        hit = Hit(label, f"{page}#{anchor}", place)
        if hits.has_all(label, wanted):
            by_label.append(hit)
        elif hits.has_all(f"{place} {label} {about}", wanted):
            others.append(hit)
    return [*by_label, *others][:AT_MOST]


def _offered() -> Iterator[tuple[str, str, str, str]]:
    """Yield (anchor, place, label, explanation) of everything on the page."""
    for system in System:
        yield "connection", _("Connection"), str(system.label), _("address, token and access code")
    for column, path in settings_labels.places():
        place, _between, label = path.rpartition(_BETWEEN)
        yield f"id_{column}", place, label, str(settings_form.HELP.get(column, ""))
