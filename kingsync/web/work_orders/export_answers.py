"""When the next export takes up what a user made ready or repaired, as answers and pages say it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from kingsync.messages.reason_texts import sentence
from kingsync.models.runs import RunKind
from kingsync.runs import schedule
from kingsync.web.shared import tenant_status
from kingsync.web.shared.template_tags import when
from kingsync.web.shared.tenant_status import RunCard, TenantStatus


@dataclass(frozen=True)
class NextExport:
    """The card of exports, in the words of an answer."""

    card: RunCard

    @property
    def is_planned(self) -> bool:
        """Return whether the schedule names a time to come."""
        return not self.card.refusal and self.card.next_at is not None and not self.card.is_due

    @property
    def name(self) -> str:
        """Return "the export of today 16:38", or "the next export" when the schedule names no time."""
        if not self.is_planned:
            return _("the next export")
        return _("the export of %(when)s") % {"when": when(self.card.next_at)}

    @property
    def planned(self) -> str:
        """Return the planned time as a sentence; "" when there is none."""
        return self.card.next_text if self.is_planned else ""

    @property
    def note(self) -> str:
        """Return why there is no such time; "" when there is, or an export is about to take it up."""
        if self.card.refusal:
            return sentence(self.card.refusal)
        is_open = self.card.run is not None and self.card.run.is_open
        return "" if is_open or self.is_planned else self.card.next_text

    @property
    def may_start(self) -> bool:
        return self.card.refusal is None


def next_export() -> NextExport:
    """Return the next export of the current tenant."""
    [card] = tenant_status.run_cards(tenant_status.tenant_status(), [RunKind.EXPORT])
    return NextExport(card)


def taken_up(status: TenantStatus) -> str:
    """Return what happens after a repair, as a sentence."""
    refusal = status.refusal(RunKind.EXPORT)
    if refusal:
        return _("The next export then picks it up. %(refusal)s") % {"refusal": sentence(refusal)}
    minutes = schedule.intervals(status.settings).get(RunKind.EXPORT)
    if minutes is None:
        return _("The next export then picks it up. Start it yourself: automatic exports are off.")
    if not status.is_connected(RunKind.EXPORT):
        return _("The next export then picks it up, as soon as both connections work.")
    next_at = schedule.next_at(RunKind.EXPORT, minutes=minutes)
    if next_at is None or next_at <= timezone.now():
        return _("The next export then picks it up automatically.")
    return _("The next export then picks it up automatically (%(time)s).") % {"time": when(next_at)}
