"""One export in a process of its own: `python -m bench.exporter SLUG` prints one JSON object.

`python -m bench.exporter SLUG FILE` stores the tenant's file first, as `apply_tenant` does; that is not measured.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import msgspec

FOREVER = 1e6


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did and took. `seconds` is the whole run, `outsmart_seconds` OutSmart's share of it."""

    status: str
    counts: dict[str, int]
    seconds: float
    outsmart_seconds: float
    cpu_seconds: float
    peak_mib: float


def main() -> None:
    """Export what is at the tenant's trigger and print the result."""
    django.setup()
    slug, *documents = sys.argv[1:]
    for document in documents:
        _store(Path(document))
    sys.stdout.write(msgspec.json.encode(export(slug)).decode() + "\n")


def _store(document: Path) -> None:
    from kingsync import tenant_file  # noqa: PLC0415 (after the set-up)

    tenant_file.apply(document.read_bytes())


def export(slug: str) -> Exported:
    """Run one export of the tenant to its end."""
    from kingsync import worker  # noqa: PLC0415
    from kingsync.models import tenants  # noqa: PLC0415 (after the set-up)
    from kingsync.models.runs import RunKind, SyncRun  # noqa: PLC0415
    from kingsync.runs import lifecycle  # noqa: PLC0415

    stopwatch = _Stopwatch("outsmart")
    with tenants.scope(tenants.Tenant.objects.get(slug=slug)):
        requested = lifecycle.request(kind=RunKind.EXPORT, trigger=SyncRun.Trigger.COMMAND)
        began, cpu = time.monotonic(), time.process_time()
        worker.work_slice(requested.run.pk, slice_seconds=FOREVER)
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        run = SyncRun.objects.get(pk=requested.run.pk)
    return Exported(
        status=run.status,
        counts=run.counts(),
        seconds=seconds,
        outsmart_seconds=stopwatch.seconds,
        cpu_seconds=cpu,
        peak_mib=peak_mib(),
    )


def peak_mib() -> float:
    """Return the most memory that this process ever had resident, in MiB.

    Not getrusage's figure: that one survives exec and so begins with the parent's.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


class _Stopwatch:
    """Adds up the time that the calls to one system take."""

    def __init__(self, system: str) -> None:
        from integrations.transport import Transport  # noqa: PLC0415

        self.seconds = 0.0
        self._system, self._send = system, Transport.send
        Transport.send = self._timed()  # type: ignore[method-assign]

    def _timed(self) -> Callable[..., Any]:
        def send(transport: Any, *arguments: Any, **named: Any) -> Any:
            began = time.monotonic()
            try:
                return self._send(transport, *arguments, **named)
            finally:
                if transport.system == self._system:
                    self.seconds += time.monotonic() - began

        return send


if __name__ == "__main__":
    main()
