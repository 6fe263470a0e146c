"""What the database knows of all companies, asked by a few statements over all of them, never by one per company.

docs/decisions/0043-watching.md has what they cost.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.work_orders import LedgerState
from kingsync.runs.failures import GOOD
from kingsync.watch import catalog
from kingsync.watch.catalog import Metric

Found = list[tuple[Metric, tuple[str, ...], float]]
Row = Sequence[Any]
# Sample → (label, value) pairs → number.
Counted = dict[str, dict[tuple[tuple[str, str], ...], float]]

# A database that needs longer for one of them has other worries.
STATEMENT_SECONDS = 5
ENDED_SECONDS = 600.0
_ENDED = (LedgerState.DONE, LedgerState.EXCLUDED)

# From the index `one_open_run_per_tenant_and_kind`.
_OPEN_RUNS = """
    SELECT kind, status, count(*), extract(epoch FROM clock_timestamp() - min(queued_at))
    FROM kingsync_syncrun WHERE status IN ('queued', 'running') GROUP BY kind, status
"""
# From the index `work_orders_open`.
_OPEN_WORK_ORDERS = """
    SELECT work_order.state, count(*),
        extract(epoch FROM clock_timestamp() - min(coalesce(work_order.changed_at, work_order.first_seen_at)))
    FROM kingsync_workorder work_order
    JOIN kingsync_tenant present ON present.administration_id = work_order.administration_id
    WHERE NOT (work_order.state IN ('done', 'excluded')) GROUP BY work_order.state
"""
# From the index `work_orders_by_state` alone, but all of it.
_ENDED_WORK_ORDERS = """
    SELECT state, count(*) FROM kingsync_workorder WHERE state IN ('done', 'excluded') GROUP BY state
"""
# For each company and kind one look into the index `runs_that_ended_well`.
_LAST_GOOD = f"""
    SELECT tenant.slug, kind.name,
        CASE WHEN tenant.is_licensed AND tenant.closing_at IS NULL
            AND coalesce(tenant.licensed_until >= %(today)s, true) AND coalesce(choices.schedule_enabled, false)
            THEN 'scheduled' ELSE 'other' END AS class,
        extract(epoch FROM clock_timestamp() - good.finished_at) AS age
    FROM kingsync_tenant tenant CROSS JOIN unnest(%(kinds)s::text[]) AS kind (name)
    LEFT JOIN kingsync_syncsettings choices ON choices.tenant_id = tenant.id
    LEFT JOIN LATERAL (
        SELECT run.finished_at FROM kingsync_syncrun run
        WHERE run.tenant_id = tenant.id AND run.kind = kind.name AND run.status IN {tuple(map(str, GOOD))}
            AND NOT (run.options ?| %(partial)s)
        ORDER BY run.id DESC LIMIT 1
    ) good ON true
"""  # noqa: S608  (constants only)
_AGE = " ".join(f"WHEN age <= {seconds} THEN '{name}'" for name, seconds in catalog.AGES.items())
_COMPANIES = f"""
    SELECT name, class, CASE WHEN age IS NULL THEN '{catalog.NEVER}' {_AGE} ELSE '{catalog.OLDER}' END,
        count(*), max(age)
    FROM ({_LAST_GOOD}) known GROUP BY 1, 2, 3
"""  # noqa: S608  (constants only)
_HEARTBEATS = "SELECT part, extract(epoch FROM clock_timestamp() - at) FROM kingsync_heartbeat"
_CONNECTIONS = """
    SELECT system,
        CASE WHEN state = 'paused' THEN state WHEN last_attempt_problem <> '{}' THEN 'failing' ELSE 'ok' END, count(*)
    FROM kingsync_connection WHERE base_url <> '' GROUP BY 1, 2
"""
_SILENCES = "SELECT kind, count(*) FROM kingsync_silence WHERE ended_at IS NULL GROUP BY kind"
# For each company one look into the index `notices_newest_first`.
_UNSENT = """
    SELECT count(*) FROM kingsync_tenant tenant CROSS JOIN LATERAL (
        SELECT problem FROM kingsync_sentnotification sent WHERE sent.tenant_id = tenant.id
        ORDER BY sent.id DESC LIMIT 1
    ) newest WHERE newest.problem <> ''
