"""The day or month that a statement is about."""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

_KEY = re.compile(r"(?P<year>20\d\d)-(?P<month>\d\d)(-(?P<day>\d\d))?")


@dataclass(frozen=True)
class Period:
    """A day or a month, `last` included."""

    first: datetime.date
    last: datetime.date

    @property
    def is_month(self) -> bool:
        return self.first.day == 1 and self.first != self.last

    @property
    def key(self) -> str:
        """Return it as addresses name it: 2026-11, or 2026-11-17."""
        return f"{self.first:%Y-%m}" if self.is_month else f"{self.first:%Y-%m-%d}"

    def is_over(self, today: datetime.date) -> bool:
        return self.last < today

    def days(self) -> Iterator[datetime.date]:
        for number in range((self.last - self.first).days + 1):
            yield self.first + datetime.timedelta(days=number)


def month_of(day: datetime.date) -> Period:
    last = calendar.monthrange(day.year, day.month)[1]
    return Period(day.replace(day=1), day.replace(day=last))


def of_key(key: str) -> Period | None:
    """Return the period of an address; None if there is no such day or month."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    try:
        day = datetime.date(int(found["year"]), int(found["month"]), int(found["day"] or 1))
    except ValueError:
        return None
    return Period(day, day) if found["day"] else month_of(day)
