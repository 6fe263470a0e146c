"""Start the runs that are due, for all tenants at once.

`NextRun` says when the clock looks at a tenant and kind again: one indexed statement finds and claims those rows,
however many others there are. Only what is found is then decided, by `kingsync.runs.schedule`, as on pages. Two clocks
at once claim different rows. docs/decisions/0040-dispatching.md.
"""

from __future__ import annotations

import datetime
import logging
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Count, Exists, OuterRef, Subquery

from kingsync.models import tenants
from kingsync.models.connections import Connection
from kingsync.models.runs import NextRun, RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.runs import lifecycle, schedule

logger = logging.getLogger(__name__)

# Rows that one transaction looks at: it locks them, and a run that ends waits for that.
ROWS_AT_ONCE = 500
# Runs of a kind that wait for a first worker: the others stay due, and start in the order in which they became so.
WAITING_AT_MOST = 500
# When thousands are due at once, as after an outage, they start over this long; from then on each keeps its own time.
SPREAD_SECONDS = 240.0
STARTED_AT_LEAST = 25
MEASURED_AGAIN_SECONDS, LONGEST_PAUSE_SECONDS = 600.0, 15.0
# A tenant that breaks the code here is left alone for so long.
PASSED_OVER = datetime.timedelta(minutes=5)

_DUE = " UNION ALL ".join(
    f"(SELECT id FROM kingsync_nextrun WHERE kind = '{kind.value}' AND due_at <= %(now)s"  # noqa: S608  (constants)
    f" ORDER BY due_at LIMIT %({kind.value})s)"
    for kind in RunKind
)
# The conditions once more outside: a row that another clock changed meanwhile is compared again when it is locked.
CLAIM = f"""
    SELECT id FROM kingsync_nextrun
    WHERE id = ANY (ARRAY(
        (SELECT id FROM kingsync_nextrun WHERE is_stale ORDER BY id LIMIT {ROWS_AT_ONCE})
        UNION ALL {_DUE} UNION ALL
        (SELECT id FROM kingsync_nextrun WHERE counted_from > %(ahead)s
            ORDER BY counted_from LIMIT %(import)s + %(export)s)
    )) AND (is_stale OR due_at <= %(now)s OR counted_from > %(ahead)s)
    FOR UPDATE SKIP LOCKED
"""  # noqa: S608  (constants only)
_SAVE = """
    UPDATE kingsync_nextrun AS row SET due_at = new.due_at, counted_from = new.counted_from, is_stale = false
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS new (id, due_at, counted_from)
    WHERE row.id = new.id
"""
_ADD_MISSING = """
    INSERT INTO kingsync_nextrun (tenant_id, kind)
    SELECT tenant_id, kind FROM kingsync_syncsettings AS settings CROSS JOIN unnest(%s::text[]) AS kind
    WHERE NOT EXISTS (
        SELECT FROM kingsync_nextrun AS row WHERE row.tenant_id = settings.tenant_id AND row.kind = kind
    )
    ON CONFLICT DO NOTHING
"""
_PACE = """
    SELECT count(*), coalesce(sum(1 / greatest(60, extract(epoch FROM due_at - counted_from))), 0) FROM kingsync_nextrun
"""


