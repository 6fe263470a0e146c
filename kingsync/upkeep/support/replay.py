"""What happened in a run, in order: its own moments, its log with the failed calls, and the journal of what it created.

Calls that went well are not stored. Secrets were masked before the log was written.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from kingsync.messages.reason_texts import sentence
from kingsync.models import tenants
from kingsync.models.runs import LogEntry, RunKind, SyncRun
from kingsync.runs import journal
from kingsync.runs.journal import Journal, Purpose

_PURPOSES = {RunKind.EXPORT: Purpose.EXPORTS, RunKind.IMPORT: Purpose.IMPORTS}
_CREATED = {RunKind.EXPORT: "King order", RunKind.IMPORT: "work order"}


@dataclass(frozen=True)
class Event:
    """`what`: run, log, call or journal. `details` is what there is besides the text, by name."""

    at: datetime.datetime
    what: str
    text: str
    details: dict[str, Any] = field(default_factory=dict)


def find(*, key: int | None = None, slug: str = "", number: int | None = None) -> SyncRun | None:
    """Return a run by its key, or by its tenant and number."""
    named: dict[str, object] = {"pk": key} if key is not None else {"tenant__slug": slug, "number": number}
    return SyncRun.across_tenants.filter(**named).select_related("tenant").first()


def events(run: SyncRun) -> list[Event]:
    """Return everything that is known of a run, oldest first."""
    with tenants.scope(run.tenant_id):
        found = [*_beginning(run), *_log(run), *_journal(run)]
        # Sorting keeps the order of equal moments: a call comes before the entry that it caused.
        return sorted(found, key=lambda event: event.at) + list(_end(run))


def _beginning(run: SyncRun) -> Iterator[Event]:
    details = {"trigger": run.trigger, "settings_version": run.settings_version, "options": run.options}
    yield Event(run.queued_at, "run", f"queued by {run.get_trigger_display()}", details)
    if run.started_at:
        yield Event(run.started_at, "run", "started")


def _end(run: SyncRun) -> Iterator[Event]:
    details = {"counts": run.counts(), "attempt": run.attempt, "outcomes": run.outcomes, "error": run.error}
    at = run.finished_at or run.heartbeat_at or run.queued_at
    text = run.get_status_display() if run.finished_at else f"not over: {run.get_status_display()}"
    yield Event(at, "run", f"{text}. {sentence(run.error)}".strip(), details)


def _log(run: SyncRun) -> Iterator[Event]:
    # Entries are written in batches, in the order in which they were made.
    for entry in LogEntry.objects.filter(run=run).order_by("pk").iterator():
        call = entry.detail.get("call")
        if isinstance(call, dict):
            yield Event(entry.at, "call", _call_text(call), call)
        details = {
            "level": entry.level,
            "event": entry.event,
            "record_kind": entry.record_kind,
            "outsmart_id": entry.outsmart_id,
            "king_id": entry.king_id,
            "code": entry.code,
        }
        yield Event(entry.at, "log", sentence(entry.reason), details)


def _call_text(call: dict[str, Any]) -> str:
    answer = "no answer" if call.get("status") is None else f"answer {call['status']}"
    return (
        f"{call.get('system')} {call.get('method')} {call.get('operation')}: {answer} after {call.get('seconds')} s, "
        f"attempt {call.get('attempt')}, {call.get('reason')}"
    )


def _journal(run: SyncRun) -> Iterator[Event]:
    """Yield what was written into the journal while the run was going on: there is one run of a kind at a time."""
    if run.started_at is None:
        return
    kind, until = RunKind(run.kind), run.finished_at or timezone.now()
    for entry in Journal(run.administration.name, _PURPOSES[kind]).all():
        at = datetime.datetime.fromisoformat(entry.at)
        if run.started_at <= at <= until:
            yield Event(at, "journal", _journal_text(entry, _CREATED[kind]), {"reference": entry.reference})


def _journal_text(entry: journal.Entry, created: str) -> str:
    if entry.number == journal.MARK:
        return "a mark: this database knows everything above"
    if entry.number == journal.ABOUT_TO:
        return f"about to create the {created} of {entry.reference}"
    if entry.number == journal.NOT_MADE:
        return f"no {created} was created for {entry.reference}"
    return f"{created} {entry.number} was created for {entry.reference}"
