"""One import of products in a process of its own: `python -m bench.importer SLUG` prints one JSON object."""

from __future__ import annotations

import sys
import time

import django
import msgspec

from bench.exporter import FOREVER, peak_mib


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did and took. `seconds` is the whole run."""

    status: str
    counts: dict[str, int]
    seconds: float
    cpu_seconds: float
    peak_mib: float


def main() -> None:
    """This function will read all products of the tenant's King, post what is new, and tell how it went."""
    django.setup()
    sys.stdout.write(msgspec.json.encode(imported(sys.argv[1])).decode() + "\n")


def imported(slug: str) -> Imported:
    """This function will run one full import of products to its end."""
    from kingsync.models import tenants  # noqa: PLC0415 (after the set-up)
    from kingsync.models.runs import RunKind, SyncRun  # noqa: PLC0415
    from kingsync.runs import engine, lifecycle  # noqa: PLC0415

    options: dict[str, object] = {"kinds": ["products"], "full": True}
    with tenants.scope(tenants.Tenant.objects.get(slug=slug)):
        began, cpu = time.monotonic(), time.process_time()
        requested = lifecycle.request(kind=RunKind.IMPORT, trigger=SyncRun.Trigger.COMMAND, options=options)
        engine.work(requested.run.pk, slice_seconds=FOREVER)
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        run = SyncRun.objects.get(pk=requested.run.pk)
    return Imported(status=run.status, counts=run.counts(), seconds=seconds, cpu_seconds=cpu, peak_mib=peak_mib())


if __name__ == "__main__":
    main()
