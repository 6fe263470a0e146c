"""History of one work order: log entries of runs and manual actions, in one timeline."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.utils.translation import gettext as _

from kingsync.manual_actions import care
from kingsync.messages import reason_texts
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.work_orders import LedgerState, ManualAction, WorkOrder
from kingsync.web.work_orders.record_names import Names

Kind = ManualAction.Kind
LATEST = 50


@dataclass(frozen=True)
class Moment:
    """One event. `who` is "" for a run, `run_id` None for a person; `level` sets its colour."""

    at: datetime.datetime
    level: str
    title: str
    text: str
    who: str = ""
    run_id: int | None = None
    run_number: int | None = None
    event: str = ""
    king_id: str = ""


@dataclass(frozen=True)
class Moments:
    """Newest first; `is_cut` when there are more than `LATEST`."""

    shown: list[Moment]
    is_cut: bool


def of(row: WorkOrder, names: Names) -> Moments:
    """Return the history of a work order, with names beside numbers, in two queries."""
    here = LogEntry.objects.filter(run__administration_id=row.administration_id)
    here = here.select_related("run").defer("detail", *(f"run__{name}" for name in SyncRun.LARGE))
    entries = here.filter(outsmart_id=row.outsmart_id).order_by("-pk")[: LATEST + 1]
    decisions = ManualAction.objects.filter(work_order=row).order_by("-id")[: LATEST + 1]
    moments = [*(_by_run(entry, names) for entry in entries), *map(_by_manual_action, decisions)]
    moments.sort(key=lambda moment: moment.at, reverse=True)
    return Moments(moments[:LATEST], is_cut=len(moments) > LATEST)


def _by_run(entry: LogEntry, names: Names) -> Moment:
    return Moment(
        at=entry.at,
        level=entry.level,
        title=str(LogEntry.Level(entry.level).label),
        text=reason_texts.event_sentence(entry.event, names.in_reason(entry.reason)),
        run_id=entry.run_id,
        run_number=entry.run.number if entry.run else None,
        event=entry.event,
        king_id=entry.king_id,
    )


def _by_manual_action(decision: ManualAction) -> Moment:
    return _about(decision) if decision.kind in care.KINDS else _decided(decision)


def _about(decision: ManualAction) -> Moment:
    """Return the moment of a note, or of who looks after the work order."""
    texts: dict[str, str] = {
        Kind.NOTE: f"“{decision.reason}”" if decision.reason else _("The note was removed."),
        Kind.TAKE: _("Assigned to %(name)s.") % {"name": decision.decided_by_name},
        Kind.LEAVE: _("Assignment removed."),
    }
    title = _("note") if decision.kind == Kind.NOTE else _("assignment")
    return Moment(decision.decided_at, "person", title, texts[decision.kind], who=decision.decided_by_name)


def _decided(decision: ManualAction) -> Moment:
    was = LedgerState(decision.state_before).label
    parts = [_("Decision: %(decision)s.") % {"decision": decision.get_kind_display()}]
    if decision.king_order_number:
        parts.append(_("King order %(number)s.") % {"number": decision.king_order_number})
    if decision.reason:
        parts.append(_("Reason: “%(reason)s”.") % {"reason": decision.reason})
    parts.append(_("Before: %(state)s.") % {"state": was})
    return Moment(
        at=decision.decided_at,
        level="person",
        title=_("decision"),
        text=" ".join(parts),
        who=decision.decided_by_name,
    )
