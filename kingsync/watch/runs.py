"""What is counted and recorded of a run: its slices, its records, its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kingsync.models.runs import COUNTS, SyncRun
from kingsync.watch import catalog, log_context, traces
from kingsync.watch.harmless import harmless
from kingsync.watch.tallies import tallies


@contextmanager
def slice_of(run: SyncRun, *, tenant: str) -> Iterator[None]:
    """Name the run in every log line of the block, and record the block in the run's trace."""
    with log_context.bound(run=run.pk, tenant=tenant), traces.slice_of(run):
        yield


@harmless
def counted(run: SyncRun, counts: Mapping[str, int]) -> None:
    """Count records whose number was just saved with the run."""
    for outcome, number in counts.items():
        if number and outcome in COUNTS:
            tallies.count(catalog.RECORDS, number, kind=str(run.kind), outcome=outcome, mode=_mode(run))


@harmless
def ended(run: SyncRun) -> None:
    """Count a run that was just saved as ended, with the time that it took."""
    tallies.count(catalog.RUNS, kind=str(run.kind), outcome=str(run.status), mode=_mode(run))
    if run.started_at and run.finished_at:
        seconds = (run.finished_at - run.started_at).total_seconds()
        tallies.observe(catalog.RUN_SECONDS, max(0.0, seconds), kind=str(run.kind), mode=_mode(run))
    traces.run_ended(run)


def _mode(run: SyncRun) -> str:
    return "dry" if run.is_dry else "write"
