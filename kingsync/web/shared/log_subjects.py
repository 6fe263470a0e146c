"""What log entries are about, by the numbers that users know, with a link."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from kingsync.models import tenants
from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.tenants import Administration
from kingsync.models.work_orders import WorkOrder
from kingsync.runs.run_log import WORK_ORDER


@dataclass(frozen=True)
class Subject:
    label: str
    address: str
    name: str = ""


@dataclass(frozen=True)
class Line:
    """An entry of the log; `subject` is None if it is about no record that is still known."""

    entry: LogEntry
    subject: Subject | None


def lines(entries: Iterable[LogEntry], slug: str) -> list[Line]:
    """Return entries with their subjects, in a query for each table."""
    listed = list(entries)
    subjects = _work_orders(listed, slug) | _records(listed, slug)
    return [Line(entry, subjects.get(entry.pk)) for entry in listed]


def _work_orders(entries: list[LogEntry], slug: str) -> dict[int, Subject]:
    about = [entry for entry in entries if entry.record_kind in ("", WORK_ORDER) and entry.outsmart_id]
    if not about:
        return {}
    mine = Administration.objects.filter(tenant_id=tenants.current_id())
    rows = WorkOrder.across_administrations.filter(
        administration__in=mine, outsmart_id__in={entry.outsmart_id for entry in about}
    ).only("outsmart_id", "order_number", "customer_name", "administration_id")
    by_id: dict[str, dict[int, WorkOrder]] = {}
    for row in rows:
        by_id.setdefault(row.outsmart_id, {})[row.administration_id] = row
    administrations = _administrations(about) if any(len(each) > 1 for each in by_id.values()) else {}
    return {
        entry.pk: _work_order(_of_run(by_id[entry.outsmart_id], administrations.get(entry.run_id)), slug)
        for entry in about
        if entry.outsmart_id in by_id
    }


def _of_run(rows: Mapping[int, WorkOrder], administration: int | None) -> WorkOrder:
    """Return the row of the run's administration, else of the present one, else any."""
    return rows.get(administration or 0) or rows.get(tenants.current_administration_id()) or next(iter(rows.values()))


def _administrations(entries: list[LogEntry]) -> dict[int | None, int | None]:
    runs = SyncRun.objects.filter(pk__in={entry.run_id for entry in entries if entry.run_id})
    return dict(runs.values_list("pk", "administration_id"))


def _work_order(row: WorkOrder, slug: str) -> Subject:
    label = _("Work order %(work_order)s") % {"work_order": row}
    return Subject(label, reverse("work_order", args=[slug, row.pk]), row.customer_name)


def _records(entries: list[LogEntry], slug: str) -> dict[int, Subject]:
    about = [entry for entry in entries if entry.record_kind in RecordKind.values and _number(entry)]
    if not about:
        return {}
    rows = RecordLink.objects.filter(
        kind__in={entry.record_kind for entry in about}, king_id__in={_number(entry) for entry in about}
    ).only("kind", "king_id", "name")
    found = {(row.kind, row.king_id): record(row, slug) for row in rows}
    keys = {entry.pk: (entry.record_kind, _number(entry)) for entry in about}
    return {pk: found[key] for pk, key in keys.items() if key in found}


def _number(entry: LogEntry) -> str:
    return entry.king_id or entry.outsmart_id


def record(row: RecordLink, slug: str) -> Subject:
    """Return a record of King's as a subject."""
    label = f"{capfirst(row.get_kind_display())} {row.king_id}"
    return Subject(label, reverse("record", args=[slug, row.pk]), row.name)
