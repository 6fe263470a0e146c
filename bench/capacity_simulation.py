"""Many idle companies with a real clock and a real worker: what the calculation leaves out would show here."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench import processor
from bench.capacity_table import Costs
from bench.world import Company
from devservers import children
from devservers.places import CHECKOUT

if TYPE_CHECKING:
    from django.db import models

SECONDS, WARM_UP_SECONDS, PATIENCE_SECONDS = 60.0, 20.0, 30.0
MINUTES_BETWEEN = 15
CELERY = (sys.executable, "-m", "celery", "--quiet", "--app", "kingsync.celery")
QUIET = ("--loglevel", "ERROR")
# Companies like the one that there is, with the same King and OutSmart, which have nothing for them; each ran lately.
_COMPANIES = """
    INSERT INTO kingsync_tenant (slug, {tenant}) SELECT 'idle-' || n, {tenant}
    FROM kingsync_tenant, generate_series(1, %(companies)s) n WHERE slug = %(like)s;
    INSERT INTO kingsync_administration (tenant_id, name, key)
    SELECT id, slug, slug FROM kingsync_tenant WHERE slug LIKE 'idle-%%';
    UPDATE kingsync_tenant SET administration_id = made.id FROM kingsync_administration AS made
    WHERE made.tenant_id = kingsync_tenant.id AND slug LIKE 'idle-%%';
    INSERT INTO kingsync_connection (tenant_id, {connection}) SELECT idle.id, {connection_of}
    FROM kingsync_connection AS copied JOIN kingsync_tenant AS its ON its.id = copied.tenant_id AND its.slug = %(like)s
    CROSS JOIN kingsync_tenant AS idle WHERE idle.slug LIKE 'idle-%%';
    INSERT INTO kingsync_syncsettings (tenant_id, {settings}) SELECT idle.id, {settings_of}
    FROM kingsync_syncsettings AS copied
    JOIN kingsync_tenant AS its ON its.id = copied.tenant_id AND its.slug = %(like)s
    CROSS JOIN kingsync_tenant AS idle WHERE idle.slug LIKE 'idle-%%';
    INSERT INTO kingsync_syncrun (tenant_id, administration_id, number, {run}, queued_at, started_at, finished_at)
    SELECT idle.id, idle.administration_id, 1, {run_of}, ended, ended, ended
    FROM (
        SELECT copied.* FROM kingsync_syncrun AS copied JOIN kingsync_tenant AS its ON its.id = copied.tenant_id
        WHERE its.slug = %(like)s AND status = 'succeeded' ORDER BY copied.id DESC LIMIT 1
    ) AS copied
    CROSS JOIN kingsync_tenant AS idle
    CROSS JOIN LATERAL (
        SELECT now() - make_interval(secs => idle.id * 7919 %% ({minutes} * 60000) / 1000.0) AS ended
    ) AS moment
    WHERE idle.slug LIKE 'idle-%%'
