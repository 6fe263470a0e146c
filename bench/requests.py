"""Pages per second of one web process, eight visitors at once, and how many open pages that follow a run fill a core.

Part of `python -m bench.pages`. Beside the clock stands what a request costs in processor time, of the web process and
of its sessions of the database, which says the same on a busy machine.
"""

from __future__ import annotations

import http.client
import itertools
import os
import re
import signal
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench import processor
from bench.figures import Figure

if TYPE_CHECKING:
    from django.test import Client

VISITORS = 8
PER_SECOND, P95_MS = 100.0, 150.0
# By a profile; see docs/performance.md.
WHY = "processor time of the page: a list spends 60 % of it on its template, the rest mostly on making its statements"
SECONDS, QUICK_SECONDS = 30.0, 0.1
OPEN_PAGES = 1000.0
# Eight visitors that each begin with another page have then requested all of the mix.
QUICK_FIRST = 3
_START_SECONDS = 60.0
# Of ten requests: what an office does all day, the palette as often as somebody types.
_MIX = (
    "",
    "work-orders/",
    "work-orders/?state=person",
    "work-orders/?q=wb00001234",
    "work-orders/?q=bakkerij",
    "search/?q=bakkerij&part=palette",
    "search/?q=wb0000123&part=palette",
    "work-orders/{newest}/",
    "runs/",
    "work-orders/causes/",
)


def measured(client: Client, newest: int, *, is_quick: bool) -> Iterator[Figure]:
    """Yield what one web process answers this visitor of the large company, whose newest work order has this key."""
    from django.db import connections  # noqa: PLC0415 (after the set-up)

    cookie = client.cookies["sessionid"].value
    addresses = [f"/t/large/{each.format(newest=newest)}" for each in _MIX]
    connections.close_all()
    seconds, first = (QUICK_SECONDS, QUICK_FIRST) if is_quick else (SECONDS, len(_MIX))
    with server() as served:
        yield from figures(served, Load(served.port, addresses, cookie), seconds=seconds, first=first)
        asking = Load(served.port, [_quiet_address()], answer=http.HTTPStatus.NO_CONTENT)
        connections.close_all()
        yield from figures_of_asking(served, asking, seconds=seconds, first=first)


def figures(served: Served, load: Load, *, seconds: float, first: int) -> Iterator[Figure]:
    """Request the mix for a while, after `first` pages of each visitor that are not measured; yield what it took."""
    of_web, of_database, per_second = _per_request(served, load, seconds=seconds, first=first)
    ordered = sorted(load.took)
    yield Figure(f"requests per second, {VISITORS} at once", per_second, "/s", at_least=PER_SECOND, why=WHY)
    late = 1000 * ordered[int(len(ordered) * 0.95)]
    yield Figure("  95 of 100 are answered within", late, "ms", bound=P95_MS, why="eight wait for one core")
    yield Figure("  the median", 1000 * statistics.median(ordered), "ms")
    yield Figure("  processor time of the web process per request", of_web, "ms")
    yield Figure("  processor time of the database per request", of_database, "ms")
    yield Figure("requests per second of processor time", 1000 / (of_web + of_database), "/s")


def figures_of_asking(served: Served, load: Load, *, seconds: float, first: int) -> Iterator[Figure]:
    """Ask for a while whether a run moved that does not; yield what it took, and how many pages may ask."""
    of_web, of_database, _ = _per_request(served, load, seconds=seconds, first=first)
    yield Figure("asking whether a run moved: processor time of the web process", of_web, "ms")
    yield Figure("  of the database", of_database, "ms")
    pages = _quiet_pause_ms() / (of_web + of_database)
    yield Figure("  open pages that fill a core while their run does not move", pages, "", at_least=OPEN_PAGES)


def _per_request(served: Served, load: Load, *, seconds: float, first: int) -> tuple[float, float, float]:
    """Return the milliseconds of the web process and of the database for a request, and the requests per second."""
    load.run(first * VISITORS / 1000, at_least=first)
    load.took.clear()
    before, began = served.processor_seconds(), time.perf_counter()
    load.run(seconds, at_least=1)
    passed, after = time.perf_counter() - began, served.processor_seconds()
    count = len(load.took)
    of_web, of_database = (1000 * (end - begin) / count for begin, end in zip(before, after, strict=True))
    return of_web, of_database, count / passed


