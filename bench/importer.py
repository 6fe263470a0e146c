"""One import of products in a process of its own: `python -m bench.importer SLUG` prints one JSON object.

`python -m bench.importer SLUG mirror` only loads King's articles into PostgreSQL, as an export does that finds no
mirror of King, and prints the seconds.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import django
import msgspec

from bench.exporter import FOREVER, peak_mib


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did and took. `seconds` is the whole run, `database_seconds` the processor time of its session."""

    status: str
    counts: dict[str, int]
    seconds: float
    cpu_seconds: float
    database_seconds: float
    peak_mib: float


def main() -> None:
    """Import all products of the tenant's King, or with `mirror` only load them; print the result."""
    django.setup()
    from kingsync.imports import import_process  # noqa: PLC0415 (after the set-up)

    import_process.prepare()  # as a worker of imports does
    if sys.argv[2:] == ["mirror"]:
        sys.stdout.write(f"{mirrored(sys.argv[1])}\n")
        return
    sys.stdout.write(msgspec.json.encode(imported(sys.argv[1])).decode() + "\n")


def imported(slug: str) -> Imported:
    """Run one full import of products to its end."""
    from kingsync import worker  # noqa: PLC0415
    from kingsync.models import tenants  # noqa: PLC0415 (after the set-up)
    from kingsync.models.runs import RunKind, SyncRun  # noqa: PLC0415
    from kingsync.runs import lifecycle  # noqa: PLC0415

    options: dict[str, object] = {"kinds": ["products"], "full": True}
    with tenants.scope(tenants.Tenant.objects.get(slug=slug)):
        began, cpu = time.monotonic(), time.process_time()
        requested = lifecycle.request(kind=RunKind.IMPORT, trigger=SyncRun.Trigger.COMMAND, options=options)
        worker.work_slice(requested.run.pk, slice_seconds=FOREVER)
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        run = SyncRun.objects.get(pk=requested.run.pk)
        database = _session_seconds()
    return Imported(
        status=run.status,
        counts=run.counts(),
        seconds=seconds,
        cpu_seconds=cpu,
        database_seconds=database,
        peak_mib=peak_mib(),
    )


def _session_seconds() -> float:
    """Return the processor time of this process's session with the database."""
    from django.db import connection  # noqa: PLC0415 (after the set-up)

    fields = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def mirrored(slug: str) -> float:
    """Load all articles of the tenant's King into the mirror and return the seconds."""
    from integrations.king.records import Kind  # noqa: PLC0415
    from kingsync.king_mirror import mirror  # noqa: PLC0415
    from kingsync.models import tenants  # noqa: PLC0415
    from kingsync.runs import clients  # noqa: PLC0415

    with tenants.scope(tenants.Tenant.objects.get(slug=slug)):
        began = time.monotonic()
        with clients.both() as (_, king):
            mirror.refresh(king, Kind.ARTICLE)
        return time.monotonic() - began


if __name__ == "__main__":
    main()
