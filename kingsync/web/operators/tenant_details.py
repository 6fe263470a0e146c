"""What the operators' list shows of the companies on one page only: last good runs, and the last two weeks."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from kingsync.models import tenants
from kingsync.models.runs import RunKind
from kingsync.models.work_orders import WorkOrder
from kingsync.web.operators.failing_runs import ENDED_WELL

DAYS = 14
# In the units of the drawing (its viewBox).
BAR, GAP, HEIGHT = 5, 1, 20

_LAST_GOOD = f"""
    SELECT tenant.id, kind.name, good.finished_at
    FROM unnest(%(tenants)s::bigint[]) AS tenant (id), unnest(%(kinds)s::text[]) AS kind (name),
    LATERAL (
        SELECT run.finished_at FROM kingsync_syncrun run
        WHERE run.tenant_id = tenant.id AND run.kind = kind.name AND {ENDED_WELL}
        ORDER BY run.id DESC LIMIT 1
    ) good
"""  # noqa: S608  (constants only)


@dataclass(frozen=True)
class Bar:
    x: int
    y: int
    height: int


@dataclass(frozen=True)
class Sparkline:
    """The work orders that came into King on each of the last days, oldest first."""

    numbers: list[int]
    width: int = DAYS * (BAR + GAP) - GAP
    height: int = HEIGHT
    bar_width: int = BAR

    @property
    def bars(self) -> list[Bar]:
        highest = max(self.numbers)
        heights = [max(2, round(HEIGHT * number / highest)) if number else 0 for number in self.numbers]
        return [Bar(place * (BAR + GAP), HEIGHT - high, high) for place, high in enumerate(heights) if high]

    @property
    def text(self) -> str:
        """Return the same for those who cannot see it."""
        return _("Work orders into King per day, the last %(days)s days: %(numbers)s") % {
            "days": DAYS,
            "numbers": ", ".join(map(str, self.numbers)),
        }


def last_good(tenant_ids: Sequence[int]) -> dict[tuple[int, str], datetime.datetime]:
    """Return when the newest complete run of each tenant and kind that went well had ended."""
    parameters: dict[str, Any] = {"tenants": list(tenant_ids), "kinds": list(RunKind.values)}
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(_LAST_GOOD, parameters)
        return {(tenant_id, kind): at for tenant_id, kind, at in cursor.fetchall()}


def sparklines(tenant_ids: Sequence[int]) -> dict[int, Sparkline]:
    """Return the drawing of each tenant that exported something."""
    first = timezone.localdate() - datetime.timedelta(days=DAYS - 1)
    begin = timezone.make_aware(datetime.datetime.combine(first, datetime.time.min))
    rows = WorkOrder.across_tenants.filter(tenant__in=tenant_ids, exported_at__gte=begin).order_by()
    by_day = rows.filter(administration__present_tenant__in=tenant_ids).values_list("tenant", TruncDate("exported_at"))
    found: dict[int, list[int]] = {}
    for tenant_id, day, number in by_day.annotate(number=Count("*")):
        found.setdefault(tenant_id, [0] * DAYS)[min((day - first).days, DAYS - 1)] = number
    return {tenant_id: Sparkline(numbers) for tenant_id, numbers in found.items()}