"""
_APPROVALS = "SELECT count(*) FROM kingsync_changelimittrip WHERE state = 'waiting'"
_TALLIES = "SELECT sample, labels, value FROM kingsync_tally"


@dataclass(frozen=True)
class Snapshot:
    """Values that are as they are now, and what was counted since the installation began."""

    found: Found
    counted: Counted


def take() -> Snapshot | None:
    """Ask everything; None when the database does not answer in time."""
    try:
        with tenants.across(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
            return Snapshot(_found(cursor), _counted(cursor))
    except DatabaseError:
        return None


def _found(cursor: Any) -> Found:
    return [
        *_open_runs(_rows(cursor, _OPEN_RUNS)),
        *_work_orders(cursor),
        *_companies(cursor),
        *((catalog.HEARTBEAT, (part,), _number(age)) for part, age in _rows(cursor, _HEARTBEATS)),
        *((catalog.CONNECTIONS, (system, state), number) for system, state, number in _rows(cursor, _CONNECTIONS)),
        *((catalog.SILENCES, (kind,), number) for kind, number in _rows(cursor, _SILENCES)),
        *((catalog.UNSENT_MAILS, (), number) for (number,) in _rows(cursor, _UNSENT)),
        *((catalog.APPROVALS, (), number) for (number,) in _rows(cursor, _APPROVALS)),
    ]


def _open_runs(rows: Sequence[Row]) -> Found:
    known = {(kind, status): (number, age) for kind, status, number, age in rows}
    found: Found = []
    for key in ((kind.value, status.value) for kind in RunKind for status in SyncRun.OPEN):
        number, age = known.get(key, (0, 0))
        found += [(catalog.OPEN_RUNS, key, number), (catalog.OLDEST_OPEN_RUN, key, _number(age))]
    return found


def _work_orders(cursor: Any) -> Found:
    known = {state: (number, age) for state, number, age in _rows(cursor, _OPEN_WORK_ORDERS)}
    ended = _ended.value(lambda: {str(row[0]): int(row[1]) for row in _rows(cursor, _ENDED_WORK_ORDERS)})
    found: Found = [(catalog.WORK_ORDERS, (state.value,), ended.get(state.value, 0)) for state in _ENDED]
    for state in LedgerState:
        if state not in _ENDED:
            number, age = known.get(state.value, (0, 0))
            found.append((catalog.WORK_ORDERS, (state.value,), number))
            found.append((catalog.OLDEST_WORK_ORDER, (state.value,), _number(age)))
    return found


def _companies(cursor: Any) -> Found:
    values = {
        "today": timezone.localdate(),
        "kinds": [kind.value for kind in RunKind],
        "partial": SyncRun.PARTIAL,
    }
    found: Found = []
    oldest: dict[tuple[str, str], float] = {}
    for kind, of_class, age, number, most in _rows(cursor, _COMPANIES, values):
        found.append((catalog.LAST_GOOD, (kind, of_class, age), number))
        if most is not None:
            oldest[kind, of_class] = max(_number(most), oldest.get((kind, of_class), 0.0))
    found += [(catalog.OLDEST_GOOD, key, age) for key, age in oldest.items()]
    if settings.METRICS_COMPANIES:
        rows = _rows(cursor, _LAST_GOOD, values)
        found += [(catalog.COMPANY_GOOD, (slug, kind), _number(age)) for slug, kind, _, age in rows if age is not None]
    return found


def _counted(cursor: Any) -> Counted:
    found: Counted = {}
    for sample, labels, value in _rows(cursor, _TALLIES):
        found.setdefault(sample, {})[tuple(json.loads(labels).items())] = value
    return found


def _rows(cursor: Any, statement: str, values: dict[str, Any] | None = None) -> Sequence[Row]:
    cursor.execute(statement, values)
    return list(cursor.fetchall())


def _number(value: Any) -> float:
    """Return a duration; a machine's clock that was set back makes none negative."""
    return max(0.0, float(value))


class Seldom:
    """A value that is asked for every ten minutes only: counting millions of work orders takes a second."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._value: dict[str, int] = {}
        self._until = 0.0

    def value(self, ask: Callable[[], dict[str, int]]) -> dict[str, int]:
        if time.monotonic() >= self._until:
            self._value, self._until = ask(), time.monotonic() + ENDED_SECONDS
        return self._value


_ended = Seldom()
