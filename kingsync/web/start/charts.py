"""The figures of the last 30 days, and the bars that the template draws."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Avg, Count, F, Q, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext

from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.web.figures import bars
from kingsync.web.figures.bars import Chart, Part
from kingsync.web.shared import money
from kingsync.web.shared.dates import midnight, short_date

DAYS = 30


@dataclass(frozen=True)
class Day:
    """What came into King, and how exports went, on one day.

    `rejected` is the maximum of one export, `worst_run`: a work order that stays rejected appears in every run.
    """

    date: datetime.date
    exported: int = 0
    amount: Decimal | None = None
    amount_is_least: bool = False
    rejected: int = 0
    worst_run: int | None = None
    seconds: int = 0

    @property
    def amount_text(self) -> str:
        return money.total(self.amount, is_least=self.amount_is_least)


@dataclass(frozen=True)
class LastDays:
    """`days` are the last 30, oldest first; `today` and `this_month` count work orders that came into King."""

    days: list[Day]
    today: int
    this_month: int

    @property
    def total(self) -> int:
        return sum(day.exported for day in self.days)

    @property
    def is_empty(self) -> bool:
        return not any(day.exported or day.rejected or day.seconds for day in self.days)


def last_days(*, now: datetime.datetime) -> LastDays:
    """Return the figures of the current tenant."""
    today = timezone.localdate(now)
    first, month = today - datetime.timedelta(days=DAYS - 1), today.replace(day=1)
    exported = _exported(since=min(first, month))
    rejected, seconds = _rejected(since=first), _seconds(since=first)
    days = []
    for number in range(DAYS):
        date = first + datetime.timedelta(days=number)
        came, amount, is_least = exported.get(date, (0, None, False))
        worst, run = rejected.get(date, (0, None))
        days.append(Day(date, came, amount, is_least, worst, run, seconds.get(date, 0)))
    in_month = sum(count for date, (count, *_) in exported.items() if date >= month)
    return LastDays(days=days, today=days[-1].exported, this_month=in_month)


def _exported(*, since: datetime.date) -> dict[datetime.date, tuple[int, Decimal | None, bool]]:
    """Return the work orders that came into King by day, with their amounts; answered from the index alone."""
    rows = WorkOrder.objects.filter(exported_at__gte=midnight(since)).order_by()
    by_day = rows.values_list(TruncDate("exported_at")).annotate(
        number=Count("*"), total=Sum("amount"), partial=Count("exported_at", filter=WorkOrder.AMOUNT_IS_LEAST)
    )
    return {date: (number, total, partial > 0) for date, number, total, partial in by_day}


def _exports(*, since: datetime.date) -> Q:
    return Q(finished_at__gte=midnight(since), kind=RunKind.EXPORT) & ~Q(options__contains={"dry_run": True})


def _rejected(*, since: datetime.date) -> dict[datetime.date, tuple[int, int]]:
    """Return, by day, the most rejects in one export and the key of that run, the newest of several."""
    worst = (
        SyncRun.objects.filter(_exports(since=since), rejected_count__gt=0)
        .annotate(day=TruncDate("finished_at"))
        .order_by("day", "-rejected_count", "-pk")
        .distinct("day")
    )
    return {date: (rejected, key) for date, rejected, key in worst.values_list("day", "rejected_count", "pk")}


def _seconds(*, since: datetime.date) -> dict[datetime.date, int]:
    """Return, by day, the average duration of an export in seconds."""
    rows = SyncRun.objects.filter(_exports(since=since), started_at__isnull=False).order_by()
    averages = rows.values_list(TruncDate("finished_at")).annotate(took=Avg(F("finished_at") - F("started_at")))
    return {date: max(1, round(took.total_seconds())) for date, took in averages}


# --- Links ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One day as a line of the table, with what its numbers lead to; `rejected` is "" if nothing was rejected."""

    day: Day
    exported: str
    rejected: str
    runs: str


def _rows(found: LastDays, slug: str) -> list[Row]:
    work_orders, runs = reverse("work_orders", args=[slug]), reverse("runs", args=[slug])
    made = []
    for day in found.days:
        on_day = {"exported": day.date, "exported_until": day.date}
        ended = {"kind": RunKind.EXPORT.value, "preview": "no", "ended": day.date}
        worst = reverse("run", args=[slug, day.worst_run]) if day.worst_run else ""
        made.append(
            Row(
                day,
                exported=f"{work_orders}?{urlencode(on_day)}",
                rejected=f"{worst}?outcome=rejected#head-orders" if worst else "",
                runs=f"{runs}?{urlencode(ended)}",
            )
        )
    return made


# --- Drawing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawing:
    """The charts, and the same days as lines of a table, the newest first."""

    charts: list[Chart]
    rows: list[Row]


@dataclass(frozen=True)
class Drawings:
    """What the page shows of the last days in the active language: a third of its work, so the result is kept.

    `key` names all that it shows and leads to, so what is kept under it is never out of date.
    """

    found: LastDays
    tenant: Tenant

    @property
    def key(self) -> str:
        shown = f"{self.tenant.pk} {self.tenant.slug} {get_language()} {self.found!r}"
        return hashlib.blake2b(shown.encode(), digest_size=16).hexdigest()

    def draw(self) -> Drawing:
        """Return the charts and rows; each bar and number leads to exactly what it counts."""
        rows = _rows(self.found, self.tenant.slug)
        charts = [
            _chart("exported", gettext("Work orders into King"), rows, _exported_part),
            _chart("amounts", gettext("Amount into King, excl. VAT"), rows, _amount_part),
            _chart("rejected", gettext("Most rejections in one export"), rows, _rejected_part),
            _chart("seconds", gettext("Average duration of an export"), rows, _seconds_part),
        ]
        return Drawing(charts, rows[::-1])


def _exported_part(row: Row) -> Part:
    return Part("exported", row.day.exported, str(row.day.exported), row.exported)


def _amount_part(row: Row) -> Part:
    return Part("amounts", row.day.amount or 0, row.day.amount_text, row.exported)


def _rejected_part(row: Row) -> Part:
    return Part("rejected", row.day.rejected, str(row.day.rejected), row.rejected)


def _seconds_part(row: Row) -> Part:
    return Part("seconds", row.day.seconds, duration(row.day.seconds), row.runs)


def _chart(key: str, title: str, days: list[Row], part: Callable[[Row], Part]) -> Chart:
    parts = [(_date(row.day.date), part(row)) for row in days]
    best, top = max(parts, key=lambda each: each[1].number)
    drawn = [(date, [replace(each, label=f"{date}: {each.label}")]) for date, each in parts]
    summary = gettext("Each day from %(first)s to %(last)s. The highest is %(highest)s, on %(date)s.") % {
        "first": parts[0][0],
        "last": parts[-1][0],
        "highest": top.label,
        "date": best,
    }
    if not top.number:
        summary = gettext("Nothing in the last %(days)s days.") % {"days": DAYS}
    return bars.chart(key, title, drawn, highest=top.label if top.number else "0", size=bars.DAYS, summary=summary)


def duration(seconds: int) -> str:
    """Return a duration in short form: 95 → "1:35 min"."""
    if seconds < 60:
        return gettext("%(seconds)s s") % {"seconds": seconds}
    return gettext("%(minutes)s min") % {"minutes": f"{seconds // 60}:{seconds % 60:02}"}


def _date(date: datetime.date) -> str:
    return short_date(date, with_year=False)
