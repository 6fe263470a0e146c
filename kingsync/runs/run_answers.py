"""A run as JSON: the object of `sync --json`, and the same with what a caller needs who did not wait for its end."""

from __future__ import annotations

import datetime
from typing import Any

from django.utils import timezone

from kingsync.messages.reason_texts import sentence
from kingsync.models.runs import RunStatus, SyncRun


def of_ended(run: SyncRun, error: str | None) -> dict[str, Any]:
    """Return a run that ended; one that was refused has no number."""
    is_well = run.status in (RunStatus.SUCCEEDED, RunStatus.PARTLY)
    return {
        "run": run.pk,
        "kind": run.kind,
        "state": run.status if is_well else RunStatus.FAILED.value,
        "counts": run.counts(),
        "new_problems": run.new_problems_count,
        "error": error,
    }


def of(run: SyncRun) -> dict[str, Any]:
    """Return a run in any state. `asks` says why an export became a preview that waits for a confirmed one."""
    return of_ended(run, sentence(run.error) or None) | {
        "state": run.status,
        "number": run.number,
        "started_by": run.trigger,
        "dry_run": run.is_dry,
        "asks": run.options.get(SyncRun.ASKS),
        "queued_at": moment(run.queued_at),
        "started_at": moment(run.started_at),
        "finished_at": moment(run.finished_at),
    }


def moment(at: datetime.datetime | None) -> str | None:
    """Return a moment as all our JSON has it: local time with its offset."""
    return timezone.localtime(at).isoformat(timespec="seconds") if at else None
