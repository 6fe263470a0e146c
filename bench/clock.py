"""`python -m bench.clock`: what the clock costs with 10 000 tenants and a million runs. Exits with 1 if too much."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django

from bench.figures import Figure, report
from bench.world import world

TIMES = 7
COMPANIES, QUICK = 10_000, 30
RUNS_EACH, QUICK_RUNS = 100, 4
FIRST_MS = 5000.0  # once a start
BOUNDS_MS = {"dispatcher": 50.0, "sweeper": 200.0, "retention": 1000.0}
# Connected companies that run both kinds every quarter of an hour, at different moments; the newest run ended just now.
_ROWS = """
    INSERT INTO kingsync_tenant (slug, name, language, created_at, requires_second_step, log_days, payload_days,
        verification_calls, silence_hours, is_licensed, licence_changed_at, closing_asked_by)
    SELECT 'company-' || n, 'Company ' || n, 'nl', now(), false, 90, 30, 2000, 6, true, now(), ''
    FROM generate_series(1, %(companies)s) n;
    INSERT INTO kingsync_administration (tenant_id, name, key)
    SELECT id, slug, slug FROM kingsync_tenant WHERE administration_id IS NULL;
    UPDATE kingsync_tenant SET administration_id = made.id FROM kingsync_administration made
    WHERE made.tenant_id = kingsync_tenant.id;
    INSERT INTO kingsync_connection (tenant_id, system, base_url, credentials, administration, verify_tls,
        ca_certificate, busy_codes, reader, state, paused_reason)
    SELECT id, system, 'http://127.0.0.1:9', '', slug, true, '', '{{}}', 'webservice', 'active', '{{}}'
    FROM kingsync_tenant, unnest(ARRAY['outsmart', 'king']) system;
    INSERT INTO kingsync_syncsettings (tenant_id, {settings}) SELECT id, {values} FROM kingsync_tenant;
    INSERT INTO kingsync_settingsversion (tenant_id, version, document, saved_at)
    SELECT id, 1, '{{}}', now() - interval '100 days' FROM kingsync_tenant;
    INSERT INTO kingsync_syncrun (tenant_id, administration_id, number, kind, status, trigger, settings_version,
        options, cursor, attempt, cancel_requested, queued_at, started_at, finished_at, progress_kind, progress_done,
        counts_by_kind, dry_run_examples, outcomes, error, attention_count, {counts})
    SELECT id, administration_id, n, CASE WHEN n %% 2 = 0 THEN 'export' ELSE 'import' END, 'succeeded', 'schedule', 1,
        '{{}}', '{{}}', 1, false, at, at, at, '', 0, '{{}}', '{{}}', '[]', '{{}}', 0, {zeros}
    FROM kingsync_tenant, generate_series(1, %(runs)s) n,
        LATERAL (SELECT now() - make_interval(mins => (%(runs)s - n) / 2 * 15, secs => id %% 800)) t (at)
