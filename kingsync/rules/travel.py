"""Travel distances of work periods: one King line each, and their sum for text lines."""

from __future__ import annotations

from decimal import Decimal

from integrations import notation
from integrations.outsmart.records import WorkOrder, WorkPeriod
from kingsync.rules.hours import plain
from kingsync.rules.outcomes import Reason, reason, shown


def distance(period: WorkPeriod) -> Decimal | Reason | None:
    """Return the distance of a period; None when there is none."""
    try:
        found = notation.parse_decimal(period.travel)
    except ValueError:
        return reason("unreadable_distance", value=shown(period.travel))
    if not found:
        return None
    return plain(found) if found > 0 else reason("negative_distance", value=shown(period.travel))


def total(work_order: WorkOrder) -> str:
    """Return the sum of the distances in OutSmart's notation, such as 12,5; "" when there are none."""
    found = [each for each in map(distance, work_order.periods) if isinstance(each, Decimal)]
    return f"{plain(sum(found, Decimal(0))):f}".replace(".", ",") if found else ""
