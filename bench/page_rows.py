"""A large company as rows: five years of work orders, made by the database itself."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import msgspec
from django.db import connection

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from kingsync.models.tenants import Tenant


SLUG = "large"
# Of 2 000 work orders, this many are in each state; the others are done.
_STATES = """
    CASE WHEN n % 2000 < 1 THEN 'uncertain' WHEN n % 2000 < 3 THEN 'incomplete' WHEN n % 2000 < 5 THEN 'rejected'
         WHEN n % 2000 < 7 THEN 'held' WHEN n % 2000 < 8 THEN 'changed' WHEN n % 2000 < 18 THEN 'excluded'
         WHEN n % 2000 < 20 THEN 'interim' ELSE 'done' END
"""
_REASON = """
    CASE WHEN n % 2000 < 8 THEN jsonb_build_array(jsonb_build_object(
        'code', 'unknown_article', 'params', jsonb_build_object('article', 'ART-' || n / 2000 % 40)))
    ELSE '[]' END
"""
_COUNTS = ("read", "created", "updated", "unchanged", "skipped", "rejected", "uncertain", "failed", "deactivated")
DEFAULTS: dict[str, str | int | bool] = {
    "step": "confirmed",
    "attempts": 1,
    "is_created_by_us": True,
    "is_approved": False,
    "is_interim": False,
    "is_released": False,
    "is_locked": False,
    "minimum_hours": "",
    "rounding_amount": "",
    "source_fingerprint": "",
    "plan_fingerprint": "",
}


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows the company has; a tenth more work orders belong to another tenant."""

    work_orders: int
    runs: int
    with_lines: int
    log_entries: int


FULL = Size(work_orders=1_000_000, runs=10_000, with_lines=20_000, log_entries=300_000)
QUICK = Size(work_orders=500, runs=60, with_lines=20, log_entries=100)


