"""The log of a run: kept in memory, written in batches."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from integrations import errors
from kingsync.messages.reason_texts import reason_of
from kingsync.models import tenants
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.work_orders import Text, WorkOrder
from kingsync.rules.outcomes import Reason
from kingsync.runs import failed_calls

WORK_ORDER = "work_order"
BATCH = 500
PAUSE_SECONDS = 1.0
# A number may belong to this many work orders (visits); more of them would not narrow the search.
MOST_WORK_ORDERS = 50


@dataclass(frozen=True)
class Kind:
    """What entries of the log have in common."""

    event: str
    record_kind: str
    level: str

    def is_asked(self, *, event: str, record_kind: str, level: str) -> bool:
        """Return whether a filter asks for it; "" for all, and an event without a dot for all that begin with it."""
        is_event = self.event == event if "." in event else self.event.startswith(f"{event}." if event else "")
        return is_event and record_kind in ("", self.record_kind) and level in ("", self.level)


def logged_kinds() -> list[Kind]:
    """Return the kinds of entries that the company has, by one step in an index for each."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT event, record_kind, level FROM kingsync_loggedkind")
        return [Kind(*row) for row in cursor.fetchall()]


def about(entries: QuerySet[LogEntry], number: str, *, work_orders: QuerySet[WorkOrder]) -> QuerySet[LogEntry]:
    """Filter the entries by a number of OutSmart or King; for a number of a work order, by all its numbers.

    Those are the numbers of King orders, too, that it was on before.
    """
    named = [
        # The text search has an index for all tenants, too.
        work_orders.filter(Q(order_number=number) | Q(king_order_number=number), pk__in=Text(number).keys()),
        work_orders.filter(order_links__king_order_number=number),
    ]
    outsmart_ids = {
        outsmart_id
        for found in named
        for outsmart_id in found.order_by().values_list("outsmart_id", flat=True)[:MOST_WORK_ORDERS]
    }
    return entries.filter(Q(outsmart_id__in=[number, *outsmart_ids]) | Q(king_id=number))


class RunLog:
    """Collects entries and writes them when there are many, or on request; those of verification belong to no run."""

    def __init__(self, run: SyncRun | None) -> None:
        self._run = run
        self._entries: list[LogEntry] = []
        self._written_at = time.monotonic()
        self._failed_calls = failed_calls.remember()

    def add(
        self,
        event: str,
        why: Reason | None = None,
        *,
        level: LogEntry.Level = LogEntry.Level.INFO,
        kind: str = "",
        outsmart_id: str = "",
        king_id: str = "",
        detail: dict[str, object] | None = None,
    ) -> None:
        """Add one event (a dotted name) with its reason; masked detail only.

        A warning or error stores the failed call that caused it.
        """
        if why and detail is None and level != LogEntry.Level.INFO:
            detail = self._call_behind(why, kind, (outsmart_id, king_id))
        self._entries.append(
            LogEntry(
                tenant_id=tenants.current_id(),
                run=self._run,
                at=timezone.now(),
                level=level,
                event=event,
                record_kind=kind,
                outsmart_id=outsmart_id,
                king_id=king_id,
                code=why.code if why else "",
                params=why.params if why else {},
                detail=detail or {},
                has_payload=bool(detail),
            )
        )
        if len(self._entries) >= BATCH:
            self.write()

    def _call_behind(self, why: Reason, kind: str, record_ids: tuple[str, ...]) -> dict[str, object]:
        # Imported records are posted in batches: a refused call that does not name this one was about others.
        must_name = kind not in ("", WORK_ORDER) and not why.code.startswith("system.")
        call = self._failed_calls.behind(why, record_ids=record_ids, must_name=must_name)
        return {"call": call} if call else {}

    def was_reported(self, event: str, why: Reason, *, kind: str, king_id: str = "") -> bool:
        """Return whether an earlier run wrote this very warning: for records that store their problem nowhere else."""
        same = LogEntry.objects.filter(event=event, record_kind=kind, king_id=king_id, code=why.code, params=why.params)
        same = same.filter(run__administration_id=tenants.current_administration_id())
        return same.exclude(level=LogEntry.Level.INFO).exclude(run=self._run).exists()

    def failure(self, event: str, error: errors.IntegrationError, *, outsmart_id: str = "", kind: str = "") -> None:
        self.add(event, reason_of(error), level=LogEntry.Level.ERROR, outsmart_id=outsmart_id, kind=kind)

    def write(self) -> None:
        self._write()

    def _write_lazily(self) -> None:
        """Write without waiting for the disk: a power cut costs the last second of what went well."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")
            self._write()

    def _write(self) -> None:
        LogEntry.objects.bulk_create(self._entries)
        self._entries.clear()
        self._written_at = time.monotonic()

    def write_periodically(self) -> None:
        """Write at once on a warning or error, else once a second: a killed run's work is in the ledger anyway."""
        is_urgent = any(entry.level != LogEntry.Level.INFO for entry in self._entries)
        if is_urgent:
            self.write()
        elif self._entries and time.monotonic() - self._written_at >= PAUSE_SECONDS:
            self._write_lazily()
