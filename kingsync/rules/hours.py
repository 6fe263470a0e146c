"""Hours: minutes of a work period, rounding, and the quantity that King's rate allows."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from integrations import notation
from integrations.king.limits import MOST_DECIMALS
from integrations.outsmart.records import WorkPeriod
from kingsync.rules.outcomes import Reason, reason, shown

DAY = 24 * 60
LONGEST_PAUSE = 9  # digits
LARGEST_SHIFT = Decimal("0.5")  # minutes that rounding to a rate's decimals may shift the time


def registered_minutes(period: WorkPeriod) -> int | Reason:
    """Return the minutes of a period: TotalTime, else end - begin - break, also across midnight."""
    if period.total_time.strip():
        return _minutes(period.total_time)
    if not period.begin_time.strip() or not period.end_time.strip():
        return reason("no_time")
    begin, end = _clock(period.begin_time), _clock(period.end_time)
    if isinstance(begin, Reason):
        return begin
    if isinstance(end, Reason):
        return end
    return _less_break((end - begin) % DAY, period.break_minutes.strip())


def _minutes(text: str) -> int | Reason:
    try:
        minutes = notation.parse_duration(text)
    except ValueError:
        return reason("unreadable_time", value=shown(text))
    return reason("no_time") if minutes is None else minutes


def _clock(text: str) -> int | Reason:
    """Return the minutes since midnight; 25:00 is not a time of day."""
    minutes = _minutes(text)
    return reason("unreadable_time", value=text) if isinstance(minutes, int) and minutes >= DAY else minutes


def _less_break(minutes: int, pause: str) -> int | Reason:
    if not pause:
        return minutes
    if not (pause.isascii() and pause.isdigit()):
        return reason("unreadable_time", value=shown(pause))
    if len(pause) > LONGEST_PAUSE or int(pause) > minutes:
        return reason("break_too_long", **{"break": shown(pause)})
    return minutes - int(pause)


def round_up(minutes: int, step: int) -> int:
    """Return minutes rounded up to the step; a value on the step stays, step 0 changes nothing."""
    return minutes if step == 0 else -(-minutes // step) * step


def quantity(minutes: int, decimals: int | None) -> Decimal | None:
    """Return hours in at most `decimals` (3 if unknown), half up; None when that shifts the time too far."""
    places = MOST_DECIMALS if decimals is None else min(decimals, MOST_DECIMALS)
    hours = (Decimal(minutes) / 60).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    if abs(hours * 60 - minutes) > LARGEST_SHIFT:
        return None
    return plain(hours)


def plain(number: Decimal) -> Decimal:
    """Return the number without trailing zeros or exponent: 1.500 → 1.5, 100 → 100, -0 → 0. Rounds nothing."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return Decimal(0) if not number else Decimal(text)


def as_clock(minutes: int) -> str:
    """Return minutes as H:MM."""
    return f"{minutes // 60}:{minutes % 60:02d}"
