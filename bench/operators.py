"""`python -m bench.operators`: how fast the operators' pages are with 10 000 companies. Exits with 1 if too slow."""

from __future__ import annotations

import os
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

BOUND_MS = 300.0
TIMES, QUICK_TIMES = 7, 1
COMPANIES, QUICK = 10_000, 20
PAGES = ("/operators/", "/operators/?q=9", "/operators/?trouble=attention&page=3", "/operators/causes/")
# A hundred runs and a hundred work orders each: 1 of 20 companies fails, some work orders need attention.
_ROWS = """
    INSERT INTO kingsync_tenant (slug, name, language, created_at, requires_second_step, log_days, payload_days,
        verification_calls, silence_hours, is_licensed, licence_changed_at, closing_asked_by)
    SELECT 'company-' || n, 'Company ' || n, 'nl', now(), false, 90, 30, 2000, 6, n %% 100 <> 0, now(), ''
    FROM generate_series(1, %(companies)s) n;
    INSERT INTO kingsync_administration (tenant_id, name, key)
    SELECT id, slug, slug FROM kingsync_tenant WHERE administration_id IS NULL;
    UPDATE kingsync_tenant SET administration_id = made.id FROM kingsync_administration made
    WHERE made.tenant_id = kingsync_tenant.id;
    INSERT INTO kingsync_syncrun (tenant_id, administration_id, number, kind, status, trigger, settings_version,
        options, cursor, attempt, cancel_requested, queued_at, started_at, finished_at, progress_kind, progress_done,
        counts_by_kind, dry_run_examples, outcomes, error, attention_count, {counts})
    SELECT id, administration_id, n, CASE WHEN n %% 2 = 0 THEN 'export' ELSE 'import' END,
        CASE WHEN id %% 20 = 0 AND n > 60 THEN 'failed' ELSE 'succeeded' END, 'schedule', 1, '{{}}', '{{}}', 1, false,
        at, at, at, '', 0, '{{}}', '{{}}', '[]',
        CASE WHEN id %% 20 = 0 AND n > 60 THEN '{{"code": "internal", "params": {{}}}}' ELSE '{{}}' END::jsonb,
        0, {zeros}
    FROM kingsync_tenant, generate_series(1, 100) n,
        LATERAL (SELECT now() - make_interval(mins => (100 - n) * 8)) t (at);
    INSERT INTO kingsync_workorder (tenant_id, administration_id, outsmart_id, order_number, customer_name, state,
        reasons, problem_causes, exported_at, changed_at, first_seen_at, source, {defaults})
    SELECT id, administration_id, n::text, 'W' || n, 'Customer',
        CASE WHEN n <= id %% 7 THEN 'rejected' WHEN n <= 10 THEN 'waiting' ELSE 'done' END,
        '[]', CASE WHEN n <= id %% 7 THEN jsonb_build_array('unknown_article:ART-' || n) END,
        CASE WHEN n > 10 THEN now() - make_interval(hours => n * 4) END, now(), now(), '', {values}
    FROM kingsync_tenant, generate_series(1, 100) n
"""


def main() -> None:
    """Measure with a database of its own and print a table; `--quick` judges nothing."""
    parser = ArgumentParser(prog="python -m bench.operators", description="How fast the operators' pages are.")
    parser.add_argument("--quick", action="store_true", help="few companies: shows that it works, proves nothing")
    parser.add_argument("--explain", action="store_true", help="also print how the database carries the statement out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kingsync-bench-") as folder, world(Path(folder)):
        django.setup()
        sizes = (QUICK, QUICK_TIMES) if asked.quick else (COMPANIES, TIMES)
        is_kept = report(_measure(*sizes, is_explained=asked.explain), is_judged=not asked.quick)
    sys.exit(0 if is_kept else 1)


def _measure(companies: int, times: int, *, is_explained: bool) -> Iterator[Figure]:
    from django.db import connection  # noqa: PLC0415 (after the set-up)
    from django.test import Client  # noqa: PLC0415
    from django.test.utils import setup_test_environment  # noqa: PLC0415

    from tests import factories  # noqa: PLC0415

    setup_test_environment(debug=False)
    began = time.monotonic()
    _fill(companies)
    yield Figure(f"making {companies} companies", time.monotonic() - began, "s")
    client = Client()
    client.force_login(factories.operator(name="olga"))
    for address in PAGES:
        took, worked = _milliseconds(client, address, times)
        yield Figure(address, took, "ms", bound=BOUND_MS)
        yield Figure(f"{address}, processor time of page and database", worked, "ms")
    if is_explained:
        _explain()
    connection.close()


def _fill(companies: int) -> None:
    from django.db import connection  # noqa: PLC0415

    from bench.page_rows import DEFAULTS  # noqa: PLC0415
    from kingsync.database import sessions  # noqa: PLC0415
    from kingsync.models.runs import COUNTS  # noqa: PLC0415
    from kingsync.models.work_orders import WorkOrder  # noqa: PLC0415

    names = {"counts": ", ".join(f"{each}_count" for each in COUNTS), "zeros": ", ".join("0" for _ in COUNTS)}
    values = {"defaults": ", ".join(DEFAULTS), "values": ", ".join(f"%({name})s" for name in DEFAULTS)}
    searched = next(index for index in WorkOrder._meta.indexes if index.name == "work_orders_by_text")
    with sessions.as_owner(), connection.cursor() as cursor:
        with connection.schema_editor() as editor:  # far quicker than maintaining it row by row
            editor.remove_index(WorkOrder, searched)
        cursor.execute("SET synchronous_commit TO off")
        for statement in _ROWS.format(**names, **values).split(";\n"):
            cursor.execute(statement, {"companies": companies, **DEFAULTS})
        cursor.execute("VACUUM ANALYZE")


def _milliseconds(client: Client, address: str, times: int) -> tuple[float, float]:
    """Return the median time of a page and of the processor's work for it, after a first time that does not count."""
    took, worked = [], []
    for _ in range(times + 1):
        began, idle = time.perf_counter(), _processor_seconds()
        answer = client.get(address)
        took.append(time.perf_counter() - began)
        worked.append(_processor_seconds() - idle)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code} {answer.headers.get('Location', '')}")
    return 1000 * statistics.median(took[1:]), 1000 * statistics.median(worked[1:])


def _processor_seconds() -> float:
    """Return the processor time of this process and of its session of the database: also on a busy machine the same."""
    from django.db import connection  # noqa: PLC0415

    connection.ensure_connection()
    fields = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _explain() -> None:
    from django.db import connection  # noqa: PLC0415

    from kingsync.models import tenants  # noqa: PLC0415
    from kingsync.web.operators import tenant_status  # noqa: PLC0415

    wanted = tenant_status.Wanted()
    statement = tenant_status.statement(wanted)
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", tenant_status.parameters(wanted))
        print("\n".join(row[0] for row in cursor.fetchall()), file=sys.stderr)


if __name__ == "__main__":
    main()
