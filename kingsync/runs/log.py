"""The log of a run: kept in memory, written by batch."""

from __future__ import annotations

import time

from django.utils import timezone

from integrations import errors
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.wording import reason_of
from kingsync.rules.outcomes import Reason

BATCH = 500
PAUSE_SECONDS = 1.0


class RunLog:
    """Collects entries and writes them when there are many, and when told to."""

    def __init__(self, run: SyncRun) -> None:
        self._run = run
        self._entries: list[LogEntry] = []
        self._written_at = time.monotonic()

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
        """Note one event (a dotted name) with its reason; masked detail only."""
        self._entries.append(
            LogEntry(
                tenant_id=self._run.tenant_id,
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
            )
        )
        if len(self._entries) >= BATCH:
            self.write()

    def failure(self, event: str, error: errors.IntegrationError, *, outsmart_id: str = "", kind: str = "") -> None:
        self.add(event, reason_of(error), level=LogEntry.Level.ERROR, outsmart_id=outsmart_id, kind=kind)

    def write(self) -> None:
        LogEntry.objects.bulk_create(self._entries)
        self._entries.clear()
        self._written_at = time.monotonic()

    def write_now_and_then(self) -> None:
        """Write when there is trouble to tell, else once a second: what a killed run did is in the ledger."""
        is_urgent = any(entry.level != LogEntry.Level.INFO for entry in self._entries)
        if is_urgent or time.monotonic() - self._written_at >= PAUSE_SECONDS:
            self.write()
