"""Date formats per language."""

from __future__ import annotations

import datetime

from django.utils import formats, timezone
from django.utils.translation import get_language


def short_date(date: datetime.date, *, with_year: bool = True) -> str:
    """Return a date with a three-letter month, capitalised in English but not in Dutch."""
    text = formats.date_format(date, "j M Y" if with_year else "j M")
    return text if (get_language() or "en").startswith("en") else text.lower()


def as_written(text: str) -> str:
    """Return a date in OutSmart's notation in the reader's format; any other text as it is."""
    try:
        return formats.date_format(datetime.datetime.strptime(text, "%d-%m-%Y").date(), "j F Y")  # noqa: DTZ007
    except ValueError:
        return text


def month_name(first: datetime.date) -> str:
    """Return "November 2026", for a heading."""
    name = formats.date_format(first, "F Y")
    return name[:1].upper() + name[1:]


def midnight(date: datetime.date) -> datetime.datetime:
    """Return the local start of a day."""
    return timezone.make_aware(datetime.datetime.combine(date, datetime.time.min))
