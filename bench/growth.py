"""`python -m bench.growth`: whether anything becomes slower over the years. Exits with 1 if something does.

The history of one company at four sizes, 1, 10, 50 and 100 % of ten million log entries, two million work orders, a
hundred thousand runs and a million products, times `--scale`. What is open stays the same. All of it takes some seven
minutes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import django

from bench import processor
from bench.figures import Figure, report
from bench.world import world

if TYPE_CHECKING:
    from django.test import Client

    from bench.growth_rows import Size
    from kingsync.models.tenants import Tenant

SHARES = (0.01, 0.1, 0.5, 1.0)
SCALE, QUICK = 1.0, 0.0005
TIMES = 7
# Grown is what takes this many times as long as at the smallest size, and that many milliseconds longer.
RATIO, LONGER_MS = 2.0, 20.0
VACUUM = "vacuum and analyze after 2 000 entries"
# Why something that grows does, by the plans of its statements; see docs/scale.md.
WHY = {
    VACUUM: "analyze reads a sample of 30 000 rows: flat from there on",
    "runs": "the smallest size has fewer than a page shows: flat from there on",
}
HEADING = "ms of processor time, with the database's"
SLUG = "large"
Work = Callable[[], object]


def main() -> None:
    """Measure with a database of its own and print a table; `--quick` judges nothing."""
    parser = ArgumentParser(
        prog="python -m bench.growth", description="Whether anything becomes slower over the years."
    )
    parser.add_argument("--scale", type=float, default=SCALE, help="a share of all that, for less time")
    parser.add_argument("--quick", action="store_true", help="few rows: shows that it works, proves nothing")
    parser.add_argument("--explain", action="store_true", help="also print the plans of slow queries at the last size")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kingsync-bench-") as folder, world(Path(folder)):
        django.setup()
        try:
            figures = _measured(QUICK if asked.quick else asked.scale, is_explained=asked.explain)
            is_kept = report(figures, is_judged=not asked.quick)
        finally:
            _hang_up()
    sys.exit(0 if is_kept else 1)


def _measured(scale: float, *, is_explained: bool) -> Iterator[Figure]:
    """Measure everything at each size, and yield what became of it."""
    from django.test.utils import setup_test_environment  # noqa: PLC0415 (after the set-up)

    from bench import growth_rows  # noqa: PLC0415

    setup_test_environment(debug=False)
    processor.alone()
    whole = growth_rows.WHOLE.part(scale)
    tenant, client = _company()
    measured: dict[str, list[float]] = {}
    size = growth_rows.NONE
    for share in SHARES:
        before, size = size, whole.part(share)
        began = time.monotonic()
        growth_rows.grow(tenant, from_=before, to=size, whole=whole)
        print(f"{_words(size)}: made in {time.monotonic() - began:.0f} s", flush=True)
        for name, work in _works(tenant, client):
            measured.setdefault(name, []).append(_milliseconds(work))
    if is_explained:
        _explain(client)
    yield from _figures(measured)


def _words(size: Size) -> str:
    return f"{size.log_entries} log entries, {size.work_orders} work orders, {size.runs} runs, {size.products} products"


def _figures(measured: dict[str, list[float]]) -> Iterator[Figure]:
    """Print each line, and yield how many times as long each thing takes at the last size."""
    print(f"{HEADING:<52}" + "".join(f"{f'{share:.0%}':>9}" for share in SHARES), flush=True)
    for name, took in measured.items():
        print(f"{name:<52}" + "".join(f"{each:>9.1f}" for each in took), flush=True)
    for name, took in measured.items():
        bound = max(RATIO, 1 + LONGER_MS / took[0])
        yield Figure(f"grown: {name}", took[-1] / took[0], bound=bound, why=WHY.get(name, ""))


def _company() -> tuple[Tenant, Client]:
    from django.test import Client  # noqa: PLC0415 (after the set-up)

    from kingsync.models.sync_settings import SyncSettings  # noqa: PLC0415
    from kingsync.models.tenants import Membership, Role, Tenant  # noqa: PLC0415
    from kingsync.models.users import User  # noqa: PLC0415

    tenant = Tenant.objects.create(slug=SLUG, name="Groot B.V.", log_days=3650, payload_days=3650)
    owner = User.objects.create_user("owner@groot.example")
    Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER)
    SyncSettings(tenant=tenant, schedule_enabled=True, export_orders=True, products_enabled=True).store(by=None)
    client = Client()
    client.force_login(owner)
    return tenant, client


def _works(tenant: Tenant, client: Client) -> Iterator[tuple[str, Work]]:
    yield from ((name, _request(client, address)) for name, address in _addresses())
    yield from _tasks()
    yield "retention: a night with 2 000 old entries", _night(tenant)
    yield VACUUM, _vacuum(tenant)


def _addresses() -> Iterator[tuple[str, str]]:
    from bench.growth_rows import TOP  # noqa: PLC0415 (after the set-up)

    start = f"/t/{SLUG}/"
    orders, log, records = f"{start}work-orders/", f"{start}log/", f"{start}records/"
    yield "start page", start
    yield "work orders", orders
    yield "work orders: rejected", f"{orders}?state=rejected"
    yield "work orders: a number", f"{orders}?q=wb19999900"
    yield "work orders: a frequent name", f"{orders}?q=bakkerij"
    yield "work orders: nothing found", f"{orders}?q=quagga"
    yield "work orders by cause", f"{orders}causes/"
    yield "one work order", f"{orders}{TOP}/"
    yield "figures", f"{start}figures/"
    yield "statements", f"{start}statements/"
    yield "runs", f"{start}runs/"
    yield "one run", f"{start}runs/{TOP}/"
    yield "log", log
    yield "log: an event, nothing found", f"{log}?event=order.gone_in_king"
    yield "log: all of master data", f"{log}?event=record"
    yield "log: a kind of record, nothing found", f"{log}?record_kind=warehouse"
    yield "log: a level and a kind of record, nothing found", f"{log}?level=error&record_kind=product"
    yield "log: a number", f"{log}?number=19999900"
    yield "log: a number, nothing found", f"{log}?number=quagga"
    yield "log: a moment that is still to come", f"{log}?since=2999-01-01T00:00"
    yield "master data", records
    yield "master data: part of a name", f"{records}?q=adiato"
    yield "master data: without accents", f"{records}?q=cafe-buis"
    yield "master data: nothing found", f"{records}?q=quagga"
    yield "search everywhere: nothing found", f"{start}search/?q=quagga&part=palette"


def _request(client: Client, address: str) -> Work:
    from django.core.cache import cache  # noqa: PLC0415 (after the set-up)

    def request() -> None:
        cache.clear()
        answer = client.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}")

    return request


def _tasks() -> Iterator[tuple[str, Work]]:
    """Yield what the clock does for all companies."""
    from django.utils import timezone  # noqa: PLC0415 (after the set-up)

    from kingsync import tasks  # noqa: PLC0415
    from kingsync.exports.verification import runs as verification  # noqa: PLC0415
    from kingsync.runs import dispatcher, lifecycle  # noqa: PLC0415

    yield "dispatcher: a look", lambda: dispatcher.start_due(now=timezone.now(), at_most=dispatcher.ROWS_AT_ONCE)
    yield "dispatcher: look at all companies", tasks.check_schedule
    yield "sweeper", lifecycle.silent_runs
    yield "silence", tasks.watch_silence
    yield "e-mails", tasks.send_notifications
    yield "verification: whom to check", verification.tenants_due


def _night(tenant: Tenant) -> Work:
    """Return a night's retention, each with as much that is old."""
    from django.utils import timezone  # noqa: PLC0415 (after the set-up)

    from kingsync.models import tenants  # noqa: PLC0415
    from kingsync.runs import retention  # noqa: PLC0415

    def night() -> None:
        assert retention.tenants_with_old(now=timezone.now()) is not None
        with tenants.scope(tenant):
            retention.purge_old(now=timezone.now())

    return _after_entries(tenant, "now() - interval '4000 days'", night)


