"""How fast exports are, against the minimum set by King's answers alone; every ratio is measured in this run."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench import jobs
from bench.button import Turns
from bench.exporter import Exported
from bench.figures import Figure
from bench.world import PATIENCE_SECONDS, Company, World, finished
from devservers import children
from devservers.places import CHECKOUT

LATENCY_MS = 20
# Besides one call per line: create, read back, unlock.
CALLS_PER_ORDER = jobs.LINES + 3


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How many work orders each measurement uses."""

    few: int
    many: int
    side: int
    slice_seconds: float


FULL = Size(few=100, many=700, side=100, slice_seconds=3)
QUICK = Size(few=1, many=2, side=1, slice_seconds=0.25)


def measure(world: World, size: Size) -> Iterator[Figure]:
    """Measure everything that we claim for exports; raise where a run did not succeed."""
    one = world.company("one", latency_ms=LATENCY_MS)
    few = _created(one, size.few)
    yield from _in_bulk(one, few, size)
    yield from _approved(one, size)
    two = world.company("two", latency_ms=LATENCY_MS)
    yield from _side_by_side(one, two, size)
    yield from _taking_turns(one, two, size)


def _created(company: Company, count: int, *documents: Path) -> Exported:
    company.load(count)
    done = company.export(*documents)
    _expect(done, created=count)
    return done


def _expect(done: Exported, **counts: int) -> None:
    found = {name: number for name, number in done.counts.items() if number}
    total = sum(counts.values())
    if found != {"read": total, **counts}:
        raise RuntimeError(f"The export was to end with {counts}, but ended as {done.status} with {found}.")


def _ideal_seconds(count: int, calls: int = CALLS_PER_ORDER) -> float:
    return count * calls * LATENCY_MS / 1000


def _in_bulk(company: Company, few: Exported, size: Size) -> Iterator[Figure]:
    numbers = company.load(size.many)
    many = company.export()
    _expect(many, created=size.many)
    floor = company.floor_seconds(size.few) / size.few
    ideal = _ideal_seconds(size.many)
    orders = f"{size.many} orders of {jobs.LINES} lines"
    why = f"a bare loop of the same calls takes {floor * size.many / ideal:.2f} itself"
    yield Figure(f"{orders}, of King's {LATENCY_MS} ms a call", many.seconds / ideal, bound=1.10, why=why)
    yield Figure(f"{orders}, of a bare loop of the same calls", many.seconds / (floor * size.many))
    yield Figure("the bare loop itself, of King's own time", floor * size.many / ideal)
    yield Figure("our time per order, all but King's own", 1000 * (many.seconds - ideal) / size.many, "ms")
    yield Figure("  of it the calls to OutSmart (no latency)", 1000 * many.outsmart_seconds / size.many, "ms")
    yield Figure("  processor time per order", 1000 * many.cpu_seconds / size.many, "ms")
    yield Figure(f"peak memory, {size.many} of {size.few} orders", many.peak_mib / few.peak_mib, bound=1.2)
    yield Figure(f"peak memory with {size.many} orders", many.peak_mib, "MiB")
    yield from _unchanged(company, numbers)


def _unchanged(company: Company, outsmart_ids: list[str]) -> Iterator[Figure]:
    """Put everything back at the trigger unchanged, and export again."""
    company.reopen(outsmart_ids)
    company.forget_calls()
    again = company.export()
    _expect(again, unchanged=len(outsmart_ids))
    yield Figure("King's calls when nothing changed", company.king_calls(), "calls", bound=0)
    yield Figure("time per unchanged order", 1000 * again.seconds / len(outsmart_ids), "ms")


def _approved(company: Company, size: Size) -> Iterator[Figure]:
    done = _created(company, size.side, company.document(approve_order=True))
    ideal = _ideal_seconds(size.side, CALLS_PER_ORDER + 1)
    some = max(1, size.few // 10)
    floor = company.floor_seconds(some) / _ideal_seconds(some)
    why = f"a bare loop, of the calls of other orders, takes {floor:.2f} itself"
    yield Figure(f"{size.side} orders that are approved, of King's own time", done.seconds / ideal, bound=1.10, why=why)


def _side_by_side(one: Company, two: Company, size: Size) -> Iterator[Figure]:
    """Measure two tenants in two processes at once, against one of them alone."""
    alone = _created(one, size.side, one.document()).seconds  # as before the approvals
    for company in (one, two):
        company.load(size.side)
    both = [finished(process) for process in [one.start_export(), two.start_export()]]
    for done in both:
        _expect(done, created=size.side)
    yield Figure("two tenants at once, of one alone", max(done.seconds for done in both) / alone, bound=1.2)


def _taking_turns(busy: Company, other: Company, size: Size) -> Iterator[Figure]:
    """Measure one worker for both: the second tenant's turn comes after one slice of the first, not after its run."""
    work_orders = math.ceil(4 * size.slice_seconds / _ideal_seconds(1))
    busy.load(work_orders)
    other.load(1)
    with _worker(busy.folder / "worker.log", size.slice_seconds):
        turns = _pressed(busy, other)
    bound = 1.0 + 2 * _ideal_seconds(1) / size.slice_seconds  # a slice ends between two work orders
    yield Figure("one worker: wait for one's turn, of a slice", turns.waited / size.slice_seconds, bound=bound)
    yield Figure("  the other tenant's whole run, of a slice", turns.whole / size.slice_seconds)


@contextmanager
def _worker(log: Path, slice_seconds: float) -> Iterator[None]:
    """Run one worker with one process for exports."""
    command = [sys.executable, "-m", "celery", "--quiet", "--app", "kingsync.celery", "worker"]
    command += ["--queues", "exports", "--concurrency", "1", "--loglevel", "WARNING"]
    environment = os.environ | {"BENCH_SLICE_SECONDS": str(slice_seconds)}
    with log.open("wb") as told:
        process = children.start(command, death_signal=signal.SIGKILL, env=environment, cwd=CHECKOUT, stdout=told)
        try:
            yield
        finally:
            children.stop(process, patience_seconds=PATIENCE_SECONDS)


def _pressed(busy: Company, other: Company) -> Turns:
    """Let both be exported by the worker, in one program: its start is no part of what is waited for."""
    command = [sys.executable, "-m", "bench.button", busy.slug, other.slug]
    told = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return msgspec.json.decode(told, type=Turns)
