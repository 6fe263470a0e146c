"""Asking before an export that a person started does what they may not expect: it becomes a preview instead.

It asks when it would send far more than usual, and when it reads work from before the start date.

Neither the schedule nor a command asks: nobody would be there to answer. docs/decisions/0039-asking-first.md.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from contextlib import suppress

from django.db.models import Max

from integrations import errors
from integrations.outsmart import payloads
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import orders
from kingsync.runs.lifecycle import Claim

# Behind these there is someone who can answer.
ASKING = (SyncRun.Trigger.BUTTON, SyncRun.Trigger.API)
FIRST, MANY, OLDER = "first_export", "many", "before_start_date"
# So few can be looked at, and mended, afterwards.
FEW = 25
TIMES_USUAL = 3
RECENT_EXPORTS = 20


class AsksFirstError(Exception):
    """The export asks before it sends: `why` is `FIRST`, `MANY` or `OLDER`.

    `oldest` is the day of the oldest work order, or ""; `before_start` of them are from before the start date.
    """

    def __init__(self, why: str, oldest: str, before_start: int) -> None:
        super().__init__(why)
        self.why, self.oldest, self.before_start = why, oldest, before_start

    @property
    def as_options(self) -> dict[str, object]:
        """Return what the run keeps of the question."""
        kept: dict[str, object] = {"dry_run": True, SyncRun.ASKS: self.why, SyncRun.OLDEST: self.oldest}
        return kept | ({SyncRun.BEFORE_START: self.before_start} if self.before_start else {})


def require_answer(run: SyncRun, listed: Mapping[str, bytes], *, from_date: datetime.date | None) -> None:
    """Raise `AsksFirstError` if this run has to ask before it sends these work orders, by id, as they were read.

    `from_date` is the start date.
    """
    if not _may_ask(run):
        return
    why = _too_many(run, len(listed))
    if not why and from_date is None:
        return
    days = _days(listed)
    before_start = _never_seen({key for key, day in days.items() if from_date and day < from_date})
    if why or before_start:
        oldest = min(days.values(), default=None)
        raise AsksFirstError(why or OLDER, oldest.isoformat() if oldest else "", before_start)


def become_preview(claim: Claim, asked: AsksFirstError) -> None:
    """Make a preview of the claimed run, which has sent nothing yet."""
    run = claim.run
    run.options = run.options | asked.as_options
    SyncRun.objects.filter(pk=run.pk, attempt=run.attempt).update(options=run.options)


def is_open(run: SyncRun) -> bool:
    """Return whether the question of a run waits for an answer: no export has begun since."""
    if not run.options.get(SyncRun.ASKS) or run.is_open:
        return False
    later = SyncRun.objects.filter(kind=RunKind.EXPORT, pk__gt=run.pk)
    return not later.exclude(options__has_key="dry_run").exists()


def _may_ask(run: SyncRun) -> bool:
    is_whole = not any(run.options.get(name) for name in (*SyncRun.PARTIAL, SyncRun.CONFIRMED))
    return is_whole and run.trigger in ASKING and run.attempt == 1


def _too_many(run: SyncRun, number: int) -> str:
    """Return why so many are worth a question; "" if they are not."""
    if number <= FEW:
        return ""
    if not WorkOrder.objects.filter(exported_at__isnull=False).exists():
        return FIRST
    usual = _most_of_recent_exports(run)
    return MANY if usual is not None and number > TIMES_USUAL * usual else ""


def _days(listed: Mapping[str, bytes]) -> dict[str, datetime.date]:
    """Return on which day the work was finished, by id, where that can be read."""
    days = {}
    for outsmart_id, raw in listed.items():
        with suppress(errors.PayloadError):  # the preview names what cannot be read
            source = payloads.work_order(raw)
            day = orders.finished_on(source)
            if day and not source.is_archived:
                days[outsmart_id] = day
    return days


def _never_seen(keys: set[str]) -> int:
    """Return how many of these work orders the ledger does not have, in no administration."""
    return len(keys) - WorkOrder.across_administrations.filter(outsmart_id__in=keys).distinct("outsmart_id").count()


def _most_of_recent_exports(run: SyncRun) -> int | None:
    before = SyncRun.objects.filter(kind=RunKind.EXPORT, status__in=SyncRun.FINAL, pk__lt=run.pk)
    whole = before.exclude(options__has_any_keys=SyncRun.PARTIAL).order_by("-pk")[:RECENT_EXPORTS]
    most: int | None = whole.aggregate(most=Max("read_count"))["most"]
    return most
