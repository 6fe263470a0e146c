"""`python -m bench.pages`: how fast pages are with a large ledger, and how many of them a second.

Exits with 1 when one is slower than promised.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import django

from bench.figures import Figure, report
from bench.world import world

if TYPE_CHECKING:
    from django.test import Client

    from bench.page_rows import Size

# Of a page; the two that are open all day are to be faster.
BOUND_MS = 300.0
BOUNDS_MS = {"start page": 60.0, "what stops work orders": 60.0}
# Why a bound that is missed is missed, by a profile; for all pages whose name begins so. See docs/performance.md.
WHY = {
    "start page": "Django's making of its statements, and its template",
    "what stops work orders": "Django's making of its statements, and its template",
    "search:": "a text that only old work orders have is looked for in all of them",
    "without King order": "a sum of all rows with this filter: kept for 20 seconds in life",
    "": "Django's making of its statements, and its template",
}
# Of which the first does not count.
TIMES = 6


def main() -> None:
    """Measure with a database of its own and print a table; `--quick` judges nothing."""
    parser = ArgumentParser(prog="python -m bench.pages", description="How fast pages are with a large ledger.")
    parser.add_argument("--quick", action="store_true", help="few rows: shows that all of it works, proves nothing")
    parser.add_argument("--explain", action="store_true", help="also print how the database carries each query out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kingsync-bench-") as folder, world(Path(folder)):
        django.setup()
        try:
            is_kept = report(_measure(is_quick=asked.quick, is_explained=asked.explain), is_judged=not asked.quick)
        finally:
            _hang_up()
    sys.exit(0 if is_kept else 1)


def _measure(*, is_quick: bool, is_explained: bool) -> Iterator[Figure]:
    """Create the rows and request each page."""
    from django.test.utils import setup_test_environment  # noqa: PLC0415 (after the set-up)

    from bench import page_rows, requests  # noqa: PLC0415

    setup_test_environment(debug=False)
    size = page_rows.QUICK if is_quick else page_rows.FULL
    began = time.monotonic()
    client, newest = company(size)
    yield Figure(f"making {size.work_orders} work orders, {size.runs} runs", time.monotonic() - began, "s")
    for name, address in _addresses(newest, size):
        took = _milliseconds(client, address, times=1 if is_quick else TIMES)
        why = next(why for begin, why in WHY.items() if name.startswith(begin))
        yield Figure(name, took, "ms", bound=BOUNDS_MS.get(name, BOUND_MS), why=why)
        if is_explained:
            _explain(client, address)
    for form in ("csv", "xlsx"):
        yield from _file(client, form)
    yield from requests.measured(client, newest, is_quick=is_quick)


def company(size: Size) -> tuple[Client, int]:
    """Create the company; return its owner's browser and the key of its newest work order."""
    from django.test import Client  # noqa: PLC0415

    from bench import page_rows  # noqa: PLC0415
    from kingsync.models.sync_settings import SyncSettings  # noqa: PLC0415
    from kingsync.models.tenants import Membership, Role, Tenant  # noqa: PLC0415
    from kingsync.models.users import User  # noqa: PLC0415 (after the set-up)
    from kingsync.models.work_orders import WorkOrder  # noqa: PLC0415

    tenant = Tenant.objects.create(slug=page_rows.SLUG, name="Groot B.V.")
    other = Tenant.objects.create(slug="other", name="Ander B.V.")
    owner = User.objects.create_user("owner@groot.example")
    Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER)
    SyncSettings(tenant=tenant, export_orders=True).store(by=None)
    page_rows.fill(tenant, other, size)
    client = Client()
    client.force_login(owner)
    newest = WorkOrder.across_tenants.filter(tenant=tenant).order_by("-id").values_list("pk", flat=True)[0]
    return client, newest


