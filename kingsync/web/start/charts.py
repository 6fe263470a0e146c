"""The figures of the last 30 days, and the bars that the template draws."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Avg, Count, F, Max
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext

from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.work_orders import WorkOrder
from kingsync.web.shared.dates import midnight, short_date

DAYS = 30
# In the units of the drawing (its viewBox), the only sizes that template and style sheet know.
WIDTH, HEIGHT, TOP, BOTTOM = 320, 120, 16, 20
_STEP = WIDTH // DAYS
_GAP = 2
_LEFT = (WIDTH - _STEP * DAYS) // 2


@dataclass(frozen=True)
class Day:
    """`rejected` is the maximum of one export run: a work order that stays rejected appears in every run."""

    date: datetime.date
    exported: int = 0
    rejected: int = 0
    seconds: int = 0


@dataclass(frozen=True)
class LastDays:
    """`days` are the last 30, oldest first; `today` and `this_month` count work orders that came into King."""

    days: list[Day]
    today: int
    this_month: int

    @property
    def is_empty(self) -> bool:
        return not any(day.exported or day.rejected or day.seconds for day in self.days)


@dataclass(frozen=True)
class Bar:
    x: int
    y: int
    width: int
    height: int
    label: str


@dataclass(frozen=True)
class Chart:
    """One chart: `highest` is the top of the scale, `summary` the text for those who cannot see it."""

    key: str
    title: str
    summary: str
    highest: str
    bars: list[Bar]
    first: str
    last: str

    width: int = WIDTH
    height: int = HEIGHT - 4
    floor: int = HEIGHT - BOTTOM

    @property
    def view_box(self) -> str:
        return f"0 0 {WIDTH} {HEIGHT}"


def last_days(*, now: datetime.datetime) -> LastDays:
    """Return the figures of the current tenant."""
    today = timezone.localdate(now)
    first, month = today - datetime.timedelta(days=DAYS - 1), today.replace(day=1)
    exported = _exported(since=min(first, month))
    runs = _runs(since=first)
    days = []
    for number in range(DAYS):
        date = first + datetime.timedelta(days=number)
        rejected, seconds = runs.get(date, (0, 0))
        days.append(Day(date, exported.get(date, 0), rejected, seconds))
    in_month = sum(count for date, count in exported.items() if date >= month)
    return LastDays(days=days, today=exported.get(today, 0), this_month=in_month)


def _exported(*, since: datetime.date) -> dict[datetime.date, int]:
    """Return the work orders that came into King by day; answered from the index alone."""
    rows = WorkOrder.objects.filter(exported_at__gte=midnight(since)).order_by()
    return dict(rows.values_list(TruncDate("exported_at")).annotate(number=Count("*")))


def _runs(*, since: datetime.date) -> dict[datetime.date, tuple[int, int]]:
    """Return, by day, the most rejects in one export run and the average duration in seconds."""
    rows = (
        SyncRun.objects.filter(finished_at__gte=midnight(since), kind=RunKind.EXPORT)
        .exclude(options__contains={"dry_run": True})
        .order_by()
        .values_list(TruncDate("finished_at"))
        .annotate(worst=Max("rejected_count"), took=Avg(F("finished_at") - F("started_at")))
    )
    return {date: (rejected, _whole_seconds(took)) for date, rejected, took in rows}


def _whole_seconds(took: datetime.timedelta | None) -> int:
    return 0 if took is None else max(1, round(took.total_seconds()))


def charts(found: LastDays) -> list[Chart]:
    """Return the three charts in the active language."""
    return [
        _chart("exported", gettext("Work orders into King"), found.days, lambda day: day.exported, str),
        _chart("rejected", gettext("Most rejections in one export"), found.days, lambda day: day.rejected, str),
        _chart("seconds", gettext("Average duration of an export"), found.days, lambda day: day.seconds, duration),
    ]


def duration(seconds: int) -> str:
    """Return a duration in short form: 95 → "1:35 min"."""
    if seconds < 60:
        return gettext("%(seconds)s s") % {"seconds": seconds}
    return gettext("%(minutes)s min") % {"minutes": f"{seconds // 60}:{seconds % 60:02}"}


def _chart(key: str, title: str, days: list[Day], value: Callable[[Day], int], shown: Callable[[int], str]) -> Chart:
    highest = max(map(value, days))
    bars = [_bar(number, day, value(day), highest, shown) for number, day in enumerate(days) if value(day)]
    best = max(days, key=value)
    summary = gettext("Each day from %(first)s to %(last)s. The highest is %(highest)s, on %(date)s.") % {
        "first": _date(days[0].date),
        "last": _date(days[-1].date),
        "highest": shown(highest),
        "date": _date(best.date),
    }
    if not highest:
        summary = gettext("Nothing in the last %(days)s days.") % {"days": DAYS}
    return Chart(key, title, summary, shown(highest), bars, _date(days[0].date), _date(days[-1].date))


def _bar(number: int, day: Day, value: int, highest: int, shown: Callable[[int], str]) -> Bar:
    room = HEIGHT - TOP - BOTTOM
    height = max(2, round(room * value / highest))
    x = _LEFT + number * _STEP + _GAP // 2
    return Bar(x, HEIGHT - BOTTOM - height, _STEP - _GAP, height, f"{_date(day.date)}: {shown(value)}")


def _date(date: datetime.date) -> str:
    return short_date(date, with_year=False)
