"""Many idle companies with a real clock and a real worker: what the calculation leaves out would show here."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench import button, processor
from bench.capacity_table import Costs
from bench.figures import Figure
from bench.world import Company
from devservers import children
from devservers.places import CHECKOUT

if TYPE_CHECKING:
    from django.db import models

WARM_UP_SECONDS, PATIENCE_SECONDS = 20.0, 30.0
MINUTES_BETWEEN, PRESSES = 15, 6
# What is due is done, soon; of a core the clock itself takes little; a worker needs few sessions.
CHECKED, BEGUN_SECONDS, CLOCK, SESSIONS = 0.95, 2.0, 0.1, 20
_WAITING = "SELECT count(*) FROM kingsync_syncrun WHERE status = 'queued'"
_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
CELERY = (sys.executable, "-m", "celery", "--quiet", "--app", "kingsync.celery")
QUIET = ("--loglevel", "ERROR")
# Companies like the one that there is, each with an administration of its own at the same King, and with the same
# OutSmart, which has nothing for them. Each has read its administration and ran lately: a check makes no call to King.
_COMPANIES = """
    INSERT INTO kingsync_tenant (slug, {tenant}) SELECT 'idle-' || n, {tenant}
    FROM kingsync_tenant, generate_series(1, %(companies)s) n WHERE slug = %(like)s;
    INSERT INTO kingsync_administration (tenant_id, name, key)
    SELECT id, slug, slug FROM kingsync_tenant WHERE slug LIKE 'idle-%%';
    UPDATE kingsync_tenant SET administration_id = made.id FROM kingsync_administration AS made
    WHERE made.tenant_id = kingsync_tenant.id AND slug LIKE 'idle-%%';
    INSERT INTO kingsync_connection (tenant_id, administration, {connection})
    SELECT idle.id, CASE WHEN copied.administration <> '' THEN idle.slug ELSE '' END, {connection_of}
    FROM kingsync_connection AS copied JOIN kingsync_tenant AS its ON its.id = copied.tenant_id AND its.slug = %(like)s
    CROSS JOIN kingsync_tenant AS idle WHERE idle.slug LIKE 'idle-%%';
    INSERT INTO kingsync_syncsettings (tenant_id, {settings}) SELECT idle.id, {settings_of}
    FROM kingsync_syncsettings AS copied
    JOIN kingsync_tenant AS its ON its.id = copied.tenant_id AND its.slug = %(like)s
    CROSS JOIN kingsync_tenant AS idle WHERE idle.slug LIKE 'idle-%%';
    INSERT INTO kingsync_readstate (tenant_id, administration_id, {read})
    SELECT idle.id, idle.administration_id, {read_of}
    FROM kingsync_readstate AS copied JOIN kingsync_tenant AS its ON its.id = copied.tenant_id AND its.slug = %(like)s
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


def figures(company: Company, *, companies: int, seconds: float, costs: Costs) -> Iterator[Figure]:
    """Serve these companies for so long, press a button now and then, and yield what came of it."""
    _make(company.slug, companies)
    with ExitStack() as stack:
        pids = {name: _start(stack, command) for name, command in _parts().items()}
        _waited_after(0.0, company.slug)  # until the worker works
        time.sleep(min(WARM_UP_SECONDS, seconds))
        before, used, began = _finished(), _processors(pids), time.monotonic()
        server = processor.used()
        waits = [_waited_after(seconds / PRESSES, company.slug) for _ in range(PRESSES)]
        lasted = time.monotonic() - began
        checks, waiting, sessions = _finished() - before, _count(_WAITING), _count(_SESSIONS)
        spent = {name: after - used[name] for name, after in _processors(pids).items()}
        spent["database"] = processor.used().since(server).database_seconds
    due = companies * lasted / (MINUTES_BETWEEN * 60)
    yield Figure(f"{companies} idle companies: checks that ended ÷ due", checks / due, at_least=CHECKED)
    yield Figure("companies that wait in the end", waiting, "")
    yield Figure("half of the checks began within", _median("started_at - queued_at"), "s", bound=BEGUN_SECONDS)
    yield Figure("a button: longest wait of those pressed", max(waits), "s", bound=BEGUN_SECONDS)
    yield Figure("half of the checks took", _median("finished_at - started_at"), "s")
    yield Figure("sessions of the database, all", sessions, "", bound=SESSIONS)
    for name, each in spent.items():
        yield Figure(f"{name}, of a core", each / lasted, "", bound=CLOCK if name == "clock" else None)
    for name, calculated in (("worker", costs.check.process_seconds), ("database", costs.check.database_seconds)):
        yield Figure(f"a check: {name}", 1000 * spent[name] / max(1, checks), "ms")
        yield Figure(f"a check: {name}, as calculated", 1000 * calculated, "ms")


def _waited_after(seconds: float, slug: str) -> float:
    """Press the button of a company after so long; return how many seconds its run was queued."""
    time.sleep(seconds)
    return button.started(button.press(slug))


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
    from kingsync.models.links import ReadState  # noqa: PLC0415
    from kingsync.models.runs import SyncRun  # noqa: PLC0415
    from kingsync.models.sync_settings import SyncSettings  # noqa: PLC0415
    from kingsync.models.tenants import Tenant  # noqa: PLC0415

    SyncSettings.across_tenants.update(schedule_enabled=True, export_minutes=MINUTES_BETWEEN)
    moments = ("number", "administration_id", "queued_at", "started_at", "finished_at")
    names = {
        "tenant": _columns(Tenant, "slug", "administration_id"),
        "connection": _columns(Connection, "administration"),
        "connection_of": _columns(Connection, "administration", of="copied."),
        "settings": _columns(SyncSettings),
        "settings_of": _columns(SyncSettings, of="copied."),
        "read": _columns(ReadState, "administration_id"),
        "read_of": _columns(ReadState, "administration_id", of="copied."),
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
    return _count("SELECT count(*) FROM kingsync_syncrun WHERE status = 'succeeded' AND trigger = 'schedule'")


def _median(took: str) -> float:
    """Return the median of what the checks since the start took, in seconds."""
    middle = f"percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM {took}) * 1000)"
    return _count(f"SELECT coalesce({middle}, 0)::bigint FROM kingsync_syncrun WHERE number = 2") / 1000


def _count(query: str) -> int:
    from django.db import connection  # noqa: PLC0415 (after the set-up)

    from kingsync.database import sessions  # noqa: PLC0415

    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(query)
        [(number,)] = cursor.fetchall()
    return int(number)
