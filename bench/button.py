"""Press a tenant's button and watch its run: `python -m bench.button press SLUG`, `started RUN`, `ended RUN`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import django

django.setup()

from kingsync import tasks  # noqa: E402  (after the set-up)
from kingsync.models.runs import RunKind, SyncRun  # noqa: E402
from kingsync.models.tenants import Tenant  # noqa: E402

PATIENCE_SECONDS = 120.0


def press(slug: str) -> int:
    """Queue an export for a worker and return its number."""
    tenant = Tenant.objects.get(slug=slug)
    return tasks.request_run(tenant=tenant, kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON).run.pk


def started(run_id: str) -> float:
    """Wait for the run to start and return how many seconds it was queued."""
    run = _when(run_id, lambda run: run.started_at is not None)
    assert run.started_at
    return (run.started_at - run.queued_at).total_seconds()


def ended(run_id: str) -> float:
    """Wait for the run to succeed and return how many seconds it took."""
    run = _when(run_id, lambda run: run.status in SyncRun.FINAL)
    assert run.status == "succeeded", run.status
    assert run.started_at
    assert run.finished_at
    return (run.finished_at - run.started_at).total_seconds()


def _when(run_id: str, condition: Callable[[SyncRun], bool]) -> SyncRun:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        run = SyncRun.across_tenants.get(pk=run_id)
        if condition(run):
            return run
        if time.monotonic() > deadline:
            raise TimeoutError(f"run {run_id} is still {run.status}")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.stdout.write(f"{ {'press': press, 'started': started, 'ended': ended}[sys.argv[1]](sys.argv[2]) }")
