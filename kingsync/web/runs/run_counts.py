"""The counts of a run, each a link to exactly what was counted."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse

from kingsync.models.runs import LogEntry, RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web.runs import run_ledger
from kingsync.web.shared import run_labels

# The event that an import logs for each record of a count, unless an earlier one did.
_EVENTS = {"rejected": "record.rejected", "deactivated": "record.deleted_at_source"}


@dataclass(frozen=True)
class RunCount:
    """`address` is "" where what was counted is not kept one by one."""

    name: str
    label: str
    number: int
    address: str


def of(run: SyncRun, tenant: Tenant) -> list[RunCount]:
    """Return what was read and each count that is not zero."""
    addresses = _of_import(run, tenant) if run.kind == RunKind.IMPORT else _of_export(run)
    return [
        RunCount(name, label, number, addresses.get(name, "") if number else "")
        for name, label, number in run_labels.labelled_counts(run)
    ]


def _of_export(run: SyncRun) -> dict[str, str]:
    outcomes = {outcome for outcome, _ in run.ended()}
    named = {name: name for name in outcomes} | ({"read": run_ledger.EVERY} if outcomes else {})
    return {name: f"?{urlencode({'outcome': outcome})}#head-orders" for name, outcome in named.items()}


def _of_import(run: SyncRun, tenant: Tenant) -> dict[str, str]:
    """Return the log lines of the counts of which each record has one."""
    counts = {name: number for name, number in run.counts().items() if name in _EVENTS and number}
    if not counts:
        return {}
    entries = LogEntry.objects.filter(run=run, event__in=[_EVENTS[name] for name in counts])
    logged = dict(entries.order_by().values_list("event").annotate(number=Count("pk")))
    return {
        name: f"{reverse('log', args=[tenant.slug])}?{urlencode({'run_number': run.number, 'event': _EVENTS[name]})}"
        for name, number in counts.items()
        if logged.get(_EVENTS[name]) == number
    }
