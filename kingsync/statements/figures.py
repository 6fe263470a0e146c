"""Work orders by day, by week and by month: how many there are, how many are in King, what they amount to."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils import timezone

from kingsync.statements import counting
from kingsync.statements import periods as statements
from kingsync.statements.counting import Totals

WEEKS = MONTHS = 13
DAYS = 30


@dataclass(frozen=True)
class Period:
    """A day, a week or a month, `last` included.

    `amount` is that of what is in King; `is_least`: parts of it are unknown.
    """

    first: datetime.date
    last: datetime.date
    total: int = 0
    in_king: int = 0
    excluded: int = 0
    amount: Decimal | None = None
    is_least: bool = False

    @property
    def open(self) -> int:
        return self.total - self.in_king - self.excluded


@dataclass(frozen=True)
class Figures:
    """The last days, weeks and months, oldest first; `undated` work orders have no date and are in none of them."""

    days: list[Period]
    weeks: list[Period]
    months: list[Period]
    undated: int
    counted_at: datetime.datetime


def figures(*, now: datetime.datetime) -> Figures:
    """Return the figures of the current tenant."""
    today = timezone.localdate(now)
    weeks, months = list(_weeks(today)), list(_months(today))
    days = counting.kept_by_day(statements.Period(min(weeks[0][0], months[0][0]), max(weeks[-1][1], months[-1][1])))
    return Figures(
        days=[_sum(days, *each) for each in _days(today)],
        weeks=[_sum(days, *each) for each in weeks],
        months=[_sum(days, *each) for each in months],
        undated=counting.undated().count(),
        counted_at=now,
    )


def _days(today: datetime.date) -> Iterator[tuple[datetime.date, datetime.date]]:
    for back in reversed(range(DAYS)):
        day = today - datetime.timedelta(days=back)
        yield day, day


def _weeks(today: datetime.date) -> Iterator[tuple[datetime.date, datetime.date]]:
    monday = today - datetime.timedelta(days=today.weekday())
    for back in reversed(range(WEEKS)):
        first = monday - datetime.timedelta(weeks=back)
        yield first, first + datetime.timedelta(days=6)


def _months(today: datetime.date) -> Iterator[tuple[datetime.date, datetime.date]]:
    for back in reversed(range(MONTHS)):
        yield _first_of_month(today, back), _first_of_month(today, back - 1) - datetime.timedelta(days=1)


def _first_of_month(today: datetime.date, back: int) -> datetime.date:
    years, month = divmod(today.year * 12 + today.month - 1 - back, 12)
    return datetime.date(years, month + 1, 1)


def _sum(days: Mapping[datetime.date, Totals], first: datetime.date, last: datetime.date) -> Period:
    return of(first, last, counting.together(totals for day, totals in days.items() if first <= day <= last))


def of(first: datetime.date, last: datetime.date, found: Totals) -> Period:
    return Period(first, last, found.total, found.in_king, found.excluded, found.amount, found.is_least)