def _quiet_pause_ms() -> float:
    """Return how long an open page waits at most before it asks again whether its run moved."""
    from devservers.places import CHECKOUT  # noqa: PLC0415

    [latest] = re.findall(r"const LATEST = (\d+);", (CHECKOUT / "static/live/moves.js").read_text())
    return float(latest)


def _quiet_address() -> str:
    """Return the address at which a page asks whether its run moved; none of our programs carries this run out."""
    from bench import page_rows  # noqa: PLC0415 (after the set-up)
    from kingsync.models import tenants  # noqa: PLC0415
    from kingsync.models.runs import RunKind, SyncRun  # noqa: PLC0415
    from kingsync.runs import lifecycle  # noqa: PLC0415
    from kingsync.web.live import moves  # noqa: PLC0415

    tenant = tenants.Tenant.objects.get(slug=page_rows.SLUG)
    with tenants.scope(tenant):
        run = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.SCHEDULE, options={}).run
    found = re.search(r'data-moves="(.+?)" data-seen="(.+?)"', moves.followed(run, "/"))
    assert found is not None
    return f"{found[1]}?seen={found[2]}"


@dataclass
class Load:
    """Visitors that each keep a connection and request one page after the other."""

    port: int
    addresses: list[str]
    cookie: str = ""
    answer: http.HTTPStatus = http.HTTPStatus.OK
    took: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def run(self, seconds: float, *, at_least: int) -> None:
        """Request pages until the time is over. Raises RuntimeError when one is not answered."""
        until = time.perf_counter() + seconds
        visitors = [threading.Thread(target=self._visit, args=(first, until, at_least)) for first in range(VISITORS)]
        for each in visitors:
            each.start()
        for each in visitors:
            each.join()
        if self.problems:
            raise RuntimeError(self.problems[0])

    def _visit(self, first: int, until: float, at_least: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Host": "localhost"} | ({"Cookie": f"sessionid={self.cookie}"} if self.cookie else {})
        for number in itertools.count():
            if number >= at_least and time.perf_counter() > until:
                break
            address = self.addresses[(first + number) % len(self.addresses)]
            began = time.perf_counter()
            connection.request("GET", address, headers=headers)
            answer = connection.getresponse()
            answer.read()
            self.took.append(time.perf_counter() - began)
            if answer.status != self.answer:
                self.problems.append(f"{address} answered {answer.status}")
                break
        connection.close()


@dataclass(frozen=True)
class Served:
    """The web server with its one process that answers, which is its child."""

    port: int
    pid: int

    def processor_seconds(self) -> tuple[float, float]:
        """Return what the web process and the sessions of the database have used so far."""
        return processor.seconds_of(processor.family(self.pid)), processor.seconds_of(_sessions())


@contextmanager
def server() -> Iterator[Served]:
    """Run the web server as it is deployed, with one process."""
    from bench.world import PATIENCE_SECONDS  # noqa: PLC0415
    from devservers import children  # noqa: PLC0415
    from devservers.places import CHECKOUT  # noqa: PLC0415

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "kingsync.serve", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    process = children.start([*command, "--log-level", "error"], death_signal=signal.SIGTERM, cwd=CHECKOUT)
    try:
        _wait_for(port)
        yield Served(port, process.pid)
    finally:
        children.stop(process, patience_seconds=PATIENCE_SECONDS)


def _wait_for(port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while not _is_open(port):
        if time.monotonic() > until:
            raise TimeoutError("the web server did not start")
        time.sleep(0.1)


def _is_open(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def _sessions() -> list[int]:
    """Return the processes of the database, sessions and their helpers alike."""
    folder = Path(os.environ["KINGSYNC_LOCAL"])
    main = next(folder.glob("**/postmaster.pid")).read_text().split()[0]
    return processor.family(int(main))
