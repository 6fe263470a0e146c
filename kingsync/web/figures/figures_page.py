"""The page of figures: each month in one line, charts by day, week or month, and what stops work orders now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from kingsync.exports.overview import causes
from kingsync.exports.overview.causes import Cause
from kingsync.statements import figures as periods
from kingsync.statements.figures import Figures, Period
from kingsync.web.figures import bars
from kingsync.web.figures.bars import Chart, Part
from kingsync.web.shared import access, money
from kingsync.web.shared.dates import month_name, short_date
from kingsync.web.work_orders.work_order_list import COMPLETE, OPEN

DAY, WEEK, MONTH = "day", "week", "month"
CAUSES_SHOWN = 8
CAUSE_WIDTH = 200


@dataclass(frozen=True)
class CauseBar:
    cause: Cause
    width: int


@require_safe
@access.members
def figures(request: access.TenantRequest) -> HttpResponse:
    """Show the figures, by day, by week or by month."""
    found = periods.figures(now=timezone.now())
    asked = request.GET.get("by", WEEK)
    by = asked if asked in (DAY, WEEK, MONTH) else WEEK
    context = {
        "figures": found,
        "months": [
            (month_name(month.first), month, amount_text(month)) for month in reversed(found.months) if month.total
        ],
        "this_month": sentence(month_name(found.months[-1].first), found.months[-1]),
        "by": by,
        "charts": _charts(found, by, reverse("work_orders", args=[request.tenant.slug])),
        "causes": _cause_bars(),
        "cause_width": CAUSE_WIDTH,
    }
    return render(request, "figures/figures.html", context)


def sentence(name: str, month: Period) -> str:
    """Return a period in one line: "November 2026: 212 work orders, 210 in King, 2 open, € 1,234.00"."""
    total = ngettext("%(count)s work order", "%(count)s work orders", month.total) % {"count": month.total}
    parts = [total, gettext("%(count)s in King") % {"count": month.in_king}]
    parts.append(gettext("%(count)s open") % {"count": month.open})
    if month.excluded:
        parts.append(gettext("%(count)s excluded") % {"count": month.excluded})
    if month.amount is not None:
        parts.append(amount_text(month))
    return f"{name}: {', '.join(parts)}"


def amount_text(period: Period) -> str:
    return money.total(period.amount, is_least=period.is_least)


# --- Charts -----------------------------------------------------------------------------------------------------------


def _charts(found: Figures, by: str, work_orders: str) -> list[Chart]:
    shown = {DAY: found.days, WEEK: found.weeks, MONTH: found.months}[by]
    size = bars.WIDE_DAYS if by == DAY else bars.WIDE
    most = max(period.in_king + period.open for period in shown)
    largest = max((period.amount for period in shown if period.amount is not None), default=None)
    counts = [(_name(each, by), _counts(each, by, work_orders)) for each in shown]
    amounts = [(_name(each, by), [_amount(each, by, work_orders)]) for each in shown]
    drawn = [bars.chart("orders", gettext("Work orders"), counts, highest=str(most), size=size)] if most else []
    if largest:
        title, highest = gettext("Amount in King"), money.amount(largest)
        drawn.append(bars.chart("amounts", title, amounts, highest=highest, size=size))
    return drawn


def _counts(period: Period, by: str, work_orders: str) -> list[Part]:
    named, both = _long_name(period, by), {COMPLETE: period.in_king, OPEN: period.open}
    texts = {COMPLETE: gettext("%(count)s in King"), OPEN: gettext("%(count)s open")}
    return [
        Part(state, count, f"{named}: {texts[state] % {'count': count}}", _link(work_orders, period, state))
        for state, count in both.items()
    ]


def _amount(period: Period, by: str, work_orders: str) -> Part:
    label = f"{_long_name(period, by)}: {amount_text(period)}"
    return Part(COMPLETE, period.amount or 0, label, _link(work_orders, period, COMPLETE))


def _link(work_orders: str, period: Period, state: str) -> str:
    return f"{work_orders}?{urlencode({'since': period.first, 'until': period.last, 'state': state})}"


def _name(period: Period, by: str) -> str:
    return date_format(period.first, "M").lower() if by == MONTH else short_date(period.first, with_year=False)


def _long_name(period: Period, by: str) -> str:
    if by == MONTH:
        return month_name(period.first)
    if by == DAY:
        return short_date(period.first)
    return gettext("Week of %(date)s") % {"date": short_date(period.first)}


def _cause_bars() -> Sequence[CauseBar]:
    found = causes.biggest(CAUSES_SHOWN)
    most = max((cause.count for cause in found), default=1)
    return [CauseBar(cause, max(2, CAUSE_WIDTH * cause.count // most)) for cause in found]
