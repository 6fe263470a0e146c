"""The counts of a run, each a link to exactly what was counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from kingsync.models.import_kinds import KINDS
from kingsync.models.links import RecordLink
from kingsync.models.runs import LogEntry, RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web.runs import kept_records
from kingsync.web.shared import run_labels

# What an import logs for each record of a count, unless an earlier one did: as filters of the log's page.
_LOGGED = {
    "rejected": {"event": "record", "level": LogEntry.Level.ERROR.value},
    "deactivated": {"event": "record.deleted_at_source"},
    "skipped": {"event": "record.skipped"},
}
# The state of the records of a count, as long as no later import has changed any.
_STATES = {"rejected": RecordLink.State.REJECTED, "skipped": RecordLink.State.SKIPPED}


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


def by_kind(run: SyncRun) -> list[tuple[str, list[RunCount]]]:
    """Return (kind in words, its counts) for each kind of an import, each a link if all its records are kept."""
    kept = Counter((outcome, record.partition(" ")[0]) for outcome, record in run.ended())
    return [
        (run_labels.kind_label(kind), [_of_kind(run, kind, *count, kept) for count in counts])
        for kind, counts in run_labels.counts_by_kind(run)
    ]


def _of_kind(run: SyncRun, kind: str, name: str, number: int, kept: Counter[tuple[str, str]]) -> RunCount:
    record_kind = KINDS[kind].primary.value if kind in KINDS else ""
    is_kept = bool(number) and kept[name, record_kind] == number
    return RunCount(
        name, run_labels.count_label(name, run), number, _kept_at(name, kind=record_kind) if is_kept else ""
    )


def elsewhere(run: SyncRun, tenant: Tenant, name: str) -> str:
    """Return the address of another page that shows what a count counts, of one that the run does not keep."""
    if run.kind != RunKind.IMPORT or run.kept_counts[name]:
        return ""
    return _of_import(run, tenant).get(name, "")


def _kept_at(outcome: str, **more: str) -> str:
    return f"?{urlencode({'outcome': outcome} | more)}#head-orders"


def _of_export(run: SyncRun) -> dict[str, str]:
    outcomes = {outcome for outcome, _ in run.ended()}
    named = {name: name for name in outcomes} | ({"read": kept_records.EVERY} if outcomes else {})
    return {name: _kept_at(outcome) for name, outcome in named.items()}


def _of_import(run: SyncRun, tenant: Tenant) -> dict[str, str]:
    """Return what shows each record of a count, of the counts for which that exists."""
    kept = {name: _kept_at(name) for name, number in run.counts().items() if 0 < number == run.kept_counts[name]}
    return _not_kept(run, tenant, kept) | kept


def _not_kept(run: SyncRun, tenant: Tenant, kept: Collection[str]) -> dict[str, str]:
    """Return what shows the records of the other counts: log lines, or the list of records."""
    left = [name for name in _LOGGED if name not in kept]
    counts = {name: number for name, number in run.counts().items() if name in left and number}
    found = {name: _in_log(run, tenant, name, number) for name, number in counts.items()}
    if not run.is_dry and not all(found.values()) and _is_newest(run):
        found |= {name: _in_records(tenant, name, counts[name]) for name in counts if not found[name]}
    return {name: address for name, address in found.items() if address}


def _in_log(run: SyncRun, tenant: Tenant, name: str, number: int) -> str:
    """Return the log lines of a count if each of its records has one."""
    asked = _LOGGED[name]
    entries = LogEntry.objects.filter(run=run, event__startswith=asked["event"])
    if "level" in asked:
        entries = entries.filter(level=asked["level"])
    if entries.count() != number:
        return ""
    return f"{reverse('log', args=[tenant.slug])}?{urlencode({'run_number': run.number, **asked})}"


def _is_newest(run: SyncRun) -> bool:
    return (
        not SyncRun.objects.filter(kind=run.kind, pk__gt=run.pk).exclude(options__contains={"dry_run": True}).exists()
    )


def _in_records(tenant: Tenant, name: str, number: int) -> str:
    """Return the list of the records in the state of a count, if these are as many."""
    state = _STATES.get(name)
    if state is None or RecordLink.objects.filter(state=state).count() != number:
        return ""
    return f"{reverse('records', args=[tenant.slug])}?{urlencode({'state': state.value})}"
