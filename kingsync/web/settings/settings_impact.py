"""The effect of the settings in the form, before they are saved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from kingsync.exports import settings_impact as impacts
from kingsync.exports.settings_impact import Changed, End, SettingsImpact, SettingsOutcome
from kingsync.messages import reason_texts
from kingsync.web.settings import settings_sections, settings_versions
from kingsync.web.settings.settings_form import SettingsForm
from kingsync.web.shared import access

_NAMES: dict[End, Any] = {
    End.CREATED: _("would be created"),
    End.UPDATED: _("would be updated"),
    End.UNCHANGED: _("would stay the same"),
    End.REFUSED: _("would be rejected"),
    End.HELD: _("would be held"),
    End.UNKNOWN: _("not known before a new attempt"),
}
_TONES = {End.CREATED: "good", End.UPDATED: "good", End.REFUSED: "bad", End.HELD: "warn"}


@dataclass(frozen=True)
class Count:
    name: str
    now: int
    then: int


@dataclass(frozen=True)
class Ending:
    """The outcome of a work order under one of the two settings, in words."""

    name: str
    tone: str
    reasons: list[reason_texts.StoredReason]


@dataclass(frozen=True)
class Row:
    changed: Changed
    now: Ending
    then: Ending


@sensitive_post_parameters()
@require_POST
@access.editors
def settings_impact(request: access.TenantRequest) -> HttpResponse:
    """Show what the next export would do with the form as it is; stores nothing and calls neither system."""
    form = SettingsForm(request.POST, instance=settings_versions.stored_settings())
    if not form.is_valid():
        return render(request, "settings/_impact.html", {"problems": settings_sections.problems([form])})
    stored = settings_versions.stored_settings().as_mapping().exports
    found = impacts.settings_impact(stored, form.instance.as_mapping().exports)
    return render(request, "settings/_impact.html", _context(found) | {"is_same": not form.has_changed()})


def _context(found: SettingsImpact) -> dict[str, object]:
    return {
        "impact": found,
        "counts": _counts(found.now, found.then),
        "rows": [Row(each, _ending(each.now), _ending(each.then)) for each in found.changed],
        "not_listed": found.change_count - len(found.changed),
        "not_looked_at": found.waiting - found.looked_at,
    }


def _counts(now: Counter[End], then: Counter[End]) -> list[Count]:
    always = {End.CREATED, End.UPDATED, End.REFUSED, End.HELD}
    return [
        Count(str(name), now[end], then[end]) for end, name in _NAMES.items() if end in always or now[end] or then[end]
    ]


def _ending(verdict: SettingsOutcome) -> Ending:
    reasons = [reason_texts.stored(why) for why in verdict.reasons]
    return Ending(str(_NAMES[verdict.end]), _TONES.get(verdict.end, "calm"), reasons)
