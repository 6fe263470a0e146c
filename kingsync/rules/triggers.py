"""Triggers: the OutSmart statuses at which an export picks up a work order."""

from __future__ import annotations

from integrations.outsmart.records import WorkOrder
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason, reason, shown

COMPLETE, HANDLED, ALL = "Compleet", "Afgehandeld", "Alle"
FINISHED = (COMPLETE, HANDLED)


def is_interim(choices: Exports, *, status: str | None, work_status: str, before: bool) -> bool:
    """Return whether work of these statuses is unfinished; away from both triggers it is what it was before.

    It may be there because of us (the status after a rejection), or because the office took it back.
    """
    if status == COMPLETE and work_status == choices.work_order_status:
        return False
    return before or (choices.interim_updates and work_status == choices.order_update_status)


def is_at_trigger(choices: Exports, source: WorkOrder, *, is_interim: bool) -> bool:
    """Return whether a work order is still where an export begins, or where we put it ourselves."""
    by_us = {choices.failure_status} - {""}
    if is_interim:
        wanted = by_us | {choices.order_update_status}
        return choices.interim_updates and source.status != HANDLED and source.work_status in wanted
    return source.status == COMPLETE and source.work_status in by_us | {choices.work_order_status}


def objections(choices: Exports, source: WorkOrder) -> tuple[Reason, ...]:
    """Return why no export would pick this work order up by itself."""
    found = []
    if source.is_archived:
        found.append(reason("archived"))
    at_interim = choices.interim_updates and source.work_status == choices.order_update_status
    if source.status != COMPLETE and not (at_interim and source.status != HANDLED):
        found.append(reason("status_not_complete", status=shown(source.status) or "–"))
    if source.work_status != choices.work_order_status and not at_interim:
        status = shown(source.work_status) or "–"
        found.append(reason("other_work_status", status=status, wanted=choices.work_order_status))
    return tuple(found)
