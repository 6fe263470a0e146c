"""OutSmart's notation of numbers, durations, clock times, dates and texts: our own reading of it."""

from __future__ import annotations

import datetime
import re
import unicodedata
from decimal import Decimal

_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?")
_DURATION = re.compile(r"([0-9]+):([0-5][0-9])")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_DATE = re.compile(r"([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})")
_WHOLE = re.compile(r"[0-9]+")


def text(row: dict[str, object], key: str) -> str:
    """Return a field as text: absent, null and "" alike, CRLF as LF, without control characters."""
    value = row.get(key)
    raw = "" if value is None else str(value)
    return "".join(sign for sign in raw.replace("\r\n", "\n") if sign == "\n" or unicodedata.category(sign) != "Cc")


def number(written: str) -> Decimal | None:
    """Return a decimal with a comma or a point and no thousands separator; None when it is not a number."""
    return Decimal(written.replace(",", ".")) if _NUMBER.fullmatch(written) else None


def decimals_of(value: Decimal) -> int:
    """Return the number of decimals that matter: 2.50 has one."""
    _, _, decimals = f"{value:f}".partition(".")
    return len(decimals.rstrip("0"))


def duration(written: str) -> int | None:
    """Return the minutes of `H:i` read as hours:minutes, which may exceed a day."""
    found = _DURATION.fullmatch(written)
    return int(found[1]) * 60 + int(found[2]) if found else None


def clock(written: str) -> int | None:
    """Return the minutes since midnight of `H:i`."""
    found = _CLOCK.fullmatch(written)
    return int(found[1]) * 60 + int(found[2]) if found else None


def whole(written: str) -> int | None:
    return int(written) if _WHOLE.fullmatch(written) else None


def date(written: str) -> datetime.date | None:
    """Return the day of `d-m-Y`; None when there is no such day."""
    found = _DATE.fullmatch(written)
    if not found:
        return None
    try:
        return datetime.date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        return None


def hours_and_minutes(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"
