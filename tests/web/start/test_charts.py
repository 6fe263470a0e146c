"""The charts of the start page: drawn by us, readable by everyone."""

from __future__ import annotations

import datetime
import re

import pytest
from django.test import Client
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.runs import RunKind
from kingsync.models.tenants import Tenant
from kingsync.web.start import charts
from tests import factories
from tests.web.pages import html, text

START = "/t/jansen/"
NOW = datetime.datetime(2026, 11, 20, 15, tzinfo=timezone.get_default_timezone())


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def days_ago(days: int, hour: int = 12) -> datetime.datetime:
    return NOW.replace(hour=hour) - datetime.timedelta(days=days)


def ran(tenant: Tenant, days: int, seconds: int, **fields: object) -> None:
    ended = days_ago(days)
    began = ended - datetime.timedelta(seconds=seconds)
    factories.run(tenant, **({"started_at": began, "finished_at": ended} | fields))  # type: ignore[arg-type]


def last_days(tenant: Tenant) -> charts.LastDays:
    with tenants.scope(tenant):
        return charts.last_days(now=NOW)


def test_work_orders_are_counted_on_the_day_on_which_they_came_into_king(tenant: Tenant) -> None:
    for days in (0, 0, 1, 29, 30):
        factories.work_order(tenant, exported_at=days_ago(days))

    found = last_days(tenant)

    assert [day.exported for day in found.days] == [1, *[0] * 27, 1, 2]
    assert found.days[-1].date == datetime.date(2026, 11, 20)


def test_a_day_begins_at_midnight_here_and_not_in_greenwich(tenant: Tenant) -> None:
    factories.work_order(tenant, exported_at=NOW.replace(hour=0, minute=10))

    assert last_days(tenant).today == 1


def test_the_month_counts_from_its_first_day_also_where_that_is_longer_ago_than_the_charts(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = NOW.replace(month=10, day=31)
    monkeypatch.setattr(timezone, "now", lambda: end)
    for day in (1, 31):
        factories.work_order(tenant, exported_at=end.replace(day=day, hour=1))
    factories.work_order(tenant, exported_at=end.replace(month=9, day=30))

    with tenants.scope(tenant):
        assert charts.last_days(now=end).this_month == 2


def test_a_work_order_that_every_run_rejects_counts_once_a_day(tenant: Tenant) -> None:
    for rejected in (3, 4, 3):
        ran(tenant, 2, 10, rejected_count=rejected)

    assert last_days(tenant).days[-3].rejected == 4


def test_the_duration_is_the_average_of_real_exports(tenant: Tenant) -> None:
    ran(tenant, 1, 10)
    ran(tenant, 1, 30)
    ran(tenant, 1, 1000, kind=RunKind.IMPORT)
    ran(tenant, 1, 1000, options={"dry_run": True})

    assert last_days(tenant).days[-2].seconds == 20


def test_run_that_never_began_is_left_out_of_the_duration(tenant: Tenant) -> None:
    factories.run(tenant, started_at=None, finished_at=days_ago(1))

    assert last_days(tenant).days[-2].seconds == 0


def test_figures_of_another_tenant_are_not_drawn(editor: Client, tenant: Tenant) -> None:
    other = factories.tenant()
    factories.work_order(other, exported_at=days_ago(1))
    ran(other, 1, 10, rejected_count=2)

    assert last_days(tenant).is_empty
    assert "The last 30 days" not in text(editor.get(START))


def test_each_drawing_has_a_name_and_says_what_it_shows(editor: Client, tenant: Tenant) -> None:
    for _ in range(3):
        factories.work_order(tenant, exported_at=days_ago(4))
    ran(tenant, 1, 95, rejected_count=2)

    page = html(editor.get(START))

    described = re.findall(r'<svg[^>]*role="img" aria-labelledby="(\S+) (\S+)"', page)
    assert len(described) == 3
    assert all(f'id="{name}"' in page for pair in described for name in pair)
    assert "The highest is 3, on 16 Nov." in page
    assert "The highest is 1:35 min, on 19 Nov." in page


def test_the_same_figures_stand_in_a_table(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, exported_at=days_ago(4))

    rows = re.findall(r'<th scope="row">(.*?)</th><td[^>]*>(\d+)</td>', html(editor.get(START)))

    assert len(rows) == charts.DAYS
    assert ("16 Nov 2026", "1") in rows


def test_bars_stay_inside_the_drawing_and_the_highest_reaches_the_top(tenant: Tenant) -> None:
    for days, count in ((0, 1), (7, 40), (29, 1)):
        for _ in range(count):
            factories.work_order(tenant, exported_at=days_ago(days))

    bars = charts.charts(last_days(tenant))[0].bars

    assert len(bars) == 3
    assert all(bar.x >= 0 and bar.x + bar.width <= charts.WIDTH for bar in bars)
    assert all(bar.y + bar.height == charts.HEIGHT - charts.BOTTOM and bar.height >= 2 for bar in bars)
    assert min(bar.y for bar in bars) == charts.TOP


def test_drawings_need_no_style_of_their_own(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, exported_at=days_ago(4))

    page = editor.get(START).content.decode()

    assert '<rect class="bar"' in page
    assert re.findall(r"<style|\sstyle=", page) == []


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (59, "59 s"), (60, "1:00 min"), (3725, "62:05 min")])
def test_durations_are_short(seconds: int, words: str) -> None:
    assert charts.duration(seconds) == words
