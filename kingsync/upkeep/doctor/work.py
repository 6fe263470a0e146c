"""What goes on: clock, workers, queues, runs, tenants' connections, verification. Tenants are counted, never named."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.db.models import Count, Max, Min, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from kingsync.models.connections import Connection, System
from kingsync.models.heartbeats import Heartbeat
from kingsync.models.restores import RestoreWatch
from kingsync.models.runs import RunStatus, SyncRun
from kingsync.models.work_orders import WorkOrder
from kingsync.runs import heartbeats, lifecycle
from kingsync.runs import queues as queues_of_broker
from kingsync.upkeep.doctor.checks import Finding, ok, warning, wrong

CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 5.0
# Messages that no worker took expire; more than these mean that nobody takes any.
QUEUE_LONG = 1_000
# A worker and its queue have the same name.
QUEUES = (Heartbeat.Part.EXPORTS, Heartbeat.Part.IMPORTS)
# Exported work orders are looked up daily, for far longer than this.
VERIFIED_WITHIN, LOOKED_UP_FOR = datetime.timedelta(days=2), datetime.timedelta(days=30)


def clock() -> list[Finding]:
    return [_of_part(Heartbeat.Part.CLOCK, "Start the clock (celery beat): nothing is scheduled without it.")]


def workers() -> list[Finding]:
    return [
        _of_part(part, f"Start a worker of the queue {part.value}: its runs wait in the database.") for part in QUEUES
    ]


def _of_part(part: Heartbeat.Part, todo: str) -> Finding:
    row = Heartbeat.objects.filter(part=part).first()
    if row is None:
        return wrong(f"{part.value}: never had a heartbeat", todo)
    text = f"{part.value}: last heartbeat at {_at(row.at)}"
    return wrong(text, todo) if part.value in heartbeats.silent_parts() else ok(text)


def queues() -> list[Finding]:
    """Count the messages in the broker, and say how long the oldest run waits."""
    import redis  # noqa: PLC0415 - see `kingsync.runs.queues.asked_once`

    limits = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": ANSWER_SECONDS}
    with redis.Redis.from_url(settings.REDIS_URL, **limits) as broker:
        lengths: dict[str, int] = {part.value: queues_of_broker.length(broker, part.value) for part in QUEUES}
    queued = SyncRun.across_tenants.filter(status=RunStatus.QUEUED)
    oldest = queued.aggregate(oldest=Min("queued_at"))["oldest"]
    shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
    text = f"messages: {shown}; runs that wait: {queued.count()}"
    text += f", the oldest since {_at(oldest)}" if oldest else ""
    if max(lengths.values()) > QUEUE_LONG:
        return [warning(text, "Start more workers of the longest queue.")]
    return [ok(text)]


def stuck_runs() -> list[Finding]:
    running, waiting = _lease_over().count(), _queued_too_long().count()
    found = []
    if running:
        todo = "The clock takes them over within a minute; if they stay, look at the log of the workers."
        found.append(wrong(f"{running} without a worker: its lease is over", todo))
    if waiting:
        minutes = int(lifecycle.QUEUED_TOO_LONG.total_seconds() // 60)
        todo = "Look at clock, workers and broker above; with all well, start more workers."
        found.append(warning(f"{waiting} queued for more than {minutes} min.", todo))
    return found or [ok("none")]


def _lease_over() -> QuerySet[SyncRun]:
    return SyncRun.across_tenants.filter(status=RunStatus.RUNNING, lease_until__lt=Now())


def _queued_too_long() -> QuerySet[SyncRun]:
    since = Coalesce("heartbeat_at", "queued_at")
    queued = SyncRun.across_tenants.filter(status=RunStatus.QUEUED)
    return queued.alias(since=since).filter(since__lt=timezone.now() - lifecycle.QUEUED_TOO_LONG)


def connections_of_tenants() -> list[Finding]:
    """Count the connections that do not work, by system and cause: one cause for all is ours, not the tenants'."""
    named = Connection.across_tenants.exclude(base_url="").defer("credentials")
    parts = []
    for state, rows in (
        ("paused", named.filter(state=Connection.State.PAUSED)),
        ("failing", named.filter(~Q(last_attempt_problem={}), state=Connection.State.ACTIVE)),
    ):
        causes = _causes(rows, "paused_reason" if state == "paused" else "last_attempt_problem")
        parts.append(f"{state}: {rows.count()}" + (f" ({causes})" if causes else ""))
    text = f"{named.count()}, of which {', '.join(parts)}"
    if named.filter(Q(state=Connection.State.PAUSED) | ~Q(last_attempt_problem={})).exists():
        todo = "The list of companies (/operators/) names them, with what each has to do."
        return [warning(text, todo)]
    return [ok(text)]


def _causes(rows: QuerySet[Connection], field: str) -> str:
    codes = rows.values_list("system", KT(f"{field}__code")).annotate(number=Count("pk")).order_by("-number")
    return ", ".join(f"{System(system).label}: {code} {number}" for system, code, number in codes if code)


def restores() -> list[Finding]:
    """Tell of restores that were noticed: what they lost may wait for a decision."""
    newest = RestoreWatch.across_tenants.aggregate(newest=Max("noticed_at"))["newest"]
    if newest is None:
        return [ok("no restored database was noticed")]
    todo = "Run `manage.py check_restore SLUG` for the companies that exported since that backup."
    recent = newest > timezone.now() - datetime.timedelta(days=7)
    text = f"a restored database was noticed at {_at(newest)}"
    return [warning(text, todo) if recent else ok(text)]


def verification() -> list[Finding]:
    """Say when exported work orders were last looked up again; nothing where none waits for it."""
    now = timezone.now()
    due = {"exported_at__gt": now - LOOKED_UP_FOR, "exported_at__lt": now - VERIFIED_WITHIN}
    if not WorkOrder.across_tenants.filter(**due).exists():
        return [ok("nothing waits for it")]
    newest = WorkOrder.across_tenants.aggregate(outsmart=Max("verified_at"), king=Max("king_checked_at"))
    at = max((each for each in newest.values() if each), default=None)
    text = f"exported work orders were last checked: {_at(at) if at else 'never'}"
    todo = "Look at the clock, which verifies a portion every few minutes, and at the connections."
    return [ok(text)] if at and at > now - VERIFIED_WITHIN else [warning(text, todo)]


def _at(moment: datetime.datetime) -> str:
    return timezone.localtime(moment).isoformat(sep=" ", timespec="seconds")