def _addresses(newest: int, size: Size) -> Iterator[tuple[str, str]]:
    from bench import page_rows  # noqa: PLC0415 (after the set-up)

    start = f"/t/{page_rows.SLUG}/"
    orders = f"{start}work-orders/"
    begin, end = page_rows.old_week()
    middle = newest - size.work_orders // 2
    yield "start page", start
    yield "list", orders
    yield "list, in the middle", f"{orders}?before={middle}"
    yield "search: a number", f"{orders}?q=wb00001234"
    yield "search: part of a number", f"{orders}?q=1234"
    yield "search: a frequent name", f"{orders}?q=bakkerij"
    yield "search: a rare name", f"{orders}?q=%20123"
    yield "search: nothing found", f"{orders}?q=quagga"
    yield "search: two letters", f"{orders}?q=ba"
    yield "search: two letters, nothing found", f"{orders}?q=qx"
    yield "search everywhere: a number", f"{start}search/?q=wb00001234&part=palette"
    yield "search everywhere: a frequent name", f"{start}search/?q=bakkerij&part=palette"
    yield "search everywhere: nothing found", f"{start}search/?q=quagga&part=palette"
    yield "sorted by customer", f"{orders}?sort=customer"
    yield "sorted by amount", f"{orders}?sort=-amount"
    yield "sorted by King order, a state", f"{orders}?sort=king&state=rejected"
    yield "state: rejected", f"{orders}?state=rejected"
    yield "state: done, in the middle", f"{orders}?state=done&before={middle}"
    yield "state: waiting (none)", f"{orders}?state=waiting"
    yield "state: need a person", f"{orders}?state=person"
    yield "state: need a person, in the middle", f"{orders}?state=person&before={middle}"
    yield "state and search", f"{orders}?state=rejected&q=garage"
    yield "a week, four years ago", f"{orders}?since={begin}&until={end}"
    yield "a week and a state", f"{orders}?since={begin}&until={end}&state=person"
    yield "a week and a name", f"{orders}?since={begin}&until={end}&q=garage"
    yield "a day that is still to come", f"{orders}?since=2999-01-01"
    yield "without King order", f"{orders}?king=no"
    yield "state changed in 24 hours", f"{orders}?changed=1"
    yield "rejected, changed in 7 days", f"{orders}?changed=7&state=rejected"
    yield "what stops work orders", f"{orders}causes/"
    yield "one work order", f"{orders}{newest}/"
    yield "figures", f"{start}figures/"
    yield "runs", f"{start}runs/"
    yield "runs: exports", f"{start}runs/?kind=export"


def _milliseconds(client: Client, address: str, *, times: int) -> float:
    """Return the median of all answers but the first, or of the only one, with the chips counted again each time."""
    from django.core.cache import cache  # noqa: PLC0415 (after the set-up)

    took = []
    for _ in range(times):
        cache.clear()
        began = time.perf_counter()
        answer = client.get(address)
        took.append(time.perf_counter() - began)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}")
    return 1000 * statistics.median(took[1:] or took)


def _file(client: Client, form: str) -> Iterator[Figure]:
    from bench import page_rows  # noqa: PLC0415 (after the set-up)

    began = time.perf_counter()
    answer = client.get(f"/t/{page_rows.SLUG}/work-orders/file/{form}/")
    length = len(b"".join(answer))
    yield Figure(f"file of at most 100 000 work orders, {form}", time.perf_counter() - began, "s")
    yield Figure(f"  its size, {form}", length / 2**20, "MiB")


def _explain(client: Client, address: str) -> None:
    """Print the plan of each slow query of a page."""
    from django.db import connection  # noqa: PLC0415 (after the set-up)
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from bench import page_rows  # noqa: PLC0415
    from kingsync.models import tenants  # noqa: PLC0415

    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    with tenants.scope(tenants.Tenant.objects.get(slug=page_rows.SLUG)), connection.cursor() as cursor:
        for query in asked.captured_queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {query['sql']}")
                plan = [row[0] for row in cursor.fetchall()]
                if float(plan[-1].split()[2]) > 20:
                    print(query["sql"][:400], *plan, sep="\n    ", flush=True)


def _hang_up() -> None:
    from django.db import connections  # noqa: PLC0415 (after the set-up)

    connections.close_all()


if __name__ == "__main__":
    main()