"""


def main() -> None:
    """Measure with a database of its own and print a table; `--quick` judges nothing."""
    parser = ArgumentParser(prog="python -m bench.clock", description="What the clock costs with many companies.")
    parser.add_argument("--quick", action="store_true", help="few companies: shows that it works, proves nothing")
    parser.add_argument("--explain", action="store_true", help="also print how the database finds what is due")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kingsync-bench-") as folder, world(Path(folder)):
        django.setup()
        sizes = (QUICK, QUICK_RUNS) if asked.quick else (COMPANIES, RUNS_EACH)
        is_kept = report(_measure(*sizes, is_explained=asked.explain), is_judged=not asked.quick)
    sys.exit(0 if is_kept else 1)


def _measure(companies: int, runs: int, *, is_explained: bool) -> Iterator[Figure]:
    from django.db import connection  # noqa: PLC0415 (after the set-up)

    from kingsync import tasks  # noqa: PLC0415
    from kingsync.models.runs import RunKind  # noqa: PLC0415
    from kingsync.runs import lifecycle  # noqa: PLC0415

    began = time.monotonic()
    _fill(companies, runs)
    yield Figure(f"making {companies} companies with {runs} runs each", time.monotonic() - began, "s")
    began, at_most = time.monotonic(), len(RunKind) * companies
    tasks.check_schedule()
    yield Figure("looking at the schedule of all companies (each ten minutes)", time.monotonic() - began, "s")
    began = time.monotonic()
    while _look(at_most):
        pass
    yield Figure("first look at all of them", time.monotonic() - began, "s")
    yield from _figures("dispatcher", "dispatcher, nothing due", lambda: _look(at_most))
    if is_explained:
        _explain()
    yield from _figures("sweeper", "sweeper, nothing silent", lifecycle.silent_runs)
    yield from _figures("", "silence", tasks.watch_silence)
    yield from _first("e-mails, the first time after a start", tasks.send_notifications)
    yield from _figures("", "e-mails", tasks.send_notifications)
    yield from _figures("", "verification", tasks.verify_exported)
    yield from _figures("retention", "retention, nothing old", tasks.purge_old)
    _make_due()
    began, cpu = time.monotonic(), _processor_seconds()
    queued = _queue_all(at_most)
    yield Figure("queueing a run of each kind for all", time.monotonic() - began, "s")
    yield Figure("processor time of that, for each run", 1000 * (_processor_seconds() - cpu) / max(1, queued), "ms")
    connection.close()


def _look(at_most: int) -> bool:
    from django.utils import timezone  # noqa: PLC0415

    from kingsync.runs import dispatcher  # noqa: PLC0415

    return dispatcher.start_due(now=timezone.now(), at_most=at_most).is_more


def _queue_all(at_most: int) -> int:
    from django.utils import timezone  # noqa: PLC0415

    from kingsync.runs import dispatcher  # noqa: PLC0415

    dispatcher.WAITING_AT_MOST = at_most
    queued = 0
    while runs := dispatcher.start_due(now=timezone.now(), at_most=dispatcher.ROWS_AT_ONCE).runs:
        queued += len(runs)
    return queued


def _make_due() -> None:
    from django.db import connection  # noqa: PLC0415

    from kingsync.database import sessions  # noqa: PLC0415
    from kingsync.models.runs import NextRun  # noqa: PLC0415

    NextRun.across_tenants.update(is_stale=True)
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE kingsync_syncrun SET queued_at = queued_at - interval '1 day'"
            " WHERE queued_at > now() - interval '1 hour'"
        )
        cursor.execute("VACUUM ANALYZE kingsync_syncrun, kingsync_nextrun")


def _fill(companies: int, runs: int) -> None:
    from django.db import connection  # noqa: PLC0415

    from kingsync.database import sessions  # noqa: PLC0415
    from kingsync.models.runs import COUNTS  # noqa: PLC0415

    columns = _settings_columns()
    names = {
        "counts": ", ".join(f"{each}_count" for each in COUNTS),
        "zeros": ", ".join("0" for _ in COUNTS),
        "settings": ", ".join(columns),
        "values": ", ".join(f"%({name})s" for name in columns),
    }
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
        for statement in _ROWS.format(**names).split(";\n"):
            cursor.execute(statement, {"companies": companies, "runs": runs, **columns})
        cursor.execute("VACUUM ANALYZE")


def _settings_columns() -> dict[str, Any]:
    """Return the columns of settings that run by schedule, with their values."""
    from kingsync.models.sync_settings import SyncSettings  # noqa: PLC0415

    row = SyncSettings(version=1, schedule_enabled=True, export_orders=True, products_enabled=True)
    row.notification_mode, row.notification_emails = "each", ["office@company.example"]
    return {
        field.attname: getattr(row, field.attname)
        for field in SyncSettings._meta.concrete_fields
        if field.name not in ("id", "tenant")
    }


def _first(name: str, work: Callable[[], object]) -> Iterator[Figure]:
    """Yield what some work takes that remembers in its process what it has read before."""
    began = time.perf_counter()
    work()
    yield Figure(name, 1000 * (time.perf_counter() - began), "ms", bound=FIRST_MS)


def _figures(bound: str, name: str, work: Callable[[], object]) -> Iterator[Figure]:
    """Yield the median time of some work, that of the processor, and its statements, after a first time."""
    took, worked = [], []
    for _ in range(TIMES + 1):
        began, cpu = time.perf_counter(), _processor_seconds()
        work()
        took.append(time.perf_counter() - began)
        worked.append(_processor_seconds() - cpu)
    yield Figure(name, 1000 * statistics.median(took[1:]), "ms", bound=BOUNDS_MS.get(bound))
    yield Figure(f"{name}: processor time with the database's", 1000 * statistics.median(worked[1:]), "ms")
    yield Figure(f"{name}: statements", _statements(work), "")


def _statements(work: Callable[[], object]) -> int:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


def _processor_seconds() -> float:
    """Return the processor time of this process and of its session of the database: also on a busy machine the same."""
    from django.db import connection  # noqa: PLC0415

    connection.ensure_connection()
    fields = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _explain() -> None:
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from kingsync.models import tenants  # noqa: PLC0415
    from kingsync.models.runs import RunKind  # noqa: PLC0415
    from kingsync.runs import dispatcher  # noqa: PLC0415

    room = dict.fromkeys(RunKind, dispatcher.WAITING_AT_MOST)
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {dispatcher.CLAIM}", dispatcher.parameters(timezone.now(), room))
        print("\n".join(row[0] for row in cursor.fetchall()), file=sys.stderr)


if __name__ == "__main__":
    main()