def _vacuum(tenant: Tenant) -> Work:
    from django.db import connection  # noqa: PLC0415 (after the set-up)

    from kingsync.database import sessions  # noqa: PLC0415

    def vacuum() -> None:
        with sessions.as_owner(), connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) kingsync_logentry")

    return _after_entries(tenant, "now()", vacuum)


class _Prepared:
    """Work before which something is done that is not measured."""

    def __init__(self, prepare: Work, work: Work) -> None:
        self.prepare, self._work = prepare, work

    def __call__(self) -> object:
        return self._work()


def _after_entries(tenant: Tenant, moment: str, work: Work) -> Work:
    def prepare() -> None:
        from django.db import connection  # noqa: PLC0415 (after the set-up)

        from kingsync.database import sessions  # noqa: PLC0415

        with sessions.as_owner(), connection.cursor() as cursor:
            cursor.execute(
                f"""
                INSERT INTO kingsync_logentry (tenant_id, run_id, at, level, event, record_kind, outsmart_id, king_id,
                    code, params, detail)
                SELECT %s, NULL, {moment}, 'info', 'order.created', 'work_order', n::text, n::text, '', '{{}}', '{{}}'
                FROM generate_series(1, 2000) n
                """,
                [tenant.pk],
            )

    return _Prepared(prepare, work)


def _milliseconds(work: Work) -> float:
    """Return the processor time of the cheapest of several times."""
    took = []
    for _ in range(TIMES):
        if isinstance(work, _Prepared):
            work.prepare()
        began = processor.seconds()
        work()
        took.append(processor.seconds() - began)
    return 1000 * min(took)


def _explain(client: Client) -> None:
    """Print the plan of each slow query of the pages."""
    from django.db import connection  # noqa: PLC0415 (after the set-up)
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from kingsync.models import tenants  # noqa: PLC0415

    for name, address in _addresses():
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
        with tenants.scope(tenants.Tenant.objects.get(slug=SLUG)), connection.cursor() as cursor:
            for query in asked.captured_queries:
                if query["sql"].startswith("SELECT") and float(query["time"]) > 0.02:
                    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {query['sql']}")
                    print(name, query["sql"][:300], *(row[0] for row in cursor.fetchall()), sep="\n    ", flush=True)


def _hang_up() -> None:
    from django.db import connections  # noqa: PLC0415 (after the set-up)

    connections.close_all()


if __name__ == "__main__":
    main()
