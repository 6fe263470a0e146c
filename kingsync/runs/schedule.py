"""Which runs are due, by the tenant's own intervals."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from functools import cached_property

from django.db import models
from django.utils import timezone

from kingsync.models.connections import Connection, System
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.runs import wanted

# Clocks of two machines may differ by as much; what is further ahead was written before a clock was set back.
CLOCKS_DIFFER = datetime.timedelta(minutes=5)


def due_kinds(*, now: datetime.datetime) -> list[RunKind]:
    """Return the kinds of run that the current tenant is due for; none while a connection is paused."""
    settings = SyncSettings.objects.select_related("tenant").first()
    connections = list(Connection.objects.defer("credentials"))
    minutes, past = wanted_minutes(settings, connections), Past()
    return [kind for kind, each in minutes.items() if is_due(kind, minutes=each, now=now, past=past)]


def wanted_minutes(settings: SyncSettings | None, connections: Collection[Connection]) -> dict[RunKind, int]:
    """Return the kinds that the schedule starts and that have their connections, with their minutes."""
    found = intervals(settings)
    return {kind: minutes for kind, minutes in found.items() if is_connected(kind, connections)}


def intervals(settings: SyncSettings | None) -> dict[RunKind, int]:
    """Return the kinds of run that the schedule starts, each with its minutes from start to start."""
    if settings is None or not settings.schedule_enabled:
        return {}
    minutes = {RunKind.IMPORT: settings.import_minutes, RunKind.EXPORT: settings.export_minutes}
    return {kind: each for kind, each in minutes.items() if wanted.why_not(kind, settings, {}) is None}


def is_connected(kind: RunKind, connections: Iterable[Connection]) -> bool:
    """Return whether a run has the connections it needs: an import of files needs none to King."""
    found = {row.system: row for row in connections}
    king = found.get(System.KING)
    reads_files = kind == RunKind.IMPORT and king is not None and king.reader == Connection.Reader.FILES
    needed = [found.get(system) for system in System if system != System.KING or not reads_files]
    return all(row is not None and row.is_connected and row.state == Connection.State.ACTIVE for row in needed)


class Past:
    """What the intervals of the current tenant count from; each is read once, when it is first asked for."""

    @cached_property
    def complete_runs(self) -> dict[RunKind, SyncRun]:
        """The newest complete run of each kind: one work order sent by hand delays nothing."""
        runs = SyncRun.objects.defer(*SyncRun.LARGE).order_by("-id")
        newest = [complete(runs.filter(kind=kind))[:1] for kind in RunKind]
        return {RunKind(run.kind): run for run in newest[0].union(*newest[1:], all=True)}

    @cached_property
    def open_kinds(self) -> set[str]:
        return set(SyncRun.objects.filter(status__in=SyncRun.OPEN).values_list("kind", flat=True))

    @cached_property
    def saved_at(self) -> datetime.datetime | None:
        """When the settings were saved last."""
        return SettingsVersion.objects.order_by("-version").values_list("saved_at", flat=True).first()


def complete(runs: models.QuerySet[SyncRun]) -> models.QuerySet[SyncRun]:
    return runs.exclude(options__has_any_keys=SyncRun.PARTIAL)


def next_at(
    kind: RunKind, *, minutes: int, now: datetime.datetime | None = None, past: Past | None = None
) -> datetime.datetime | None:
    """Return when the next run should start; None while one is open. `past` is what of it has been read already."""
    past = past or Past()
    if kind in past.open_kinds:
        return None
    run = past.complete_runs.get(kind)
    since = counted_from(run.queued_at if run else None, past.saved_at)
    return None if since is None else due_at(since, minutes=minutes, now=now or timezone.now())


def counted_from(queued_at: datetime.datetime | None, saved_at: datetime.datetime | None) -> datetime.datetime | None:
    """Return from when the interval counts: the newest complete run, else the newest version of the settings.

    The first one waits for one interval after the settings were saved: time to reconsider before anything is sent.
    """
    return queued_at or saved_at


def due_at(since: datetime.datetime, *, minutes: int, now: datetime.datetime) -> datetime.datetime:
    """Return when a run is due whose interval counts from `since`, from start to start.

    After a clock was set back it is due at once, instead of when the time of the last run comes round again.
    """
    return now if since > now + CLOCKS_DIFFER else since + datetime.timedelta(minutes=minutes)


def is_due(kind: RunKind, *, minutes: int, now: datetime.datetime, past: Past | None = None) -> bool:
    at = next_at(kind, minutes=minutes, now=now, past=past)
    return at is not None and at <= now
