"""`python -m bench.capacity`: what each thing costs, and what that makes for up to 100 000 companies.

Unit costs are measured, the table is calculated from them (docs/scale.md). Then a real clock and a real worker serve a
tenth as many idle companies for a minute. Exits with 1 if a bound is missed.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path

import django
import msgspec

from bench import capacity_table, processor
from bench.capacity_table import Costs
from bench.exporter import FOREVER
from bench.figures import Figure, report
from bench.processor import Used
from bench.world import Company, World, world


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much is done to measure one cost, and how many companies are served for how long."""

    checks: int
    orders: int
    records: int
    pages: int
    companies: int
    seconds: float


FULL = Size(checks=40, orders=60, records=20_000, pages=20, companies=10_000, seconds=60.0)
QUICK = Size(checks=3, orders=3, records=500, pages=2, companies=50, seconds=3.0)
# What a scheduled export that finds nothing costs bounds how many there are; why they are not more, by a profile.
CHECKS_A_SECOND = 200
CHECK_IS = "most of a check's time Django makes its statements, and rows of their answers"
PAGES = ("", "work-orders/", "runs/", "log/")


def main() -> None:
    """Measure with servers of its own and print the table; `--quick` judges nothing."""
    parser = ArgumentParser(prog="python -m bench.capacity", description="What the parts need for many companies.")
    parser.add_argument("--quick", action="store_true", help="little of each: shows that it works, proves nothing")
    parser.add_argument("--simulate", type=int, metavar="N", help="serve N idle companies; 10 000 if not said, 0: none")
    asked = parser.parse_args()
    size = QUICK if asked.quick else FULL
    companies = size.companies if asked.simulate is None else asked.simulate
    with tempfile.TemporaryDirectory(prefix="kingsync-bench-") as folder, world(Path(folder)) as here:
        django.setup()
        try:
            figures = _figures(here, msgspec.structs.replace(size, companies=companies))
            is_kept = report(figures, is_judged=not asked.quick)
        finally:
            _hang_up()
    sys.exit(0 if is_kept else 1)


def _figures(here: World, size: Size) -> Iterator[Figure]:
    from bench import capacity_simulation  # noqa: PLC0415 (after the set-up)

    company = here.company("capacity", latency_ms=0)
    costs = measure(here, company, size)
    print("\n".join(capacity_table.lines(costs)), flush=True)
    first = capacity_table.limits(costs)[0]
    checked = 2 / (costs.check.process_seconds + costs.check.database_seconds)
    yield Figure("idle companies checked a second, by two cores", checked, "/s", at_least=CHECKS_A_SECOND, why=CHECK_IS)
    yield Figure(
        f"companies at the first limit: {first.name}", first.companies, "", at_least=capacity_table.COMPANIES[-1]
    )
    if size.companies:
        yield from capacity_simulation.figures(company, companies=size.companies, seconds=size.seconds, costs=costs)


def measure(here: World, company: Company, size: Size) -> Costs:
    """Return what one of each thing costs; the first of each is not counted."""
    king = here.sandbox("king", "--records", str(size.records))
    products = Company(
        "products", king=king, outsmart=here.sandbox("outsmart", "--work-orders", "0"), folder=here.folder
    )
    products.settle()
    return Costs(
        check=_each(size.checks, lambda: _exports(company.slug, size.checks)),
        order=_orders(company, size.orders),
        record=_each(size.records, lambda: _import(products.slug), is_warm=True),
        page=_pages(company.slug, size.pages),
    )


def _each(count: int, work: Callable[[], object], *, is_warm: bool = False) -> Used:
    """Return what some work used for each of so many things; it is done twice, unless everything is loaded."""
    if not is_warm:
        work()
    before = processor.used()
    work()
    return processor.used().since(before, each=count)


def _orders(company: Company, count: int) -> Used:
    """Return what an exported order of ten lines costs. OutSmart and King are other processes."""
    company.load(2)
    _export(company.slug)
    company.load(count)
    return _each(count, lambda: _export(company.slug, created=count), is_warm=True)


def _export(slug: str, *, created: int = 0) -> None:
    """Queue an export as the schedule does and work it off. Raises RuntimeError if it did not do that much."""
    _run(slug, "export", {"confirmed": True}, at_least=created)  # many at once would only be a preview, which asks


def _exports(slug: str, count: int) -> None:
    for _ in range(count):
        _export(slug)


def _import(slug: str) -> None:
    _run(slug, "import", {"kinds": ["products"], "full": True}, at_least=1)


def _run(slug: str, kind: str, options: dict[str, object], *, at_least: int) -> None:
    from kingsync import worker  # noqa: PLC0415 (after the set-up)
    from kingsync.models import tenants  # noqa: PLC0415
    from kingsync.models.runs import RunKind, SyncRun  # noqa: PLC0415
    from kingsync.runs import lifecycle  # noqa: PLC0415

    with tenants.scope(tenants.Tenant.objects.get(slug=slug)):
        requested = lifecycle.request(kind=RunKind(kind), trigger=SyncRun.Trigger.SCHEDULE, options=options)
        worker.work_slice(requested.run.pk, slice_seconds=FOREVER)
        run = SyncRun.objects.get(pk=requested.run.pk)
    if run.status != "succeeded" or run.is_dry or run.counts().get("created", 0) < at_least:
        raise RuntimeError(f"The {kind} ended as {run.status} with {run.counts()}.")


def _pages(slug: str, times: int) -> Used:
    """Return what a page costs without the web server, the mean of the most used ones."""
    from django.test import Client  # noqa: PLC0415 (after the set-up)
    from django.test.utils import setup_test_environment  # noqa: PLC0415

    from kingsync.models.tenants import Membership, Role, Tenant  # noqa: PLC0415
    from kingsync.models.users import User  # noqa: PLC0415

    setup_test_environment(debug=False)
    owner = User.objects.create_user("owner@capacity.example")
    Membership.objects.create(tenant=Tenant.objects.get(slug=slug), user=owner, role=Role.OWNER)
    client = Client()
    client.force_login(owner)

    def visit() -> None:
        for _ in range(times):
            for page in PAGES:
                if client.get(f"/t/{slug}/{page}").status_code != 200:
                    raise RuntimeError(f"/t/{slug}/{page} does not answer")

    return _each(times * len(PAGES), visit)


def _hang_up() -> None:
    from django.db import connections  # noqa: PLC0415 (after the set-up)

    connections.close_all()


if __name__ == "__main__":
    main()
