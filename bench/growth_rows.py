"""A company whose history grows backwards: each step adds older work orders, runs, log entries, and more products.

What is open stays the same: the newest work orders, so that what differs between two sizes is the history alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
from django.db import connection

from bench.page_rows import DEFAULTS

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from kingsync.models.tenants import Tenant

# Of these, the newest, one in ten waits for somebody; all others are done.
WITH_OPEN_ONES = 400
# The newest row has this key less one, the one before it one less; new ones of the product come behind it.
TOP = 100_000_000
YEARS_SECONDS = 5 * 365 * 86_400
_COUNTS = ("read", "created", "updated", "unchanged", "skipped", "rejected", "uncertain", "failed", "deactivated")
_WORK_ORDERS = """
    INSERT INTO kingsync_workorder (id, tenant_id, administration_id, outsmart_id, order_number, customer_name,
        work_date, king_order_number, state, reasons, source, first_seen_at, changed_at, exported_at, confirmed_at,
        verified_at, settings_version, {columns})
    SELECT {top} - n, %(tenant)s, %(administration)s, (20000000 - n)::text, 'WB' || lpad((20000000 - n)::text, 8, '0'),
        (ARRAY['Bakkerij', 'Garage', 'Familie', 'Woningstichting', 'Slagerij'])[1 + n %% 5] || ' '
            || initcap(substr(md5((n %% 4000)::text), 1, 8)) || ' ' || (n %% 4000),
        (day AT TIME ZONE 'UTC')::date, CASE WHEN is_open THEN NULL ELSE (90000000 - n)::text END,
        CASE WHEN is_open THEN (ARRAY['rejected', 'held', 'incomplete'])[1 + n %% 3] ELSE 'done' END,
        CASE WHEN is_open THEN jsonb_build_array(jsonb_build_object(
            'code', 'unknown_article', 'params', jsonb_build_object('article', 'ART-' || n %% 7))) ELSE '[]' END,
        '{{}}', day, day, day, day, now(), 1, {values}
    FROM (
        SELECT n, n < {open} AND n %% 10 = 0 AS is_open,
            now() - make_interval(secs => n * %(years)s::float / %(whole)s) AS day
        FROM generate_series(%(from)s, %(to)s - 1) n
    ) AS made
"""
_RUNS = """
    INSERT INTO kingsync_syncrun (id, tenant_id, administration_id, number, kind, status, trigger, settings_version,
        options, cursor, attempt, cancel_requested, queued_at, started_at, finished_at, progress_kind, progress_done,
        counts_by_kind, dry_run_examples, outcomes, error, attention_count, {counts})
    SELECT {top} - n, %(tenant)s, %(administration)s, 10000000 - n, CASE n %% 2 WHEN 0 THEN 'export' ELSE 'import' END,
        CASE WHEN n %% 50 = 7 THEN 'failed' WHEN n %% 10 = 3 THEN 'partly' ELSE 'succeeded' END,
        'schedule', 1, '{{}}', '{{}}', 1, false, at, at, at + interval '40 seconds', '', 10, '{{}}', '{{}}', '[]',
        '{{}}', 0, {zeros}
    FROM (
        SELECT n, now() - interval '2 minutes' - make_interval(secs => n * %(years)s::float / %(whole)s) AS at
        FROM generate_series(%(from)s, %(to)s - 1) n
    ) AS made
"""
# One of 40 entries is a warning or an error. The runs are those of the same time.
_LOG = """
    INSERT INTO kingsync_logentry (id, tenant_id, run_id, at, level, event, record_kind, outsmart_id, king_id, code,
        params, detail)
    SELECT {top} - n, %(tenant)s, {top} - (n::bigint * %(runs)s / %(whole)s),
        now() - make_interval(secs => n * %(years)s::float / %(whole)s),
        CASE WHEN n %% 40 = 0 THEN 'error' WHEN n %% 40 = 1 THEN 'warning' ELSE 'info' END,
        CASE WHEN n %% 40 = 0 THEN 'order.rejected' WHEN n %% 40 = 1 THEN 'record.rejected'
            ELSE (ARRAY['order.created', 'order.unchanged', 'order.updated', 'order.approved'])[1 + n %% 4] END,
        CASE WHEN n %% 40 = 1 THEN 'product' ELSE 'work_order' END, (20000000 - n / 5)::text, (90000000 - n / 5)::text,
        '', '{{}}', '{{}}'
    FROM generate_series(%(from)s, %(to)s - 1) n
"""
_PRODUCTS = """
    INSERT INTO kingsync_recordlink (tenant_id, administration_id, kind, king_id, outsmart_id, name, state, is_active,
        sent, difference, reason)
    SELECT %(tenant)s, %(administration)s, 'product', 'ART-' || lpad(n::text, 7, '0'), 'ART-' || lpad(n::text, 7, '0'),
        (ARRAY['Boiler', 'Radiator', 'Kraan', 'Pomp', 'Ventiel', 'Ketel', 'Café-buis', 'Bocht'])[1 + n %% 8] || ' '
            || initcap(substr(md5((n %% 4000)::text), 1, 8)) || ' ' || (n %% 977) || ' mm',
        'linked', true, repeat('{{"ProductCode": "x", "ProductName": "y"}}', 10), '[]', '{{}}'
    FROM generate_series(%(from)s, %(to)s - 1) n
"""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows there are."""

    log_entries: int
    work_orders: int
    runs: int
    products: int

    def part(self, share: float) -> Size:
        """Return a share of it."""
        return Size(**{name: math.ceil(count * share) for name, count in msgspec.structs.asdict(self).items()})


WHOLE = Size(log_entries=10_000_000, work_orders=2_000_000, runs=100_000, products=1_000_000)
NONE = Size(log_entries=0, work_orders=0, runs=0, products=0)


def grow(tenant: Tenant, *, from_: Size, to: Size, whole: Size) -> None:
    """Add the rows between two sizes, `whole` being five years, and analyze them as autovacuum would."""
    from kingsync.database import sessions  # noqa: PLC0415 (after the set-up)
    from kingsync.king_mirror import search_index  # noqa: PLC0415

    names = {
        "top": TOP,
        "open": WITH_OPEN_ONES,
        "columns": ", ".join(DEFAULTS),
        "values": ", ".join(f"%({name})s" for name in DEFAULTS),
        "counts": ", ".join(f"{name}_count" for name in _COUNTS),
        "zeros": ", ".join("0" for _ in _COUNTS),
    }
    owner = {"tenant": tenant.pk, "administration": tenant.administration_id, "years": YEARS_SECONDS}
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
        for table, statement in (
            ("runs", _RUNS),
            ("work_orders", _WORK_ORDERS),
            ("log_entries", _LOG),
            ("products", _PRODUCTS),
        ):
            ends = {"from": getattr(from_, table), "to": getattr(to, table), "whole": getattr(whole, table)}
            cursor.execute(statement.format(**names), {**DEFAULTS, **owner, **ends, "runs": whole.runs})
        if not from_.runs:
            _continue_behind(cursor)
    while search_index.catch_up():
        pass
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _continue_behind(cursor: CursorWrapper) -> None:
    """Let the product's own rows have keys behind those made here."""
    for table in ("kingsync_workorder", "kingsync_syncrun", "kingsync_logentry"):
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, TOP + 1])