"""


def lines(company: Company, *, companies: int, costs: Costs) -> Iterator[str]:
    """Serve these companies for a minute; say what came of it, beside what was calculated."""
    _make(company.slug, companies)
    with ExitStack() as stack:
        pids = {name: _start(stack, command) for name, command in _parts().items()}
        time.sleep(WARM_UP_SECONDS)
        before, used, began = _finished(), _processors(pids), time.monotonic()
        server = processor.used()
        time.sleep(SECONDS)
        seconds = time.monotonic() - began
        checks, waiting, sessions = _finished() - before, _waiting(), _sessions()
        begun, ended = _median("started_at - queued_at"), _median("finished_at - started_at")
        spent = {name: after - used[name] for name, after in _processors(pids).items()}
        server = processor.used().since(server)
    due = companies * seconds / (MINUTES_BETWEEN * 60)
    yield f"{companies} idle companies, {seconds:.0f} s: {checks} checks ended, {due:.0f} were due; {waiting} wait now"
    yield f"half of them began within {begun:.2f} s and ended within {ended:.2f} s; {sessions} sessions of the database"
    for name, each in spent.items():
        yield f"{name}: {each / seconds:.3f} of a core"
    yield f"database: {server.database_seconds / seconds:.3f} of a core"
    for name, each, calculated in (
        ("worker", spent["worker"], costs.check.process_seconds),
        ("database", server.database_seconds, costs.check.database_seconds),
    ):
        yield f"{name}: {1000 * each / max(1, checks):.1f} ms a check, calculated {1000 * calculated:.1f}"


def _parts() -> dict[str, tuple[str, ...]]:
    from kingsync import thread_worker  # noqa: PLC0415 (after the set-up)

    worker = (*CELERY, "worker", "--queues", "exports", *thread_worker.OPTIONS, *QUIET, "--without-mingle")
    return {"clock": (*CELERY, "beat", *QUIET), "worker": worker}


def _make(like: str, companies: int) -> None:
    """Create the companies, and let the clock look at each once."""
    from django.db import connection  # noqa: PLC0415 (after the set-up)

    from kingsync import tasks  # noqa: PLC0415
    from kingsync.database import sessions  # noqa: PLC0415
    from kingsync.models.connections import Connection  # noqa: PLC0415
    from kingsync.models.runs import SyncRun  # noqa: PLC0415
    from kingsync.models.sync_settings import SyncSettings  # noqa: PLC0415
    from kingsync.models.tenants import Tenant  # noqa: PLC0415

    SyncSettings.across_tenants.update(schedule_enabled=True, export_minutes=MINUTES_BETWEEN)
    moments = ("number", "administration_id", "queued_at", "started_at", "finished_at")
    names = {
        "tenant": _columns(Tenant, "slug", "administration_id"),
        "connection": _columns(Connection),
        "connection_of": _columns(Connection, of="copied."),
        "settings": _columns(SyncSettings),
        "settings_of": _columns(SyncSettings, of="copied."),
        "run": _columns(SyncRun, *moments),
        "run_of": _columns(SyncRun, *moments, of="copied."),
        "minutes": MINUTES_BETWEEN,
    }
    with sessions.as_owner(), connection.cursor() as cursor:
        for statement in _COMPANIES.format(**names).split(";\n"):
            cursor.execute(statement, {"companies": companies, "like": like})
        cursor.execute("VACUUM ANALYZE")
    tasks.check_schedule()


def _columns(model: type[models.Model], *without: str, of: str = "") -> str:
    left_out = {"id", "tenant_id", *without}
    return ", ".join(f"{of}{field.column}" for field in model._meta.concrete_fields if field.column not in left_out)


def _start(stack: ExitStack, command: tuple[str, ...]) -> int:
    process = children.start(command, death_signal=signal.SIGTERM, cwd=CHECKOUT)
    stack.callback(children.stop, process, patience_seconds=PATIENCE_SECONDS)
    return process.pid


def _processors(pids: dict[str, int]) -> dict[str, float]:
    """Return the processor time of each part with its living processes."""
    return {name: processor.seconds_of(processor.family(pid)) for name, pid in pids.items()}


def _finished() -> int:
    return _count("SELECT count(*) FROM kingsync_syncrun WHERE status = 'succeeded'")


def _waiting() -> int:
    return _count("SELECT count(*) FROM kingsync_syncrun WHERE status = 'queued'")


def _median(took: str) -> float:
    """Return the median of what the checks since the start took, in seconds."""
    middle = f"percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM {took}) * 1000)"
    return _count(f"SELECT coalesce({middle}, 0)::bigint FROM kingsync_syncrun WHERE number = 2") / 1000


def _sessions() -> int:
    return _count("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")


def _count(query: str) -> int:
    from django.db import connection  # noqa: PLC0415 (after the set-up)

    from kingsync.database import sessions  # noqa: PLC0415

    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(query)
        [(number,)] = cursor.fetchall()
    return int(number)
