"""Dutch local time, as both systems write it."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def now() -> datetime.datetime:
    """Return the local time in whole seconds."""
    return datetime.datetime.now(AMSTERDAM).replace(microsecond=0)


def king_stamp() -> str:
    """Return the current time as King writes it: `JJJJ-MM-DDTUU:MM:SS`."""
    return now().strftime("%Y-%m-%dT%H:%M:%S")


def outsmart_stamp() -> str:
    """Return the current time as OutSmart writes it: `Y-m-d H:i:s`."""
    return now().strftime("%Y-%m-%d %H:%M:%S")