def fill(tenant: Tenant, other: Tenant, size: Size) -> None:
    """Create the rows and analyze them, as autovacuum would."""
    from kingsync.database import sessions  # noqa: PLC0415
    from kingsync.models.work_orders import WorkOrder  # noqa: PLC0415 (after the set-up)

    searched = next(index for index in WorkOrder._meta.indexes if index.name == "work_orders_by_text")
    with sessions.as_owner():
        with connection.schema_editor() as editor:  # far quicker than maintaining it row by row
            editor.remove_index(WorkOrder, searched)
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO off")
            _runs(cursor, tenant, size)
            _work_orders(cursor, tenant, other, size.work_orders * 11 // 10)
            _lines(cursor, tenant, size)
            _log(cursor, tenant, size)
        with connection.schema_editor() as editor:
            editor.add_index(WorkOrder, searched)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _work_orders(cursor: CursorWrapper, tenant: Tenant, other: Tenant, count: int) -> None:
    """Insert work orders over five years, newest last, every eleventh another tenant's; some amounts are missing."""
    columns = ", ".join(DEFAULTS)
    values = ", ".join(["%s"] * len(DEFAULTS))
    cursor.execute(
        f"""
        INSERT INTO kingsync_workorder (tenant_id, administration_id, outsmart_id, order_number, customer_name,
            work_date,
            king_order_number, state, reasons, source, first_seen_at, changed_at, exported_at, confirmed_at,
            verified_at, settings_version, amount, {columns})
        SELECT CASE WHEN n %% 11 = 0 THEN %s ELSE %s END, CASE WHEN n %% 11 = 0 THEN %s ELSE %s END,
            (2000000 + n)::text, 'WB' || lpad(n::text, 8, '0'),
            (ARRAY['Bakkerij', 'Garage', 'Familie', 'Woningstichting', 'Slagerij'])[1 + n %% 5] || ' '
                || initcap(substr(md5((n %% 4000)::text), 1, 8)) || ' ' || (n %% 4000),
            (day AT TIME ZONE 'UTC')::date, CASE WHEN n %% 2000 < 20 THEN NULL ELSE (20000000 + n)::text END,
            {_STATES.replace("%", "%%")}, {_REASON.replace("%", "%%")},
            (SELECT string_agg(md5((n * 31 + part)::text), '') FROM generate_series(1, 25) part),
            day, day, day, day, day, 1, CASE WHEN n %% 50 > 0 THEN 25 + n * 7 %% 190000 / 100.0 END, {values}
        FROM (SELECT n, now() - make_interval(secs => (%s - n) * 157680000.0 / %s) AS day
              FROM generate_series(1, %s) n) AS made
        """,
        [
            other.pk,
            tenant.pk,
            other.administration_id,
            tenant.administration_id,
            *DEFAULTS.values(),
            count,
            count,
            count,
        ],
    )


def _runs(cursor: CursorWrapper, tenant: Tenant, size: Size) -> None:
    """Insert a run for each quarter of an hour, exports and imports in turn."""
    counts = ", ".join(f"{name}_count" for name in _COUNTS)
    cursor.execute(
        f"""
        INSERT INTO kingsync_syncrun (tenant_id, administration_id, number, kind, status, trigger, settings_version,
            options, cursor, attempt,
            cancel_requested, queued_at, started_at, finished_at, progress_kind, progress_done, counts_by_kind,
            dry_run_examples, outcomes, error, {counts}, attention_count)
        SELECT %s, %s, n, CASE WHEN n %% 2 = 0 THEN 'export' ELSE 'import' END,
            CASE WHEN n %% 50 = 0 THEN 'failed' WHEN n %% 10 = 0 THEN 'partly' ELSE 'succeeded' END,
            'schedule', 1, '{{}}', '{{}}', 1, false, at, at, at + interval '40 seconds', '', 10, '{{}}', '{{}}', '[]',
            '{{}}', 10, 5, 2, 1, 1, 1, 0, 0, 0, 0
        FROM (SELECT n, now() - make_interval(mins => (%s - n) * 15) AS at FROM generate_series(1, %s) n) AS made
        """,
        [tenant.pk, tenant.administration_id, size.runs, size.runs],
    )


def _lines(cursor: CursorWrapper, tenant: Tenant, size: Size) -> None:
    """Insert eight lines for each of the newest work orders."""
    cursor.execute(
        """
        INSERT INTO kingsync_orderline (tenant_id, work_order_id, reference, key, kind, source, position, state,
            reasons, king_line_id, is_imported, sent, quantity)
        SELECT tenant_id, id, outsmart_id || '-M' || line, 'material|BENCH-' || line || '||#1', 'material',
            'BENCH-' || line, line, 'sent', '[]', line::text, false,
            '{"kind": "ART", "article": "BENCH", "quantity": "2.5", "warehouse": "1"}', 2.5
        FROM (SELECT * FROM kingsync_workorder WHERE tenant_id = %s ORDER BY id DESC LIMIT %s) newest,
            generate_series(1, 8) line
        """,
        [tenant.pk, size.with_lines],
    )


def _log(cursor: CursorWrapper, tenant: Tenant, size: Size) -> None:
    """Insert what the runs logged about the newest work orders."""
    cursor.execute(
        """
        INSERT INTO kingsync_logentry (tenant_id, run_id, at, level, event, record_kind, outsmart_id, king_id, code,
            params, detail)
        SELECT %s, runs.id, now() - make_interval(secs => (%s - n) * 25),
            CASE WHEN n %% 40 = 0 THEN 'error' ELSE 'info' END, 'order.created', 'work_order',
            (2000000 + %s - n / 3)::text, '', '', '{}', '{}'
        FROM generate_series(1, %s) n
        JOIN (SELECT id, row_number() OVER (ORDER BY id DESC) AS place FROM kingsync_syncrun WHERE tenant_id = %s) runs
            ON runs.place = 1 + n %% %s
        """,
        [tenant.pk, size.log_entries, size.work_orders * 11 // 10, size.log_entries, tenant.pk, size.runs],
    )


def old_week() -> tuple[str, str]:
    """Return the first and last day of a week four years ago."""
    begin = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=4 * 365)
    return begin.isoformat(), (begin + datetime.timedelta(days=6)).isoformat()
