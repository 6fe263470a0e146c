"""Asking before an export that a person started sends far more than they may expect: it becomes a preview instead.

Neither the schedule nor a command asks: nobody would be there to answer. docs/decisions/0039-asking-first.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress

from django.db.models import Max

from integrations import errors
from integrations.outsmart import payloads
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import orders
from kingsync.runs.lifecycle import Claim

FIRST, MANY = "first_export", "many"
# So few can be looked at, and mended, afterwards.
FEW = 25
TIMES_USUAL = 3
RECENT_EXPORTS = 20


class AsksFirstError(Exception):
    """The export asks before it sends: `why` is `FIRST` or `MANY`, `oldest` the day of the oldest work order, or ""."""

    def __init__(self, why: str, oldest: str) -> None:
        super().__init__(why)
        self.why, self.oldest = why, oldest


def require_answer(run: SyncRun, listed: Collection[bytes]) -> None:
    """Raise `AsksFirstError` if this run has to ask before it sends these work orders, which are as they were read."""
    if len(listed) <= FEW or not _may_ask(run):
        return
    if not WorkOrder.objects.filter(exported_at__isnull=False).exists():
        raise AsksFirstError(FIRST, _oldest(listed))
    usual = _most_of_recent_exports(run)
    if usual is not None and len(listed) > TIMES_USUAL * usual:
        raise AsksFirstError(MANY, _oldest(listed))


def become_preview(claim: Claim, asked: AsksFirstError) -> None:
    """Make a preview of the claimed run, which has sent nothing yet."""
    run = claim.run
    run.options = run.options | {"dry_run": True, SyncRun.ASKS: asked.why, SyncRun.OLDEST: asked.oldest}
    SyncRun.objects.filter(pk=run.pk, attempt=run.attempt).update(options=run.options)


def is_open(run: SyncRun) -> bool:
    """Return whether the question of a run waits for an answer: no export has begun since."""
    if not run.options.get(SyncRun.ASKS) or run.is_open:
        return False
    later = SyncRun.objects.filter(kind=RunKind.EXPORT, pk__gt=run.pk)
    return not later.exclude(options__has_key="dry_run").exists()


def _may_ask(run: SyncRun) -> bool:
    is_whole = not any(run.options.get(name) for name in (*SyncRun.PARTIAL, SyncRun.CONFIRMED))
    return is_whole and run.trigger == SyncRun.Trigger.BUTTON and run.attempt == 1


def _oldest(listed: Iterable[bytes]) -> str:
    days = []
    for raw in listed:
        with suppress(errors.PayloadError):  # the preview names what cannot be read
            days.append(orders.finished_on(payloads.work_order(raw)))
    oldest = min((day for day in days if day), default=None)
    return oldest.isoformat() if oldest else ""


def _most_of_recent_exports(run: SyncRun) -> int | None:
    before = SyncRun.objects.filter(kind=RunKind.EXPORT, status__in=SyncRun.FINAL, pk__lt=run.pk)
    whole = before.exclude(options__has_any_keys=SyncRun.PARTIAL).order_by("-pk")[:RECENT_EXPORTS]
    most: int | None = whole.aggregate(most=Max("read_count"))["most"]
    return most
