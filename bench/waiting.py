"""`python -m bench.waiting`: exports of many companies at once, whose King takes its time.

A worker as it is deployed, in threads, beside one in two processes, each exporting the same number of orders; and a
button that is pressed while long exports have all its places. Exits with 1 when less is exported than King's time
allows, or the button waits for long.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import django
import msgspec
import psycopg
import requests

from bench import button, jobs, processor, world
from bench.export import CALLS_PER_ORDER
from bench.figures import Figure, report
from bench.many_vendors import Vendors
from devservers import children
from devservers.places import CHECKOUT

LATENCY_MS, SLOWER_MS = 50, 500
FIRST, WARM_UP = 200_001, 1
PATIENCE_SECONDS, LOOK_SECONDS = 600.0, 0.2
# Of the database, by the worker and by us, however many companies there are.
MOST_SESSIONS = 20.0
# Of what King's time allows.
AT_LEAST = 0.95
# While so many times as many orders wait at each company.
BACKLOG, PRESSES, BEGUN_SECONDS = 4, 6, 2.0


class Size(msgspec.Struct, frozen=True, kw_only=True):
    companies: int
    orders: int
    # Of threads, beside those of the worker as it is deployed.
    more_threads: tuple[int, ...] = ()


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """A way to run the worker, for as many companies: `at_least` of what King's time allows must be reached."""

    name: str
    options: tuple[str, ...]
    places: int
    is_deployed: bool = False
    latency_ms: int = LATENCY_MS
    at_least: float | None = None


FULL, QUICK = Size(companies=50, orders=6, more_threads=(50,)), Size(companies=2, orders=1)
PROCESSES = Pool(name="2 processes", options=("--concurrency", "2"), places=2)


def pools(more_threads: tuple[int, ...]) -> Iterator[Pool]:
    """Yield two processes, the threads of the worker as it is deployed, and more of them."""
    from kingsync import thread_worker  # noqa: PLC0415 (after the set-up)

    yield PROCESSES
    slower = f"{thread_worker.OPTIONS[-1]} threads, a King of {SLOWER_MS} ms"
    yield Pool(
        name=slower,
        options=thread_worker.OPTIONS,
        places=int(thread_worker.OPTIONS[-1]),
        latency_ms=SLOWER_MS,
        at_least=AT_LEAST,
    )
    deployed = int(thread_worker.OPTIONS[-1])
    for number in (deployed, *more_threads):
        options = (*thread_worker.OPTIONS[:-1], str(number))
        is_deployed = number == deployed
        yield Pool(name=f"{number} threads", options=options, places=number, is_deployed=is_deployed, at_least=AT_LEAST)


def main() -> None:
    """Measure with a database and vendors of its own and print a table; `--quick` judges nothing."""
    parser = ArgumentParser(prog="python -m bench.waiting", description="Exports of many companies that wait for King.")
    parser.add_argument("--quick", action="store_true", help="few companies: shows that it works, proves nothing")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kingsync-bench-") as folder, world.world(Path(folder)):
        django.setup()
        is_kept = report(_measure(QUICK if asked.quick else FULL, Path(folder)), is_judged=not asked.quick)
    sys.exit(0 if is_kept else 1)


def _measure(every: Size, folder: Path) -> Iterator[Figure]:
    for number, pool in enumerate(pools(every.more_threads)):
        size = msgspec.structs.replace(every, companies=min(every.companies, pool.places))
        with _vendors(size, pool.latency_ms) as vendors, _worker(pool, folder / f"{number}.log") as pid:
            *slugs, spare = [_store(f"waiting-{number}-{place}", each) for place, each in enumerate(vendors)]
            _exported(slugs, WARM_UP)  # what a worker loads once, and a company reads once, is not measured
            for each in vendors[:-1]:
                _load(each, size.orders)
            floor = world.floor_seconds(size.orders, *(each.king for each in vendors[:-1]))
            yield from _figures(pool, size, slugs, Watch(pid), floor)
            if pool.is_deployed:
                yield _button(size, slugs, vendors, spare)


def _figures(pool: Pool, size: Size, slugs: list[str], watch: Watch, floor: float) -> Iterator[Figure]:
    with watch:
        seconds = _exported(slugs, size.orders)
    orders = size.companies * size.orders
    # A run that creates orders also asks once for those that a lost database had created.
    of_king = (size.orders * CALLS_PER_ORDER + 1) * pool.latency_ms / 1000
    needed, bare = watch.used / of_king, of_king / floor
    why = f"At King's pace it would need {needed:.1f} of a core. A bare loop for each reaches {bare:.2f}."
    yield Figure(f"{pool.name}: orders a second", orders / seconds, "/s")
    yield Figure("  of what King's time allows", of_king / seconds, at_least=pool.at_least, why=why)
    yield Figure("  of a bare loop of the same calls for each, at once", floor / seconds)
    yield Figure("  processor time of the worker, of a core", watch.used / seconds, "x")
    yield Figure("  of the machine's processors, by all, other guests included", watch.machine, "x")
    yield Figure("  peak memory of the worker", watch.peak_mib, "MiB")
    yield Figure("  more than before, for each company at once", watch.grown_mib / size.companies, "MiB")
    yield Figure("  sessions of the database, all", watch.sessions, "", bound=MOST_SESSIONS)


