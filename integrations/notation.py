"""How the two systems write numbers, dates and text. "" gives None; unreadable text raises ValueError."""

from __future__ import annotations

import datetime
import re
import unicodedata
from decimal import Decimal
from zoneinfo import ZoneInfo

DUTCH_TIME = ZoneInfo("Europe/Amsterdam")  # neither system names a zone; both are Dutch

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)")
_DATE = re.compile(r"([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T].*)?")
_HOURS_MINUTES = re.compile(r"([0-9]{1,5}):([0-5][0-9])")
_UNSET_DATES = ("00-00-0000", "0000-00-00")


def parse_decimal(text: str) -> Decimal | None:
    """Parse a number with `,` or `.` as the decimal mark and no thousands separator."""
    if text.isascii() and text.replace(".", "", 1).isdigit() and text[-1:] != "." and text[:1] != ".":
        return Decimal(text)  # the common form
    stripped = text.strip()
    if not stripped:
        return None
    if not _DECIMAL.fullmatch(stripped):
        raise ValueError("not a number with at most one decimal mark")
    return Decimal(stripped.replace(",", "."))


def write_decimal(value: Decimal) -> str:
    """Write all decimals of `value`, at least two. Raises ValueError for NaN and infinity."""
    if not value.is_finite():
        raise ValueError("not a finite number")
    text = f"{value:f}"
    if text[-3:-2] == ".":
        return text
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<2}"


def parse_date(text: str) -> datetime.date | None:
    """Parse a `d-m-Y` date; OutSmart's 00-00-0000 means nothing too."""
    stripped = text.strip()
    if not stripped or stripped in _UNSET_DATES:
        return None
    found = _DATE.fullmatch(stripped)
    if not found:
        raise ValueError("not a d-m-Y date")
    day, month, year = (int(part) for part in found.groups())
    return datetime.date(year, month, day)


def write_date(day: datetime.date) -> str:
    """Write a date as `d-m-Y` with leading zeros."""
    return f"{day.day:02}-{day.month:02}-{day.year:04}"


def parse_iso_date(text: str) -> datetime.date | None:
    """Parse `JJJJ-MM-DD`; a time after it is dropped."""
    stripped = text.strip()
    if not stripped or stripped.startswith(_UNSET_DATES):
        return None
    found = _ISO_DATE.fullmatch(stripped)
    if not found:
        raise ValueError("not a Y-m-d date")
    year, month, day = (int(part) for part in found.groups())
    return datetime.date(year, month, day)


def parse_duration(text: str) -> int | None:
    """Parse an `H:i` duration into whole minutes; hours may exceed 24."""
    stripped = text.strip()
    if not stripped:
        return None
    found = _HOURS_MINUTES.fullmatch(stripped)
    if not found:
        raise ValueError("not an H:i duration")
    return int(found.group(1)) * 60 + int(found.group(2))


def write_changed_since(moment: datetime.datetime) -> str:
    """Write an aware datetime as `JJJJ-MM-DDTUU:MM:SS` in Dutch time, for "changed at or after".

    In the hour before the clocks go back, later changes can carry an earlier local time; then the time that the
    clocks go back to is sent, so that nothing is missed. Raises ValueError without a zone.
    """
    if moment.tzinfo is None:
        raise ValueError("the moment has no time zone")
    local = moment.astimezone(DUTCH_TIME).replace(microsecond=0)
    hour_later = (moment + datetime.timedelta(hours=1)).astimezone(DUTCH_TIME)
    if hour_later.utcoffset() != local.utcoffset() and hour_later.time() <= moment.astimezone(DUTCH_TIME).time():
        local = local.replace(minute=0, second=0)
    return local.strftime("%Y-%m-%dT%H:%M:%S")


def clean_text(text: str) -> str:
    """Convert line ends to LF and drop other control characters except the tab; nothing else changes."""
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign for sign in lines if sign in "\n\t" or unicodedata.category(sign) != "Cc")


def canonical_number(text: str) -> str:
    """Drop the leading zeros of a King warehouse code ("001" is 1); other text is unchanged."""
    if text.isascii() and text.isdigit():
        return text.lstrip("0") or "0"
    return text
