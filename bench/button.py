"""A button, and a schedule that finds its run going on: `python -m bench.button BUSY OTHER` prints one JSON object."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import django
import msgspec

if TYPE_CHECKING:
    from kingsync.models.runs import SyncRun

PATIENCE_SECONDS = 120.0


class Turns(msgspec.Struct, frozen=True):
    """How many seconds the second run was queued, and the first one took."""

    waited: float
    whole: float


def main() -> None:
    """Press a button for a worker, and do what the schedule does for the other tenant when that run has started."""
    django.setup()
    busy, other = sys.argv[1:]
    first = press(busy)
    started(first)
    second = press(other, is_scheduled=True)
    turns = Turns(waited=started(second), whole=ended(first))
    sys.stdout.write(msgspec.json.encode(turns).decode() + "\n")


def press(slug: str, *, is_scheduled: bool = False) -> int:
    """Queue an export for a worker and return its number."""
    from kingsync import tasks  # noqa: PLC0415 (after the set-up)
    from kingsync.models.runs import RunKind, SyncRun  # noqa: PLC0415
    from kingsync.models.tenants import Tenant  # noqa: PLC0415

    tenant = Tenant.objects.get(slug=slug)
    confirmed: dict[str, object] = {SyncRun.CONFIRMED: True}  # more than usual would only be a preview, which asks
    trigger = SyncRun.Trigger.SCHEDULE if is_scheduled else SyncRun.Trigger.BUTTON
    return tasks.request_run(tenant=tenant, kind=RunKind.EXPORT, trigger=trigger, options=confirmed).run.pk


def started(run_id: int) -> float:
    """Wait for the run to start and return how many seconds it was queued."""
    run = _when(run_id, lambda run: run.started_at is not None)
    assert run.started_at
    return (run.started_at - run.queued_at).total_seconds()


def ended(run_id: int) -> float:
    """Wait for the run to succeed and return how many seconds it took."""
    run = _when(run_id, lambda run: run.status in run.FINAL)
    assert run.status == "succeeded", run.status
    assert run.started_at
    assert run.finished_at
    return (run.finished_at - run.started_at).total_seconds()


def _when(run_id: int, condition: Callable[[SyncRun], bool]) -> SyncRun:
    from kingsync.models.runs import SyncRun  # noqa: PLC0415 (after the set-up)

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        run = SyncRun.across_tenants.get(pk=run_id)
        if condition(run):
            return run
        if time.monotonic() > deadline:
            raise TimeoutError(f"run {run_id} is still {run.status}")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
