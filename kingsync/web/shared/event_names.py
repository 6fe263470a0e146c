"""The events of the log in words: for its filter, and for entries whose event has no sentence."""

from __future__ import annotations

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from kingsync.models.work_orders import LedgerState
from kingsync.web.shared.filters import Label

# Beginnings of events.
ABOUT: dict[str, Label] = {"order": _("All of work orders"), "record": _("All of master data")}
NAMES: dict[str, Label] = {
    "order.created": _("Order created"),
    "order.updated": _("Order updated"),
    "order.unchanged": _("Order unchanged"),
    "order.approved": _("Order approved"),
    "order.moved": _("Moved to another King order"),
    "order.found_again": _("Order found again"),
    "order.unreadable": _("Work order cannot be read"),
    "order.postponed": _("Postponed to the next run"),
    "order.notice": _("Remark"),
    "order.outcome_unknown": _("Outcome of a call unknown"),
    "order.internal_error": _("Internal error"),
    "order.deleted_at_source": _("Work order deleted in OutSmart"),
    "order.not_approved": _("Order not approved"),
    "order.not_confirmed": _("Not reported to OutSmart"),
    "order.not_unlocked": _("Order not unlocked"),
    "order.not_compared": _("Not compared"),
    "order.status_not_set": _("Status in OutSmart not set"),
    "order.differs_in_king": _("Order differs in King"),
    "order.delivered_in_king": _("Order closed in King"),
    "order.gone_in_king": _("Order removed from King"),
    "record.rejected": _("Record could not be sent"),
    "record.skipped": _("Record left out"),
    "record.unreadable": _("Record cannot be read"),
    "record.deleted_at_source": _("Record no longer in King"),
    "record.differs": _("Order differs from its work order"),
    "record.open_again": _("Order open again"),
    "import.change_limit_tripped": _("Safety limit tripped"),
    "import.not_whole": _("King not read completely"),
    "restore.noticed": _("Restored database noticed"),
    "restore.not_looked": _("Restored database: orders not looked up"),
    "verification.stopped": _("Daily check stopped"),
}
_STATES = (
    *(LedgerState.REJECTED, LedgerState.HELD, LedgerState.INCOMPLETE, LedgerState.UNCERTAIN),
    *(LedgerState.CHANGED, LedgerState.EXCLUDED),
)


def name_of(event: str) -> str:
    """Return an event in words; "" for one that has none."""
    kind, _dot, state = event.partition(".")
    if kind == "order" and state in {each.value for each in _STATES}:
        return str(capfirst(LedgerState(state).label))
    return str(NAMES.get(event, ""))


def choices() -> list[tuple[str, Label]]:
    """Return what the filter offers: groups first, then the events by state and name."""
    states = [(f"order.{state.value}", capfirst(state.label)) for state in _STATES]
    return [*ABOUT.items(), *states, *NAMES.items()]