def _button(size: Size, slugs: list[str], vendors: list[Vendors], spare: str) -> Figure:
    """Press one more company's button again and again while the others have all places of the worker."""
    for each in vendors[:-1]:
        _load(each, BACKLOG * size.orders, first=FIRST + size.orders)
    long = [button.press(slug) for slug in slugs]
    for run in long:
        button.started(run)
    waits = []
    for _ in range(PRESSES):
        waits.append(button.started(pressed := button.press(spare)))
        button.ended(pressed)
    for run in long:
        button.ended(run)
    return Figure("  a button while long exports go on: longest wait", max(waits), "s", bound=BEGUN_SECONDS)


def _store(slug: str, vendors: Vendors) -> str:
    """Create a company with these systems; return its name."""
    from kingsync import tenant_file  # noqa: PLC0415 (after the set-up)

    document = {
        "slug": slug,
        "name": slug,
        "outsmart": {"base_url": f"{vendors.outsmart}/openapi/8", **world.TOKENS},
        "king": {
            "base_url": vendors.king,
            "administration": world.ADMINISTRATION,
            "access_code": world.ACCESS_CODE,
        },
        "exports": {"orders": True},
    }
    tenant_file.apply(msgspec.json.encode(document))
    return slug


def _load(vendors: Vendors, orders: int, *, first: int = FIRST) -> None:
    """Put more work orders at the trigger."""
    rows = [jobs.work_order(number) for number in range(first, first + orders)]
    requests.post(f"{vendors.outsmart}/_control/work-orders", json=rows).raise_for_status()


def _exported(slugs: list[str], orders: int) -> float:
    """Press all buttons; return the seconds from the first start to the last end. Raises RuntimeError."""
    from kingsync import tasks  # noqa: PLC0415 (after the set-up)
    from kingsync.models.runs import RunKind, SyncRun  # noqa: PLC0415
    from kingsync.models.tenants import Tenant  # noqa: PLC0415

    confirmed: dict[str, object] = {SyncRun.CONFIRMED: True}
    pressed = [
        tasks.request_run(tenant=tenant, kind=RunKind.EXPORT, trigger=SyncRun.Trigger.BUTTON, options=confirmed).run.pk
        for tenant in Tenant.objects.filter(slug__in=slugs)
    ]
    until = time.monotonic() + PATIENCE_SECONDS
    while SyncRun.across_tenants.filter(pk__in=pressed, status__in=SyncRun.OPEN).exists():
        if time.monotonic() > until:
            raise TimeoutError("the exports did not end")
        time.sleep(LOOK_SECONDS)
    runs = list(SyncRun.across_tenants.filter(pk__in=pressed))
    for run in runs:
        if run.is_dry or run.created_count != orders or run.started_at is None or run.finished_at is None:
            raise RuntimeError(f"An export ended as {run.status} with {run.counts()}.")
    begun, ended = (run.started_at for run in runs), (run.finished_at for run in runs)
    return (max(filter(None, ended)) - min(filter(None, begun))).total_seconds()


@contextmanager
def _vendors(size: Size, latency_ms: int) -> Iterator[list[Vendors]]:
    """Start the systems of these companies, and of a spare one."""
    arguments = map(str, (size.companies + 1, latency_ms, WARM_UP))
    command = [sys.executable, "-m", "bench.many_vendors", *arguments]
    process = children.start(
        command, death_signal=signal.SIGTERM, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield msgspec.json.decode(process.stdout.readline(), type=list[Vendors])
    finally:
        children.stop(process, patience_seconds=world.PATIENCE_SECONDS)


@contextmanager
def _worker(pool: Pool, log: Path) -> Iterator[int]:
    """Run a worker of exports inside the block, once it takes messages; yield its process."""
    command = [sys.executable, "-m", "celery", "--quiet", "--app", "kingsync.celery", "worker", *pool.options]
    command += ["--queues", "exports", "--hostname", "exports@%h", "--loglevel", "ERROR", "--without-mingle"]
    with log.open("wb") as told:
        process = children.start(command, death_signal=signal.SIGTERM, cwd=CHECKOUT, stdout=told)
        try:
            yield process.pid
        finally:
            children.stop(process, patience_seconds=PATIENCE_SECONDS)


@dataclass
class Watch:
    """Looks at a worker and at the database while the block goes on."""

    pid: int
    used: float = 0.0
    machine: float = 0.0
    peak_mib: float = 0.0
    grown_mib: float = 0.0
    sessions: int = 0
    _is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._before, self._used_before, self._machine_before = (
            self._mib(),
            self._seconds(),
            processor.ticks_of_machine(),
        )
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()
        self.used = self._seconds() - self._used_before
        (used, every), (used_before, every_before) = processor.ticks_of_machine(), self._machine_before
        self.machine = (used - used_before) / max(1, every - every_before)
        self.grown_mib = self.peak_mib - self._before

    def _look(self) -> None:
        from django.db import connections  # noqa: PLC0415 (after the set-up)

        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        with psycopg.connect(**connections["default"].get_connection_params(), autocommit=True) as session:
            while not self._is_over.wait(LOOK_SECONDS):
                found = session.execute(query).fetchone()
                self.sessions = max(self.sessions, found[0] if found else 0)
                self.peak_mib = max(self.peak_mib, self._mib())

    def _mib(self) -> float:
        """Return the memory of the worker's processes together; what they share is divided among them."""
        return processor.mib_of(processor.family(self.pid))

    def _seconds(self) -> float:
        return processor.seconds_of(processor.family(self.pid))


if __name__ == "__main__":
    main()