@dataclass(frozen=True)
class Facts:
    """What decides about the runs of some tenants, read in one statement per table."""

    settings: Mapping[int, SyncSettings]
    connections: Mapping[int, list[Connection]]
    _minutes: dict[int, dict[RunKind, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, tenant_ids: Iterable[int]) -> Facts:
        wanted = set(tenant_ids)
        settings = SyncSettings.across_tenants.filter(tenant_id__in=wanted).select_related("tenant")
        connections: dict[int, list[Connection]] = {}
        for row in Connection.across_tenants.filter(tenant_id__in=wanted).defer("credentials"):
            connections.setdefault(row.tenant_id, []).append(row)
        return cls({row.tenant_id: row for row in settings}, connections)

    def minutes(self, tenant_id: int) -> dict[RunKind, int]:
        """Return the kinds that the schedule starts for a tenant, each with its interval."""
        if tenant_id not in self._minutes:
            connections = self.connections.get(tenant_id, [])
            self._minutes[tenant_id] = schedule.wanted_minutes(self.settings.get(tenant_id), connections)
        return self._minutes[tenant_id]


@dataclass(frozen=True)
class Look:
    """What the clock found for a tenant and kind; without `since` nothing is to be started until something changes."""

    row: NextRun
    settings: SyncSettings | None = None
    since: datetime.datetime | None = None
    due_at: datetime.datetime | None = None

    def is_due(self, now: datetime.datetime) -> bool:
        return self.due_at is not None and self.due_at <= now


@dataclass
class Started:
    """The runs that one look queued; `is_more` when it left rows for another one right away."""

    runs: list[SyncRun] = field(default_factory=list)
    is_more: bool = False


def start_due(*, now: datetime.datetime, at_most: int) -> Started:
    """Claim the rows that want a look, oldest first, and queue what is due, at most so many runs."""
    with tenants.across(), transaction.atomic():
        room = _room(at_most)
        claimed = _claim(now, room)
        if not claimed:
            return Started()
        looks = _looks(claimed, now)
        started, left = _start([look for look in looks if look.is_due(now)], room, at_most)
        _save([look for look in looks if look.row.pk not in left], started)
    return Started(list(started.values()), is_more=sum(row.is_stale for row in claimed) >= ROWS_AT_ONCE)


def _room(at_most: int) -> dict[RunKind, int]:
    """Return how many runs of each kind may be queued: workers that are behind get no more until they took some."""
    waiting = dict(
        SyncRun.across_tenants.filter(status=RunStatus.QUEUED, trigger=SyncRun.Trigger.SCHEDULE, attempt=0)
        .values_list("kind")
        .annotate(count=Count("id"))
    )
    return {kind: max(0, min(at_most, WAITING_AT_MOST - waiting.get(kind.value, 0))) for kind in RunKind}


def parameters(now: datetime.datetime, room: Mapping[RunKind, int]) -> dict[str, Any]:
    """Return the parameters of `CLAIM`."""
    limits = {kind.value: number for kind, number in room.items()}
    return {"now": now, "ahead": now + schedule.CLOCKS_DIFFER, **limits}


def _claim(now: datetime.datetime, room: Mapping[RunKind, int]) -> list[NextRun]:
    """Lock what wants a look and is not locked; return it with what is known of its runs, the longest due first."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, parameters(now, room))
        keys = [key for (key,) in cursor.fetchall()]
    rows = _with_runs(NextRun.across_tenants.filter(pk__in=keys)) if keys else []
    return sorted(rows, key=lambda row: (row.due_at or now, row.pk))


def _with_runs(rows: models.QuerySet[NextRun]) -> models.QuerySet[NextRun]:
    """Add whether a run is open, when the newest complete one was queued, and when the settings were saved."""
    runs = SyncRun.across_tenants.filter(tenant_id=OuterRef("tenant_id"), kind=OuterRef("kind"))
    versions = SettingsVersion.across_tenants.filter(tenant_id=OuterRef("tenant_id")).order_by("-version")
    return rows.annotate(
        has_open=Exists(runs.filter(status__in=SyncRun.OPEN)),
        queued_at=Subquery(schedule.complete(runs).order_by("-id").values("queued_at")[:1]),
        saved_at=Subquery(versions.values("saved_at")[:1]),
    )


def _looks(rows: Sequence[NextRun], now: datetime.datetime) -> list[Look]:
    facts = Facts.of(row.tenant_id for row in rows)
    return [_look(row, facts, now) for row in rows]


def _look(row: NextRun, facts: Facts, now: datetime.datetime) -> Look:
    """Decide about one row; a tenant that nobody can decide about is looked at again later, and holds up no other."""
    try:
        return _decided(row, facts, now)
    except Exception:
        logger.exception("schedule.failed: tenant %s was passed over", row.tenant_id)
        return Look(row, since=now, due_at=now + PASSED_OVER)


def _decided(row: NextRun, facts: Facts, now: datetime.datetime) -> Look:
    settings = facts.settings.get(row.tenant_id)
    minutes = facts.minutes(row.tenant_id).get(RunKind(row.kind))
    since = schedule.counted_from(row.queued_at, row.saved_at)  # type: ignore[attr-defined]
    if minutes is None or since is None or row.has_open:  # type: ignore[attr-defined]
        return Look(row, settings)
    return Look(row, settings, since, schedule.due_at(since, minutes=minutes, now=now))


def _start(due: Sequence[Look], room: dict[RunKind, int], at_most: int) -> tuple[dict[int, SyncRun], set[int]]:
    """Queue as many as there is room for; return the runs by row, and the rows that are left to the next look."""
    chosen: list[Look] = []
    for look in due:
        kind = RunKind(look.row.kind)
        if room[kind] > 0 and len(chosen) < at_most:
            room[kind] -= 1
            chosen.append(look)
    wanted = [
        lifecycle.Scheduled(look.row.tenant_id, RunKind(look.row.kind), look.settings.version)
        for look in chosen
        if look.settings
    ]
    queued = {(run.tenant_id, run.kind): run for run in lifecycle.queue_scheduled(wanted)}
    started = {look.row.pk: run for look in due if (run := queued.get((look.row.tenant_id, look.row.kind)))}
    return started, {look.row.pk for look in due if look.row.pk not in started and not look.row.is_stale}


def _save(looks: Sequence[Look], started: Mapping[int, SyncRun]) -> None:
    """Save when each is looked at again: not while its run is open, since the end of a run says so itself."""
    rows = [Look(look.row) if look.row.pk in started else look for look in looks]
    with connection.cursor() as cursor:
        cursor.execute(
            _SAVE,
            [[look.row.pk for look in rows], [look.due_at for look in rows], [look.since for look in rows]],
        )


# --- How many at once -------------------------------------------------------------------------------------------------


class Pace:
    """How many runs may start now: twice what all intervals together need, so that a backlog shrinks."""

    def __init__(self) -> None:
        self._per_second = 0.0
        self._measured_at = self._asked_at = -math.inf

    def allowed(self) -> int:
        """Return how many may start after the time that passed since this was last asked."""
        now = time.monotonic()
        if now - self._measured_at > MEASURED_AGAIN_SECONDS:
            self._measure(now)
        passed, self._asked_at = min(now - self._asked_at, LONGEST_PAUSE_SECONDS), now
        return max(STARTED_AT_LEAST, math.ceil(self._per_second * passed))

    def _measure(self, now: float) -> None:
        """Learn from the whole table how many runs a second the tenants need."""
        with tenants.across(), connection.cursor() as cursor:
            cursor.execute(_PACE)
            count, per_second = cursor.fetchone()
        self._per_second, self._measured_at = max(2 * float(per_second), count / SPREAD_SECONDS), now


# --- The safety net ---------------------------------------------------------------------------------------------------


def reconcile(*, now: datetime.datetime) -> int:
    """Look at every tenant, and correct the rows that would let a run start too late; return how many there were.

    Nothing should ever need it: the database marks what changes. It also serves a database that was restored without
    its triggers, and rows that are missing.
    """
    with tenants.across():
        with connection.cursor() as cursor:
            cursor.execute(_ADD_MISSING, [[kind.value for kind in RunKind]])
        corrected, last = 0, 0
        while rows := list(_with_runs(NextRun.across_tenants.filter(pk__gt=last)).order_by("pk")[:ROWS_AT_ONCE]):
            last = rows[-1].pk
            late = [look.row.pk for look in _looks(rows, now) if _is_late(look)]
            corrected += _mark(late) if late else 0
    if corrected:
        logger.warning("schedule.corrected: %s runs would have started too late", corrected)
    return corrected


def _mark(late: list[int]) -> int:
    """Mark rows as stale, without waiting for those that another process has locked."""
    with transaction.atomic():
        free = NextRun.across_tenants.select_for_update(skip_locked=True).filter(pk__in=late)
        return NextRun.across_tenants.filter(pk__in=[row.pk for row in free]).update(is_stale=True)


def _is_late(look: Look) -> bool:
    row, due_at = look.row, look.due_at
    return not row.is_stale and due_at is not None and (row.due_at is None or row.due_at > due_at)
