"""Kinds of run that fail: since when, how often they were tried, and why the newest attempt failed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Min, QuerySet

from kingsync.models.runs import RunKind, RunStatus, SyncRun

GOOD = (RunStatus.SUCCEEDED, RunStatus.PARTLY)


@dataclass(frozen=True)
class Failure:
    """A kind of run that fails: `run` is the newest attempt, `tries` counts those since the last that ended well."""

    run: SyncRun
    since: datetime.datetime
    tries: int

    @property
    def kind(self) -> RunKind:
        return RunKind(self.run.kind)


def of(kind: RunKind) -> Failure | None:
    """Return the failure of a kind; None when its newest run ended well, or there was none."""
    run = newest_failed(kind)
    if run is None:
        return None
    good = _over(kind, is_complete=_is_complete(run)).filter(status__in=GOOD).order_by("-id").values("pk").first()
    failed = _over(kind).filter(status=RunStatus.FAILED, pk__gt=good["pk"] if good else 0)
    found = failed.aggregate(since=Min("queued_at"), tries=Count("pk"))
    return Failure(run, found["since"], found["tries"])


def newest_failed(kind: RunKind) -> SyncRun | None:
    """Return the newest run of a kind if it failed.

    A part that went well, such as one work order sent by hand, does not end the failure of a complete run.
    """
    newest = _over(kind).order_by("-id").first()
    if newest is not None and newest.status != RunStatus.FAILED and not _is_complete(newest):
        newest = _over(kind, is_complete=True).order_by("-id").first()
    return newest if newest is not None and newest.status == RunStatus.FAILED else None


def failing_kinds() -> list[RunKind]:
    """Return the kinds of run whose newest one failed, by one statement unless a part was the last that went well."""
    newest = [_over(kind).order_by("-id").values_list("kind", "status", "options")[:1] for kind in RunKind]
    found = newest[0].union(*newest[1:], all=True)
    return [RunKind(kind) for kind, status, options in found if _has_failed(RunKind(kind), status, options)]


def _has_failed(kind: RunKind, status: str, options: Mapping[str, object]) -> bool:
    if status == RunStatus.FAILED or _are_complete(options):
        return status == RunStatus.FAILED
    return newest_failed(kind) is not None


def _is_complete(run: SyncRun) -> bool:
    return _are_complete(run.options)


def _are_complete(options: Mapping[str, object]) -> bool:
    return not any(name in options for name in SyncRun.PARTIAL)


def _over(kind: RunKind, *, is_complete: bool = False) -> QuerySet[SyncRun]:
    """Return the finished runs of a kind, without dry runs and cancelled ones; of all or the complete ones."""
    runs = SyncRun.objects.filter(kind=kind, status__in=[*GOOD, RunStatus.FAILED])
    runs = runs.defer(*SyncRun.LARGE)
    if is_complete:
        return runs.exclude(options__has_any_keys=SyncRun.PARTIAL)
    # `contains`, since comparing a missing key gives NULL and would exclude every ordinary run.
    return runs.exclude(options__contains={"dry_run": True})
