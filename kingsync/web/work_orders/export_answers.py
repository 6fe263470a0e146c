"""When the next export takes up what a user made ready or repaired, as answers and pages say it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from kingsync.messages.reason_texts import sentence
from kingsync.models.runs import RunKind
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

    @property
    def taken_up(self) -> str:
        """Return what happens after a repair, as a sentence."""
        if self.card.refusal:
            return _("The next export then picks it up. %(refusal)s") % {"refusal": sentence(self.card.refusal)}
        if not self.card.is_scheduled:
            return _("The next export then picks it up. Start it yourself: automatic exports are off.")
        if self.card.waits_for_connections:
            return _("The next export then picks it up, as soon as both connections work.")
        if not self.is_planned:
            return _("The next export then picks it up automatically.")
        return _("The next export then picks it up automatically (%(time)s).") % {"time": when(self.card.next_at)}


def next_export(status: TenantStatus | None = None) -> NextExport:
    """Return the next export of the current tenant, whose status may be known already."""
    [card] = tenant_status.run_cards(status or tenant_status.tenant_status(), [RunKind.EXPORT])
    return NextExport(card)
